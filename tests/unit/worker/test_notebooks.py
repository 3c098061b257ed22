"""Notebooks as tasks: the outputs are nbclient's own; parameters, headings, failures, cancels."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import re
import stat
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty
from types import SimpleNamespace
from typing import Any

import nbformat
import pytest
from jupyter_client.client import KernelClient
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from jupyter_agent.core.events import Error, Log
from jupyter_agent.detached.targets import NotebookTarget
from jupyter_agent.errors import BadTarget, TargetFailed, TaskCancelled
from jupyter_agent.producer.spool_folder import read_spool_header
from jupyter_agent.runtime.outcome import described
from jupyter_agent.system import paths as paths_module
from jupyter_agent.system.process_table import members
from jupyter_agent.worker.notebooks.client import POLL_INTERVAL, ReportingNotebookClient, poll_channels
from jupyter_agent.worker.notebooks.headings import headings
from jupyter_agent.worker.notebooks.load import find_kernel, read_notebook
from jupyter_agent.worker.notebooks.notebook import run
from jupyter_agent.worker.notebooks.parameters import inject
from tests.support.builders import until
from tests.support.targets import RecordingSink, run_and_stop


def code(source: str, *tags: str) -> NotebookNode:
    cell: NotebookNode = new_code_cell(source, metadata={"tags": list(tags)} if tags else {})
    return cell


# In the manner of nbclient's own test notebooks.
ERROR = [
    new_markdown_cell("# Load"),
    code("import sys\nprint('read')\nprint('warned', file=sys.stderr)\n'a result'"),
    new_markdown_cell("## *Fit* the model"),
    code("print('before')\nraise ValueError('no \\x1b[31mred\\x1b[0m data')"),
    code("print('never reached')"),
]
LONG = [
    code("for n in range(20_000):\n    print('line', n)"),
    code("import sys\nprint('x' * 300_000)\nprint('y' * 300_000, file=sys.stderr)"),
    code("list(range(3_000))"),
]
WIDGETS = [
    code("import ipywidgets as widgets\nslider = widgets.IntSlider(value=7)\nslider"),
    code("out = widgets.Output()\nout"),
    code("with out:\n    print('into the widget')\n    display('a display in it')"),
    code("slider.value = 9\nwidgets.HBox([slider, widgets.Label('of it')])"),
    code("out.clear_output()\nwith out:\n    print('once more')"),
]
STDIN = [
    code("try:\n    name = input('What is your name? ')\nexcept Exception as error:\n    print(repr(error))"),
    code("input('And again? ')"),
]
RAISES = """
import sys
print("hello")
print("errored", file=sys.stderr)
# üñîçø∂é
raise Exception("message")
"""
UPDATES = """
from IPython.display import HTML, clear_output, display, update_display
for n in range(200):
    (update_display if n else display)(HTML(f"<b>{n}</b>"), display_id="bar")
print("gone")
clear_output()
display(HTML("<i>kept</i>"))
print("ok")
"""
BESIDE = """
import ipywidgets
from IPython.display import HTML, clear_output, display
area = ipywidgets.Output()
display(HTML("<b>above</b>"), area)
with area:
    display(HTML("<b>in the widget</b>"))
    clear_output()
"""
PICTURES = """
for n in range(100):
    clear_output(wait=True)
    print("picture", n)
    display(HTML(f"<b>picture {n}</b>"))
