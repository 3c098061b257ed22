"""What tasks display: the same bundles in a thread, a process and a worker; and cells that are cleared."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import indent
from typing import Any

import pytest

from tests.integration.test_capture_in_kernels import PREPARED
from tests.support.cells import Kernel
from tests.support.cells import kernel as start_kernel

EVERYWHERE = ("thread", "process", "detached")


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    with start_kernel(tmp_path_factory.mktemp("kernel")) as started:
        started.run(PREPARED)
        started.run("""
def displays(handle):
    found = [decode_data(e) for e in handle.events() if e.type == "display"]
    return [(one.display_id, {kind: str(value)[:60] for kind, value in one.data.items()}) for one in found]
""")
        yield started


def shown(kernel: Kernel, code: str, on: str) -> list[dict[str, str]]:
    """Run *code* as a task; return the data of what it displays, each value cut to its begin."""
    kernel.run(f"""
def work():
    import jupyter_agent as ja
    from IPython.display import HTML, JSON, Image, Markdown, clear_output, display, update_display
{indent(code, "    ")}
handle = ends(work, {on!r})
""")
    return [data for _, data in kernel.value("displays(handle)")]


PNG = "iVBORw0KGgo"
OBJECTS = {
    "matplotlib, shown": (
        "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()",
        {"image/png": PNG},
    ),
    "matplotlib, displayed": (
        """
from matplotlib.figure import Figure
figure = Figure()
figure.subplots().plot([1])
DISPLAY(figure)
""",
        {"image/png": PNG},
    ),
    "pandas": (
        "import pandas\nframe = pandas.DataFrame({'a': [1, 2]})\nDISPLAY(frame)\nDISPLAY(frame.style)",
        {"text/html": "<"},
    ),
    "PIL": ("from PIL import Image as images\nDISPLAY(images.new('RGB', (4, 4)))", {"image/png": PNG}),
    "plotly": (
        "import plotly.graph_objects as go\nDISPLAY(go.Figure(go.Bar(y=[1, 2])))",
        {"application/vnd.plotly.v1+json": "{'data': [{"},
    ),
    "IPython": (
        "DISPLAY(HTML('<b>x</b>'))\nDISPLAY(Markdown('*x*'))\nDISPLAY(JSON([1]))",
        {"text/html": "<b>x</b>", "text/markdown": "*x*", "application/json": "[1]"},
    ),
    "a bundle of its own": (
        """
class Chart:
    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"application/vnd.vegalite.v5+json": {"mark": "bar"}, "text/plain": "\\x1b[31mchart"}, {"a": 1}
DISPLAY(Chart())
""",
        {"application/vnd.vegalite.v5+json": "{'mark': 'bar'}", "text/plain": "chart"},
    ),
    "displays others": (
        """
class Both:
    def _ipython_display_(self):
        print("printed")
        display(HTML("1"))
        display(HTML("2"))
DISPLAY(Both())
""",
        {"text/html": ""},
    ),
    "broken": (
        """
class Broken:
    def _repr_html_(self): raise ValueError("html")
    def _repr_png_(self): return b"\\x89PNG\\r\\n\\x1a\\n"
    def __repr__(self): return "broken"
DISPLAY(Broken())
""",
        {"image/png": PNG, "text/plain": "broken"},
    ),
}
COUNTS = {"pandas": 2, "IPython": 3, "displays others": 2}


@pytest.mark.parametrize("display", ["display", "ja.current().display"])
@pytest.mark.parametrize("what", OBJECTS)
def test_what_is_displayed_is_recorded_in_every_representation(
    kernel: Kernel, what: str, display: str
) -> None:
    code, expected = OBJECTS[what]
    bundles = shown(kernel, code.replace("DISPLAY", display), "thread")
    assert len(bundles) == COUNTS.get(what, 1), bundles
    for bundle in bundles:
        assert any(bundle.get(kind, "?").startswith(begin) for kind, begin in expected.items()), bundle
    found = {kind: value for bundle in bundles for kind, value in bundle.items()}
    assert all(found.get(kind, "").startswith(begin) for kind, begin in expected.items()), found
    assert kernel.value("handle.logs().count('printed')") == (what == "displays others")


@pytest.mark.parametrize(
    ("on", "display"), [("process", "display"), ("process", "ja.current().display"), ("detached", "display")]
)
def test_without_a_kernel_the_same_is_recorded(kernel: Kernel, on: str, display: str) -> None:
    names = [name for name in OBJECTS if name != "plotly" or on == "process"]  # slow to import
    code = "\n".join(OBJECTS[name][0].replace("DISPLAY", display) for name in names)
    here, there = (sorted(map(named, shown(kernel, code, where))) for where in ("thread", on))
    assert here == there
    assert kernel.value("handle.logs().count('printed')") == 1


def named(bundle: dict[str, str]) -> list[str]:
    return sorted(f"{kind} {'' if 'json' in kind else value[:20]}" for kind, value in bundle.items())


@pytest.mark.parametrize("on", EVERYWHERE)
def test_a_broken_repr_fails_no_task_and_says_so(kernel: Kernel, on: str) -> None:
    code = """
class Broken:
    def __repr__(self): raise ValueError("no repr")
ja.current().display(Broken())
"""
    assert shown(kernel, code, on) == [{"text/plain": "<Broken without a repr: ValueError>"}]


@pytest.mark.parametrize("on", EVERYWHERE)
def test_a_display_that_is_updated_is_one_display_in_its_last_state(kernel: Kernel, on: str) -> None:
    code = """
