"""Questions outside a task: a person types the answer, or one sentence says why that is not possible."""

from __future__ import annotations

import builtins
import io
import sys
from collections.abc import Callable

import pytest

import jupyter_agent as ja
from jupyter_agent.runtime.task import keyboard

ALONE = "outside a task needs a terminal or a cell to type in, and there is none here; start the function"


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def typing(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return what makes this process one with a terminal, where these lines are typed."""
    return lambda lines: monkeypatch.setattr(sys, "stdin", _Terminal(lines))


def test_outside_a_task_a_question_is_asked_in_the_terminal(
    typing: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    typing("yes\n")
    assert ja.current().ask("Delete it?", choices=["yes", "no"]) == "yes"
    assert capsys.readouterr().out == "Delete it? (yes/no) "


def test_an_empty_line_is_the_default_which_the_question_names(
    typing: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    typing("\n\n")
    assert ja.current().ask("Go on?", ["yes", "no"], timeout=1, default="yes") == "yes"
    assert ja.current().ask("Which?", default="all") == "all"
    assert capsys.readouterr().out == "Go on? (yes/no, Enter for yes) Which? (Enter for all) "


def test_an_empty_line_without_a_default_is_an_empty_answer(typing: Callable[[str], None]) -> None:
    typing("\n")
    assert ja.current().ask("Name?") == ""


def test_outside_a_task_what_a_person_sends_is_the_next_line(typing: Callable[[str], None]) -> None:
    typing("shorter\nplease\n")
    assert [ja.current().receive(timeout=1), ja.current().receive()] == ["shorter", "please"]


@pytest.mark.parametrize("stdin", [None, io.StringIO("yes\n")], ids=["none", "a pipe"])
def test_without_a_terminal_there_is_the_default_or_one_sentence(
    stdin: io.StringIO | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", stdin)
    assert ja.current().ask("?", timeout=1, default="yes") == "yes"
    with pytest.raises(RuntimeError, match=f"^ask {ALONE} with submit, or give ask a default$"):
        ja.current().ask("?")
    with pytest.raises(RuntimeError, match=f"^receive {ALONE} with submit$"):
        ja.current().receive()


def test_a_closed_stdin_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stdin", closed)
    assert ja.current().ask("?", default="yes") == "yes"


def test_a_kernel_asks_in_the_cell_unless_what_runs_it_cannot(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: str) -> str:
        raise NotImplementedError("this frontend does not support input requests")

    monkeypatch.setattr(keyboard, "kernel_shell", object)
    monkeypatch.setattr(builtins, "input", lambda prompt: f"typed after {prompt!r}")
    assert ja.current().ask("Name?") == "typed after 'Name? '"
    monkeypatch.setattr(builtins, "input", refuse)
    with pytest.raises(RuntimeError, match=ALONE):
        ja.current().ask("Name?")


def test_choices_that_are_one_text_are_refused_outside_a_task_too() -> None:
    with pytest.raises(TypeError, match=r"\['yes', 'no'\]"):
        ja.current().ask("which?", choices="yes")