clear_output(wait=True)  # nothing follows, so nothing is cleared
"""
TAGGED = [
    code(RAISES, "raises-exception"),
    code("raise SystemError('skipped')", "skip-execution"),
    code(UPDATES),
]
CLEARED = [code(BESIDE), code(PICTURES)]
KINDS = {
    "error cell": ERROR,
    "long output": LONG,
    "widgets": WIDGETS,
    "stdin": STDIN,
    "tags": TAGGED,
    "cleared": CLEARED,
}

GIVEN = [
    new_markdown_cell("# Numbers"),
    code("n = 1\nname = 'nobody'", "parameters"),
    code("print(n, name)\nimport os\nprint(os.getcwd())"),
    code("import jupyter_agent as ja\nhandle = ja.submit(lambda: 6 * 7)\nhandle.result()"),
]
DIES = [code("pass"), new_markdown_cell("# Too much"), code("import os\nos.kill(os.getpid(), 9)")]
ALLOWED = [code("1 / 0"), code("print('all the same')")]


@dataclass
class Ran:
    """One executed notebook: as a task, or with nbclient alone, when ``sink`` is empty."""

    sink: RecordingSink = field(default_factory=RecordingSink)
    result: Any = None
    error: BaseException | None = None
    notebook: NotebookNode = field(default_factory=NotebookNode)


def error_of(ran: Ran) -> Error:
    assert ran.error is not None
    return described(ran.error)


@dataclass
class All:
    tasks: dict[str, Ran]
    plain: dict[str, Ran]
    folder: Path


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[All]:
    """Every notebook of this module, run once: kernels take their time, so several at a time."""
    folder = tmp_path_factory.mktemp("notebooks")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HOME", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "IPYTHONDIR"):
            patch.setenv(name, str(folder / name))
        patch.setenv("JUPYTER_AGENT_DIR", str(folder / "agent"))
        patch.setenv("JUPYTER_AGENT_JOURNAL", "default-2")
        patch.setenv("JUPYTER_PLATFORM_DIRS", "1")
        patch.setenv("PYTHONWARNINGS", "")
        paths_module._probed.cache_clear()
        with ThreadPoolExecutor(4) as pool:
            plain = {
                kind: pool.submit(with_nbclient, save(folder / f"plain {kind}", cells))
                for kind, cells in KINDS.items()
            }
            jobs: dict[str, tuple[list[NotebookNode], dict[str, Any]]]
            jobs = {kind: (cells, {}) for kind, cells in KINDS.items()}
            jobs["given"] = (GIVEN, {"parameters": {"n": 5, "name": 'it\'s "ada"\n'}})
            jobs["dies"] = (DIES, {})
            jobs["allowed"] = (ALLOWED, {"allow_errors": True})
            tasks = {
                kind: pool.submit(as_task, save(folder / kind / "x", cells), options)
                for kind, (cells, options) in jobs.items()
            }
            yield All(
                {kind: future.result() for kind, future in tasks.items()},
                {kind: future.result() for kind, future in plain.items()},
                folder,
            )
    paths_module._probed.cache_clear()


def save(path: Path, cells: list[NotebookNode]) -> Path:
    path = path.with_name(f"{path.name}.ipynb")
    path.parent.mkdir(exist_ok=True)
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": spec}), path)
    return path


class Plain(NotebookClient):
    """nbclient alone, but for its waiting for ever: see `poll_channels`."""

    async def async_start_new_kernel_client(self) -> KernelClient:
        client = await super().async_start_new_kernel_client()
        poll_channels(client)
        return client


def with_nbclient(path: Path) -> Ran:
    notebook: NotebookNode = nbformat.read(path, as_version=4)
    ran = Ran(notebook=notebook)
    try:
        asyncio.run(Plain(notebook).async_execute())
    except CellExecutionError as error:
        ran.error = error
    return ran


numbers = iter(range(1, 100))


def as_task(path: Path, options: dict[str, Any]) -> Ran:
    ran = Ran()
    ran.sink.context.attempt = next(numbers)  # each has a file of its own
    try:
        ran.result = run(NotebookTarget(str(path), **options), ran.sink.context)
    except TargetFailed as error:
        ran.error = error
    kept = paths_module.data_paths().results / f"{ran.sink.id}-{ran.sink.context.attempt}.ipynb"
    ran.notebook = nbformat.read(kept, as_version=4)
    return ran


def comparable(notebook: NotebookNode | None) -> Any:
    """A notebook without what differs from run to run: times, ids of widgets, pieces of a stream."""
    assert notebook is not None
    states = notebook.metadata.get("widgets", {}).get(STATE, {}).get("state", {})
    cells = []
    for cell in notebook.cells:
        outputs = [expanded(output, states) for output in joined(cell.get("outputs", []))]
        metadata = {name: value for name, value in cell.metadata.items() if name != "execution"}
        cells.append({**cell, "outputs": outputs, "metadata": metadata})
    models = sorted(json.dumps(expanded(state, states), sort_keys=True) for state in states.values())
    metadata = {name: value for name, value in notebook.metadata.items() if name != "widgets"}
    return json.loads(json.dumps({"cells": cells, "models": models, "metadata": metadata}))


STATE = "application/vnd.jupyter.widget-state+json"


def expanded(value: Any, states: Any) -> Any:
    """A model's state in place of its id, which is random."""
    if isinstance(value, dict):
        return {key: expanded(inner, states) for key, inner in value.items()}
    if isinstance(value, list):
        return [expanded(inner, states) for inner in value]
    ident = value.removeprefix("IPY_MODEL_") if isinstance(value, str) else ""
    return expanded(states[ident], states) if ident in states else value


