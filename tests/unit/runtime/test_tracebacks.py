"""Tracebacks of errors in a notebook's cells."""

from __future__ import annotations

import linecache
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_agent.detached.run_spec import Cell
from jupyter_agent.runtime.stopping import cells
from jupyter_agent.runtime.tracebacks import trimmed
from tests.support.runtime import own_producer, run_script  # noqa: F401

FILE = "/tmp/ipykernel_19147/438181984.py"
SOURCE = """\
def load(path):
    raise KeyError(path)

def chained():
    try:
        load("a")
    except KeyError as error:
        raise ValueError("no") from error

def several():
    raise ExceptionGroup("two", [TypeError("one"), caught()])

def caught():
    try:
        load("b")
    except KeyError as error:
        return error
"""


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """What cell [8] defines, in a process that learnt of the cell."""
    monkeypatch.setattr(cells, "_known", {})
    cells.learn_cells([Cell(FILE, 8, SOURCE, ())])
    names: dict[str, Any] = {}
    exec(compile(SOURCE, FILE, "exec"), names)
    yield names
    linecache.cache.pop(FILE, None)


def text_of(function: Any) -> str:
    try:
        function()
    except Exception as error:
        return trimmed(error)
    raise AssertionError("it raised nothing")


def test_a_frame_names_its_cell_and_shows_its_line(names: dict[str, Any]) -> None:
    text = text_of(lambda: names["load"]("x"))
    assert "  Cell [8], line 2, in load\n    raise KeyError(path)\n" in text
    assert FILE not in text
    assert f'File "{__file__}"' in text


def test_so_do_the_frames_of_causes_and_of_groups(names: dict[str, Any]) -> None:
    text = text_of(names["chained"])
    assert text.index("Cell [8], line 6, in chained") < text.index("Cell [8], line 8, in chained")
    grouped = text_of(names["several"])
    assert "  Cell [8], line 11, in several" in grouped
    assert "Cell [8], line 15, in caught" in grouped
    assert FILE not in text + grouped


def test_what_is_no_known_cell_keeps_its_file(names: dict[str, Any]) -> None:
    cells._known.clear()
    assert f'File "{FILE}", line 2, in load' in text_of(lambda: names["load"]("x"))


class Collected(Exception):
    """An error of a library with an attribute that groups have, too."""

    def __init__(self, exceptions: object) -> None:
        super().__init__("several")
        self.exceptions = exceptions


@pytest.mark.parametrize("exceptions", [3, {"a": ValueError()}, ["a"], None])
def test_an_exception_that_has_exceptions_and_is_no_group_is_one(
    names: dict[str, Any], exceptions: object
) -> None:
    def fail() -> None:
        try:
            names["load"]("x")
        finally:
            raise Collected(exceptions)

    assert "Cell [8], line 2, in load" in text_of(fail)


SLEEPS = """
import time, jupyter_agent as ja

def too_slow():
    time.sleep(600)

if __name__ == "__main__":
    for on in ("thread", "process"):
        print(ja.task(too_slow, on=on, timeout=0.1, show=False).submit().exception(60))
"""


def test_a_timeout_says_in_which_line_it_ended_the_work_and_not_that_it_was_cancelled(
    tmp_path: Path,
) -> None:
    """In none of our own frames: neither in those that call the function, nor in those that stop it."""
    done = run_script(tmp_path, SLEEPS)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("line 5, in too_slow\n") == 2
    assert done.stdout.count("TaskTimeout: it ran longer than its timeout of 0.1 s\n") >= 2
    assert "cancelled" not in done.stdout
    assert "jupyter_agent" not in done.stdout
