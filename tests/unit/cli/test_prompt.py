"""Answering a task's question where it is watched: at a terminal, and nowhere else."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest
from rich.console import Console

from jupyter_agent.cli.main import run
from jupyter_agent.cli.output import details, task_table
from jupyter_agent.cli.watch.prompt import chosen_answer
from jupyter_agent.core.events import Command, Input, Log, Prompt, TaskState
from jupyter_agent.core.snapshots import PromptSnapshot
from jupyter_agent.core.task import fold
from jupyter_agent.journal.base import Batch, BatchOrigin
from jupyter_agent.system.paths import DataPaths
from tests.support.builders import PRODUCER, TASK, event, state, story, until
from tests.support.cli import Writer
from tests.support.fake_server import FakeHolder, FakeServer
from tests.support.pty import in_terminal

CLI = (sys.executable, "-W", "error", "-m", "jupyter_agent.cli", "tasks", "watch", TASK)
QUESTION = Prompt("p1", "Delete it all?", ("yes", "no"))
STARTED = story(end=False)[:2]


class Asked:
    """A fake server with a task that asks a question, and the events that follow."""

    def __init__(self, holder: FakeHolder, fake: FakeServer) -> None:
        self.holder, self.fake = holder, fake
        self._n = 2

    def tell(self, kind: str, data: Prompt | Input | Command | Log) -> None:
        """The next event of the task."""
        self._n += 1
        self.holder.append([event(self._n, kind, data)])

    def end(self) -> None:
        self.holder.append([state(self._n + 1, TaskState.COMPLETED)])

    def answers(self) -> list[dict[str, object]]:
        return [args for _, _, args in self.fake.commands]


@pytest.fixture
def asked(paths: DataPaths) -> Iterator[Asked]:
    holder = FakeHolder(paths)
    with holder as fake:
        holder.append(STARTED)
        here = Asked(holder, fake)
        here.tell("prompt", QUESTION)
        until(lambda: (task := fake.journal.task(TASK)) and task.prompt)
        yield here


@pytest.mark.parametrize(("typed", "text"), [(b"2\n", "no"), (b"\nperhaps\n", "perhaps")])
def test_a_question_is_answered_by_number_or_in_words(asked: Asked, typed: bytes, text: str) -> None:
    with in_terminal(*CLI) as terminal:
        terminal.until("1) yes")
        terminal.until(">")
        terminal.type(typed)
        until(lambda: asked.answers() == [{"text": text, "prompt_id": "p1"}])
        asked.tell("input", Input(text, "p1"))
        asked.end()
        assert terminal.end() == 0
    assert not any("answered" in line for line in terminal.screen)


def test_a_question_that_another_client_answers_is_taken_away(asked: Asked) -> None:
    """What was half typed is thrown away, and the next question is asked."""
    with in_terminal(*CLI) as terminal:
        terminal.until("2) no")
        terminal.until(">")
        terminal.type(b"ye")
        terminal.until("> ye")
        asked.tell("command", Command("input", {"text": "no", "prompt_id": "p1"}, "bob"))
        terminal.until("answered by bob")
        asked.tell("prompt", Prompt("p2", "Sure?"))
        terminal.until("? Sure?")
        terminal.type(b"quite\n")
        until(lambda: asked.answers() == [{"text": "quite", "prompt_id": "p2"}])
        asked.end()
        assert terminal.end() == 0


def test_an_answer_that_is_refused_says_why_and_watching_goes_on(asked: Asked) -> None:
    """The server has an event that this terminal has not received."""
    with in_terminal(*CLI) as terminal:
        terminal.until("2) no")
        asked.fake.journal.append(_late_batch(), 2000.0)
        terminal.type(b"1\n")
        terminal.until("that question has been answered by bob")
        asked.holder.append([state(5, TaskState.COMPLETED)])
        assert terminal.end() == 0
    assert asked.answers() == []


def _late_batch() -> list[Batch]:
    return [Batch(PRODUCER, 1, [event(4, "input", Input("no", "p1"))], BatchOrigin.SPOOLED)]


def test_a_terminal_that_leaves_the_answer_to_others_goes_on_watching(asked: Asked) -> None:
    with in_terminal(*CLI) as terminal:
        terminal.until("2) no")
        terminal.until(">")
        terminal.type(b"\x04")
        asked.tell("input", Input("no", "p1"))
        asked.end()
        assert terminal.end() == 0
    assert asked.answers() == []


@pytest.mark.parametrize("kind", ["xterm", "dumb"])
def test_a_terminal_of_another_session_is_not_asked(
    asked: Asked, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", kind)
    master, slave = os.openpty()
    command = subprocess.Popen(CLI, stdin=slave, stdout=slave, stderr=subprocess.PIPE, start_new_session=True)
    os.close(slave)
    reading = threading.Thread(target=_read_all, args=(master,))
    with command as watching:
        try:
            assert os.read(master, 1)  # it draws
            reading.start()
            asked.tell("input", Input("no", "p1"))
            asked.end()
            assert watching.communicate(timeout=30)[1] == b""
        finally:
            watching.kill()
    reading.join()
    os.close(master)
    assert watching.returncode == 0


def test_a_terminal_that_cannot_be_drawn_on_gets_plain_lines(asked: Asked) -> None:
    with in_terminal(*CLI, TERM="dumb") as terminal:
        terminal.until("train | running")
        asked.tell("input", Input("no", "p1"))
        terminal.until("train | > no")
        asked.end()
        assert terminal.end() == 0
    assert b"\x1b" not in terminal.raw


def test_watching_a_task_that_has_ended_shows_all_its_last_lines_and_ends(asked: Asked) -> None:
    """They come in several frames."""
    asked.tell("input", Input("no", "p1"))
    for text in ("one\n", "two\n", "three\n"):
        asked.tell("log", Log("stdout", text))
    asked.end()
    with subprocess.Popen(CLI, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as watching:
        try:
            printed = watching.communicate(timeout=30)[0].splitlines()
            texts = [line.partition(" | ")[2] for line in printed]
            assert texts[-4:] == ["one", "two", "three", "completed"]
        finally:
            watching.kill()
    assert watching.returncode == 0


def _read_all(master: int) -> None:
    with suppress(OSError):  # what Linux says when the other side is closed
        while os.read(master, 65536):
            continue


def test_a_pipe_gets_plain_lines_and_no_question(asked: Asked) -> None:
    with subprocess.Popen(CLI, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdin is not None
        assert watching.stdout is not None
        watching.stdin.write("yes\n")
        watching.stdin.flush()
        assert watching.stdout.readline().endswith("train | running\n")
        asked.tell("prompt", Prompt("p2", "Sure?", ("a", "b")))
        asked.tell("input", Input("a", "p2", "default"))
        asked.end()
        lines = [line.split(" | ")[1].strip() for line in watching.stdout]
        assert lines == ["? Sure? [a/b]", "> (not answered in time) a", "completed"]
    assert watching.returncode == 0
    assert asked.answers() == []


@pytest.mark.parametrize(
    ("choices", "line", "text"),
    [
        (("yes", "no"), "1", "yes"),
        (("yes", "no"), "2", "no"),
        (("yes", "no"), "3", "3"),
        (("yes", "no"), "0", "0"),
        (("yes", "no"), "no", "no"),
        (("3", "1", "2"), "1", "1"),
        (None, "1", "1"),
        (("yes",), "²", "²"),
    ],
)
def test_a_number_means_a_choice_unless_it_is_one(
    choices: tuple[str, ...] | None, line: str, text: str
) -> None:
    assert chosen_answer(PromptSnapshot("p", "?", choices), line) == text


def shown(what: object) -> str:
    terminal = Console(width=120)
    with terminal.capture() as capture:
        terminal.print(what)
    return capture.get()


def test_a_task_that_asks_says_so_in_lists_and_alone() -> None:
    task = fold(TASK, [*STARTED, event(3, "prompt", QUESTION)])
    assert "waiting for you" in shown(task_table([task], 2000.0, 120))
    assert "Delete it all? [yes/no]" in shown(details(task, 2000.0))
    ended = fold(TASK, [*STARTED, event(3, "prompt", QUESTION), state(4, TaskState.COMPLETED)])
    assert "waiting" not in shown(task_table([ended], 2000.0, 120))


def test_a_list_with_a_question_fits_80_columns(paths: DataPaths, capsys: pytest.CaptureFixture[str]) -> None:
    writer = Writer(paths, name="a name that is much too long to be shown in so few columns")
    writer.emit("prompt", QUESTION)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "80")
        assert run(["tasks", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert "waiting for you" in lines[1]
    writer.die()