def joined(outputs: list[NotebookNode]) -> Iterator[NotebookNode]:
    """A kernel sends long text in pieces, as time goes by; nbclient keeps them as they come."""
    for is_text, group in itertools.groupby(outputs, lambda one: one.get("name")):
        rows = list(group)
        if is_text:
            yield NotebookNode({**rows[0], "text": "".join(one.text for one in rows)})
        else:
            yield from rows


@pytest.mark.parametrize("kind", KINDS)
def test_the_outputs_are_those_of_nbclient(kind: str, ran: All) -> None:
    mine, plain = ran.tasks[kind], ran.plain[kind]
    assert comparable(mine.notebook) == comparable(plain.notebook)
    assert (mine.error is None) == (plain.error is None)
    assert any(cell.get("outputs") for cell in mine.notebook.cells)
    assert bool(comparable(mine.notebook)["models"]) == (kind in ("widgets", "cleared"))


def test_a_failing_cells_traceback_is_the_error(ran: All) -> None:
    error = error_of(ran.tasks["error cell"])
    assert error.type == "ValueError"
    assert error.message == "in cell 4 (Fit the model): no \x1b[31mred\x1b[0m data"
    assert re.search(
        r"^  Cell \[\d+\], line 2, in <module>\n    raise ValueError", error.traceback, re.MULTILINE
    )
    assert error.traceback.rstrip().endswith("ValueError: no red data")
    assert "\x1b" not in error.traceback
    assert [(p.done, p.total, p.message) for p in ran.tasks["error cell"].sink.progress] == [
        (0, 3, "Load"),
        (1, 3, "Fit the model"),
    ]


def test_streams_results_and_allowed_errors_are_the_log(ran: All) -> None:
    sink = ran.tasks["error cell"].sink
    assert sink.text("stdout") == "read\n'a result'\nbefore\n"
    assert sink.text("stderr") == "warned\n"  # the traceback is the error
    sections = [log.section for log in sink.events if isinstance(log, Log)]
    assert list(dict.fromkeys(sections)) == ["cell 2 (Load)", "cell 4 (Fit the model)"]
    tagged = ran.tasks["tags"].sink
    assert "Exception: message" in tagged.text("stderr")
    assert tagged.text("stdout") == "hello\ngone\nok\n"


def test_a_long_output_is_in_the_log_whole(ran: All) -> None:
    sink = ran.tasks["long output"].sink
    lines = sink.text("stdout").splitlines()
    assert lines[:20_000] == [f"line {n}" for n in range(20_000)]
    assert lines[20_000] == "x" * 300_000
    assert sink.text("stderr") == "y" * 300_000 + "\n"
    assert sink.progress[-1].done == sink.progress[-1].total == 3


def test_rich_outputs_are_displays_and_one_that_changes_quickly_is_not_kept_each_time(ran: All) -> None:
    shown = [one for one in ran.tasks["tags"].sink.displays if one.display_id != "executed-notebook"]
    bar = [one.data.get("text/html") for one in shown if one.display_id == "bar"]
    assert bar[0] == "<b>0</b>"
    assert bar[-1] is None  # the cell has cleared it
    assert len(shown) < 50


def test_what_a_cell_clears_is_gone_and_what_is_shown_elsewhere_is_not(ran: All) -> None:
    sink = ran.tasks["cleared"].sink
    last = {one.display_id: one.data.get("text/html") for one in sink.displays}
    assert [html for html in last.values() if html] == ["<b>above</b>", "<b>picture 99</b>"]
    assert len(sink.displays) < 50
    lines = sink.text("stdout").splitlines()
    assert lines[-1] == "picture 99"
    assert len(lines) < 50