handle = display(HTML("0"), display_id=True)
for n in range(1, 100): handle.update(HTML(str(n)))
display(HTML("x"), display_id="mine")
update_display(HTML("y"), display_id="mine")
"""
    bundles = shown(kernel, code, on)
    last = {name: data["text/html"] for name, data in kernel.value("displays(handle)")}
    assert sorted(last.values()) == ["99", "y"]
    assert "mine" in last
    assert len(bundles) <= 5


@pytest.mark.parametrize("on", EVERYWHERE)
def test_text_that_is_displayed_is_text(kernel: Kernel, on: str) -> None:
    assert shown(kernel, "display([1, 2])", on) == []
    assert kernel.value("handle.logs()") == "[1, 2]\n"


@pytest.mark.parametrize("on", EVERYWHERE)
def test_output_that_is_cleared_is_cleared_in_the_record(kernel: Kernel, on: str) -> None:
    code = """
for n in range(30):
    clear_output(wait=True)
    print("step", n)
    display(HTML(f"<b>{n}</b>"))
ja.current().log("said")
"""
    bundles = shown(kernel, code, on)
    assert len(bundles) <= 3
    assert bundles[-1]["text/html"] == "<b>29</b>"
    assert len({name for name, _ in kernel.value("displays(handle)")}) == 1
    assert sorted(kernel.value("lines(handle)")) == ["said", "step 29"]


def test_clearing_an_output_widget_clears_nothing_else(kernel: Kernel) -> None:
    code = """
from ipywidgets import Output
print("kept")
display(HTML("kept"))
out = Output()
for n in range(3):
    with out:
        clear_output(wait=True)
        display(HTML(str(n)))
"""
    bundles = shown(kernel, code, "thread")
    assert kernel.value("lines(handle)") == ["kept"]
    last = dict(kernel.value("displays(handle)"))
    assert [data["text/html"] for data in last.values()] == ["kept", "2"], bundles


def outputs(kernel: Kernel, code: str) -> list[tuple[str, Any]]:
    """Run a cell; return its outputs as a front-end has them at the end: those since it was cleared last."""
    found: list[tuple[str, Any]] = []
    is_pending = False
    for kind, content in kernel.messages(code):
        if kind == "clear_output":
            is_pending = content["wait"]
            found = found if is_pending else []
        elif kind in ("stream", "display_data"):
            found, is_pending = ([] if is_pending else found), False
            found.append((kind, content))
    return found


LOOPS = {
    "prints": "print('step', n)",
    "displays": "display(HTML(str(n)))",
    "both": "print('step', n); display(HTML(str(n)))",
}


@pytest.mark.parametrize("wait", [True, False])
@pytest.mark.parametrize("how", LOOPS)
def test_the_view_of_a_tracked_loop_that_clears_its_cell_stays_first(
    kernel: Kernel, how: str, wait: bool
) -> None:
    last = outputs(
        kernel,
        f"""
from IPython.display import HTML, clear_output, display
for n in ja.track(range(4)):
    clear_output(wait={wait})
    {LOOPS[how]}
    if n == 3: break
loop = ja.tasks()[0]
""",
    )
    kinds = [content.get("transient", {}).get("display_id") for _, content in last]
    assert kinds[0] == kernel.value("loop.id")
    assert len(last) == (3 if how == "both" else 2), last
    text = str(last[1:])
    assert "3" in text
    assert "step 2" not in text


def test_the_view_of_a_task_stays_when_its_cell_is_cleared_and_goes_with_its_end(kernel: Kernel) -> None:
    last = outputs(
        kernel,
        """
from IPython.display import clear_output
stop = threading.Event()
waiting = ja.task(stop.wait, name="waits").submit()
clear_output()
print("beside")
""",
    )
    assert [kind for kind, _ in last] == ["display_data", "stream"]
    assert last[0][1]["transient"]["display_id"] == kernel.value("waiting.id")
    last = outputs(
        kernel,
        """
quick = ja.task(lambda: None, name="ends").submit()
quick.wait(30)
clear_output()
print("beside")
""",
    )
    assert [kind for kind, _ in last] == ["stream"]
    kernel.run("stop.set(); waiting.wait(30)")


def test_nothing_is_imported_for_it(kernel: Kernel) -> None:
    kernel.run("""
def work():
    import sys, jupyter_agent as ja
    class Table:
        def _repr_html_(self): return "<table>"
    ja.current().display(Table())
    names = ("rich", "plotly", "matplotlib", "IPython", "pandas", "PIL")
    return [name for name in names if name in sys.modules]
handle = ends(work, "process")
""")
    assert kernel.value("handle.result()") == []
    assert kernel.value("displays(handle)")[0][1]["text/html"] == "<table>"


def test_views_are_kept_for_the_cell_that_can_be_cleared_only(kernel: Kernel) -> None:
    kernel.run("from jupyter_agent.notebook.display import bundle")
    kernel.run("gate = threading.Event()\nwaiting = ja.task(lambda: gate.wait(60)).submit()")
    assert kernel.value("sum(map(len, bundle._kept.values()))") == 1
    kernel.run("for _ in range(3): ja.submit(int).result(20)\nlast = ja.task(lambda: gate.wait(60)).submit()")
    assert kernel.value(
        "[id in views for views in bundle._kept.values() for id in (waiting.id, last.id)]"
    ) == [
        False,
        True,
    ]
    kernel.run("gate.set(); waiting.result(20); last.result(20)")
    assert kernel.value("sum(map(len, bundle._kept.values()))") == 0
