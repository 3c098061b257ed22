"""Stream messages of a real kernel: they name the task that printed them, and the text stays in its order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from textwrap import indent

import nbformat
import pytest
from nbclient import NotebookClient

from jupyter_agent.runtime.output.outlets import TASK_FIELD
from tests.support.cells import Kernel
from tests.support.cells import kernel as start_kernel

CELLS = """
import jupyter_agent as ja
print("a")
run = ja.task(lambda: print("b"), name="t").submit()
run.wait(60)
print("c")
"""
PREPARED = """
import contextlib, io, logging, sys, threading, warnings
import jupyter_agent as ja
from tqdm import tqdm
%load_ext jupyter_agent
held = sys.stderr
logging.basicConfig(format="logged: %(message)s", force=True)
def done(work, on="thread"):
    handle = ja.task(work, on=on, show=False, name="t").submit()
    handle.result(60)
    return handle
"""
NONE = "no task"


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    with start_kernel(tmp_path_factory.mktemp("kernel")) as started:
        started.run(PREPARED)
        yield started


def printed(kernel: Kernel, code: str) -> list[tuple[str, str]]:
    """Run a cell; return the text of its stream messages, joined where they name the same task."""
    runs: list[tuple[str, str]] = []
    for message in kernel.whole_messages(code):
        if message["msg_type"] == "stream":
            task = message["parent_header"].get(TASK_FIELD, NONE)
            before = runs.pop()[1] if runs and runs[-1][0] == task else ""
            runs.append((task, before + message["content"]["text"]))
    return runs


def test_text_of_cell_and_task_is_apart_and_in_its_order(kernel: Kernel) -> None:
    runs = printed(kernel, "print('a')\nh = done(lambda: print('b'))\nprint('c')")
    assert runs == [(NONE, "a\n"), (kernel.value("h.id"), "b\n"), (NONE, "c\n")]


TAKING_TURNS = """
said, go = threading.Event(), threading.Event()
def work(): print("b"); said.set(); go.wait(30); print("e")
print("a")
h = ja.task(work, show=False, name="t").submit()
said.wait(30); print("c"); sys.stdout.flush(); print("d")
go.set(); h.result(60)
print("f")
"""


def test_text_is_behind_what_was_printed_before_a_tasks_first_and_before_its_last(kernel: Kernel) -> None:
    assert kernel.run(TAKING_TURNS).split() == ["a", "b", "c", "d", "e", "f"]


LINES = """
said, go = threading.Event(), threading.Event()
before, sys.stdout.flush_interval = sys.stdout.flush_interval, 60
h = ja.task(work, show=False, name="t").submit()
cell()
h.result(60)
sys.stdout.flush_interval = before
"""
"""Cell and task print by turns, and the timer is none of them."""
IN_PIECES = {
    "of the cell": """
def work(): go.wait(30); print("task"); sys.stdout.flush(); said.set()
def cell(): sys.stdout.write("ce"); go.set(); said.wait(30); sys.stdout.write("ll\\n")
""",
    "of the cell, to a task that ends": """
def work(): go.wait(30); print("task")
def cell(): sys.stdout.write("ce"); go.set(); h.result(60); sys.stdout.write("ll\\n")
""",
    "of the task": """
def work(): sys.stdout.write("ta"); said.set(); go.wait(30); sys.stdout.write("sk\\n")
def cell(): said.wait(30); print("cell"); sys.stdout.flush(); go.set()
""",
}


@pytest.mark.parametrize("whose", IN_PIECES)
def test_a_line_that_is_written_in_pieces_is_torn_by_no_other(kernel: Kernel, whose: str) -> None:
    assert sorted(kernel.run(IN_PIECES[whose] + LINES).splitlines()) == ["cell", "task"]


WAITS_FOR_ITS_OWN_TEXT = """
def is_sent(text):
    with kept._buffer_lock: return all(text not in one.getvalue() for one in kept._buffers.values())
def until_sent(text):
    end = time.monotonic() + 30
    while not is_sent(text):
        assert time.monotonic() < end, text
        time.sleep(0.01)
def work():
    go.wait(30); print("line\\ntask's", end=""); until_sent("task's")
    print("by task", end="", flush=True); assert is_sent("by")
kept, go = sys.stdout.visible(ja.current()), threading.Event()
h = ja.task(work, show=False, name="t").submit()
print("cell's", end="")
go.set()
until_sent("cell's")
h.result(60)
print("by cell", end="", flush=True)
assert is_sent("by")
"""


def test_a_line_that_is_not_ended_appears_while_its_writer_goes_on(kernel: Kernel) -> None:
    text = kernel.run("import time" + WAITS_FOR_ITS_OWN_TEXT)
    assert sorted(text) == sorted("cell'sline\ntask'sby taskby cell")


def test_nbclient_saves_all_text_in_its_order(own_environment: Path) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELLS)])
    NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(own_environment)}}).execute()
    outputs = notebook.cells[0].outputs
    assert "".join(one.text for one in outputs if one.output_type == "stream") == "a\nb\nc\n"
    nbformat.validate(notebook)


PRINTS = {
    "print": "print('text')",
    "stderr": "print('text', file=sys.stderr)",
    "kept stream": "print('text', file=held)",
    "warning": "warnings.warn('text')",
    "logging": "logging.getLogger('mine').warning('text')",
    "bar": "list(tqdm([1], desc='text'))",
    "thread": "t = threading.Thread(target=print, args=('text',)); t.start(); t.join()",
}


@pytest.mark.parametrize("how", PRINTS)
def test_text_that_is_in_the_tasks_view_names_the_task(kernel: Kernel, how: str) -> None:
    runs = printed(kernel, f"def work():\n{indent(PRINTS[how], '    ')}\nh = done(work)")
    assert [task for task, _ in runs] == [kernel.value("h.id")]
    assert "text" in runs[0][1]


def test_a_child_process_prints_for_its_task(kernel: Kernel) -> None:
    runs = printed(kernel, "def work(): print('text')\nh = done(work, 'process')")
    assert runs == [(kernel.value("h.id"), "text\n")]


def test_a_cell_that_is_a_task_prints_for_it(kernel: Kernel) -> None:
    (task, text), *more = printed(kernel, "%%task named\nprint('text', ja.current().id)")
    assert (text, more) == (f"text {task}\n", [])


OTHERS = {
    "redirected inside": """
def work():
    with contextlib.redirect_stdout(io.StringIO()) as kept: print("text")
    texts.append(kept.getvalue())
texts = []
done(work)
print(texts[0], end="")
""",
    "after its end": """
gone, said = threading.Event(), threading.Event()
def late(): gone.wait(30); print("text"); said.set()
def work(): threading.Thread(target=late).start()
done(work); gone.set(); said.wait(30)
""",
    "log of this package": """
def work(): logging.getLogger("jupyter_agent.some").warning("text")
done(work)
""",
}


@pytest.mark.parametrize("how", OTHERS)
def test_text_that_is_in_no_view_names_no_task(kernel: Kernel, how: str) -> None:
    ((task, text),) = printed(kernel, OTHERS[how])
    assert (task, text.removeprefix("logged: ")) == (NONE, "text\n")