def test_parameters_are_set_after_the_tagged_cell_and_the_kernel_is_at_home(ran: All) -> None:
    given = ran.tasks["given"]
    assert given.sink.text("stdout").startswith(f'5 it\'s "ada"\n\n{ran.folder / "given"}\n')
    assert [cell.metadata.get("tags") for cell in given.notebook.cells][1:3] == [
        ["parameters"],
        ["injected-parameters"],
    ]
    assert given.notebook.metadata.papermill == {"parameters": {"n": 5, "name": 'it\'s "ada"\n'}}
    original = nbformat.read(ran.folder / "given" / "x.ipynb", as_version=4)
    assert len(original.cells) == len(GIVEN)  # nobody touches it


def test_tasks_of_the_notebook_belong_to_the_same_journal(ran: All) -> None:
    assert ran.tasks["given"].error is None
    assert ran.tasks["given"].sink.text("stdout").endswith("42\n")
    spools = list((ran.folder / "agent" / "spools").glob("[!.]*"))
    assert [read_spool_header(spool).journal for spool in spools] == ["default-2"]


def test_the_executed_notebook_is_private_and_linked(ran: All) -> None:
    given = ran.tasks["given"]
    path = Path(given.result["notebook"])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    link = given.sink.displays[0]
    assert link.display_id == "executed-notebook"
    assert link.data == {"text/plain": f"executed notebook: {path}"}  # no server is there to get it from


def test_a_kernel_that_dies_is_a_failure_that_says_how(ran: All) -> None:
    error = error_of(ran.tasks["dies"])
    assert (error.type, error.message) == (
        "DeadKernelError",
        "in cell 3 (Too much): the kernel was killed by SIGKILL",
    )
    assert ran.tasks["dies"].sink.progress[-1].done == 1


def test_errors_may_be_allowed_in_all_cells(ran: All) -> None:
    assert ran.tasks["allowed"].error is None
    assert ran.tasks["allowed"].sink.text("stdout") == "all the same\n"
    assert "ZeroDivisionError: division by zero" in ran.tasks["allowed"].sink.text("stderr")


def test_no_kernel_is_left(ran: All) -> None:
    assert processes_of(ran.folder) == []


def processes_of(folder: Path) -> list[str]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if str(folder).encode() in (entry / "cmdline").read_bytes():
                found.append(entry.name)
        except OSError:
            continue
    return found


def test_a_cancel_interrupts_the_cell_and_leaves_no_process(tmp_path: Path) -> None:
    sink = RecordingSink()
    cells = [
        code("print('first')"),
        code(
            "import subprocess, sys, time\n"
            "child = subprocess.Popen(['sleep', '600'])\n"
            "try:\n"
            "    print('ready', child.pid, flush=True)\n"
            "    time.sleep(600)\n"
            "finally:\n"
            "    time.sleep(1.5)\n"
            "    open('finally', 'w').close()",
            "raises-exception",
        ),
        code("open('next', 'w').close()"),
    ]
    path = save(tmp_path / "long", cells)
    kept_at = paths_module.data_paths().results / f"{sink.id}-1.ipynb"

    def second_cell_runs() -> bool:
        if not any("ready" in str(one) for one in sink.events):
            return False
        return bool(nbformat.read(kept_at, as_version=4).cells[0].outputs)

    with pytest.raises(TaskCancelled):
        run_and_stop(sink, lambda: run(NotebookTarget(str(path)), sink.context), second_cell_runs)
    assert (tmp_path / "finally").exists()
    assert not (tmp_path / "next").exists()
    ready = re.search(r"ready (\d+)", sink.text("stdout"))
    assert ready is not None
    child = int(ready[1])
    until(lambda: not Path(f"/proc/{child}").exists() or not processes_of(tmp_path), 5)
    kept = nbformat.read(kept_at, as_version=4)
    assert kept.cells[0].outputs[0].text == "first\n"
    assert kept.cells[1].outputs[-1].ename == "KeyboardInterrupt"


def test_a_kernel_says_in_which_line_of_a_cell_it_is(tmp_path: Path) -> None:
    sink = RecordingSink()
    wait = "import select, os\ndef wait(pipe):\n    select.select([pipe], [], [], 600)\n"
    path = save(tmp_path / "stuck", [code(wait), code("pipe = os.pipe()\nprint('ready')\nwait(pipe[0])")])
    places: list[str | None] = []

    def ready() -> bool:
        return any("ready" in str(one) for one in sink.events)

    def is_placed() -> bool:
        assert sink.context.place is not None
        places.append(sink.context.place())
        return places[-1] is not None

    def placed() -> bool:
        return ready() and is_placed()

    with pytest.raises(TaskCancelled):
        run_and_stop(sink, lambda: run(NotebookTarget(str(path)), sink.context), placed)
    assert places[-1] == "in `select.select`, cell [1], line 3"
    assert sink.context.place is None


def notebook(*cells: NotebookNode, **metadata: Any) -> NotebookNode:
    made: NotebookNode = new_notebook(cells=list(cells), metadata=metadata)
    return made


@pytest.mark.parametrize(
    ("cells", "at"),
    [
        ([code("a"), code("b", "parameters"), code("c")], 2),
        ([code("a"), code("b", "x", "parameters"), code("c", "injected-parameters"), code("d")], 2),
        ([code("c", "injected-parameters"), code("b", "parameters")], 0),
        ([code("a"), code("b")], 0),
        ([], 0),
    ],
)
def test_the_cell_of_parameters_is_where_papermill_has_it(cells: list[NotebookNode], at: int) -> None:
    book = notebook(*cells)
    tagged = any("metadata" in cell and cell.metadata.get("tags") for cell in cells)
    assert inject(book, {"n": 5, "on": True, "text": "a'b"}, "python", "x.ipynb") is tagged
    assert book.cells[at].metadata.tags == ["injected-parameters"]
    assert book.cells[at].source == '# Parameters\nn = 5\non = True\ntext = "a\'b"\n'
    again = inject(book, {"n": 6}, "Python", "x.ipynb")
    assert again
    assert book.cells[at].source == "# Parameters\nn = 6\n"
    assert sum("injected-parameters" in cell.metadata.get("tags", []) for cell in book.cells) == 1
    nbformat.validate(book)


def test_parameters_for_another_language_are_refused_with_a_way_out() -> None:
    with pytest.raises(BadTarget, match=r"Python notebooks only, and x\.ipynb is run in R; .* environment"):
        inject(notebook(), {"n": 5}, "R", "x.ipynb")


@pytest.mark.parametrize(
    ("markdown", "found"),
    [
        ("# One", "One"),
        ("text\n\n### *Two* and `three` ###\n\ntext", "Two and three"),
        ("# One\n## Two", "Two"),
        ("Under\n=====\n", "Under"),
        ("[A link](https://example.org) is no heading", None),
        ("## [A link](https://example.org)", "A link"),
        ("```\n# a comment\n```", None),
        ("#hashtag", None),
        ("#", None),
        ("# " + "long " * 40, ("long " * 16).rstrip()[:79] + "…"),
        ("", None),
    ],
)
def test_a_cell_is_called_by_the_nearest_heading_above_it(markdown: str, found: str | None) -> None:
    assert headings(notebook(code("a"), new_markdown_cell(markdown), code("b"))) == [None, found, found]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"nbformat": 4}', b"\xff\xfe", b"null", b"5"])
def test_a_file_that_is_no_notebook_is_one_sentence(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.ipynb"
    path.write_bytes(content)
    with pytest.raises(BadTarget, match=r"x\.ipynb is not a notebook: "):
        read_notebook(path)


def test_a_notebook_that_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadTarget, match="cannot be read: No such file"):
        read_notebook(tmp_path / "x.ipynb")


def test_a_kernel_that_is_not_here_is_named_with_those_that_are() -> None:
    book = notebook(kernelspec={"name": "ir", "display_name": "R"})
    with pytest.raises(BadTarget, match=r"no kernel 'ir' here \(the notebook's own; .*python3"):
        find_kernel(book, None)
    with pytest.raises(BadTarget, match=r"no kernel 'julia' here \(.*python3"):
        find_kernel(book, "julia")
    assert find_kernel(book, "python3").language == "python"
    assert find_kernel(notebook(), None).language == "python"


def kernelspec(folder: Path, *argv: str) -> None:
    """Another kernel, in the data folder of the test."""
    place = Path(os.environ["JUPYTER_DATA_DIR"]) / "kernels" / "odd"
    place.mkdir(parents=True)
    spec = {"argv": list(argv), "display_name": "Odd", "language": "odd"}
    (place / "kernel.json").write_text(json.dumps(spec))


@pytest.mark.parametrize(
    ("argv", "kind", "sentence"),
    [
        (["/no/such/python"], BadTarget, "the kernel 'odd' cannot be started: /no/such/python: No such file"),
        (
            [sys.executable, "-c", "import sys; sys.exit('it has no heart')"],
            TargetFailed,
            "the kernel 'odd' did not start: Kernel died before replying to kernel_info; it exited with",
        ),
    ],
)
def test_a_kernel_that_does_not_start_is_one_sentence(
    argv: list[str], kind: type[Exception], sentence: str, tmp_path: Path
) -> None:
    kernelspec(tmp_path, *argv)
    path = save(tmp_path / "x", [code("1")])
    with pytest.raises(kind) as caught:
        run(NotebookTarget(str(path), kernel="odd"), RecordingSink().context)
    error = described(caught.value)
    assert error.message.startswith(sentence)
    assert ("it has no heart" in error.traceback) == (kind is TargetFailed)


def test_no_process_of_a_session_is_counted_when_it_has_ended() -> None:
    assert os.getpid() not in members(os.getsid(0))


class Channel:
    """Has a message, and returns it only when it is asked a second time."""

    def __init__(self, after: int) -> None:
        self.asked: list[float | None] = []
        self._after = after

    async def get_msg(self, timeout: float | None = None) -> str:
        self.asked.append(timeout)
        if len(self.asked) > self._after:
            return "the reply"
        raise Empty


@pytest.mark.parametrize("timeout", [None, 60])
def test_a_reply_without_a_signal_is_found(timeout: float | None) -> None:
    shell, iopub = Channel(3), Channel(0)
    poll_channels(SimpleNamespace(shell_channel=shell, iopub_channel=iopub))  # type: ignore[arg-type]
    assert asyncio.run(shell.get_msg(timeout=timeout)) == "the reply"
    assert shell.asked == [POLL_INTERVAL] * 4


def test_a_notebooks_own_client_asks_again(monkeypatch: pytest.MonkeyPatch) -> None:
    client = SimpleNamespace(shell_channel=Channel(1), iopub_channel=Channel(1))

    async def start(self: NotebookClient) -> SimpleNamespace:
        return client

    monkeypatch.setattr(NotebookClient, "async_start_new_kernel_client", start)
    reporting = ReportingNotebookClient(notebook(), RecordingSink().context, lambda: None)
    asyncio.run(reporting.async_start_new_kernel_client())
    assert asyncio.run(client.shell_channel.get_msg()) == "the reply"
    assert asyncio.run(client.iopub_channel.get_msg()) == "the reply"


def test_a_wait_for_a_message_ends_when_it_should() -> None:
    shell = Channel(1000)
    poll_channels(SimpleNamespace(shell_channel=shell, iopub_channel=Channel(0)))  # type: ignore[arg-type]
    with pytest.raises(Empty):
        asyncio.run(shell.get_msg(timeout=0.01))
    assert len(shell.asked) == 1


def test_a_message_without_content_is_not_recorded() -> None:
    sink = RecordingSink()
    reporting = ReportingNotebookClient(notebook(code("a")), sink.context, lambda: None)
    cell = reporting.nb.cells[0]
    cell.metadata["execution"] = {}
    for kind in ("status", "clear_output", "execute_input"):
        content = {"execution_state": "busy", "wait": False, "code": "a", "execution_count": 1}
        reporting.process_message(
            {"msg_type": kind, "content": content, "parent_header": {}, "header": {}}, cell, 0
        )
    assert sink.events == []
