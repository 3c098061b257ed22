"""The first answer that the holder stores is taken; later ones are refused with a reason."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_agent.core.events import (
    Command,
    Data,
    Input,
    Prompt,
    State,
    TaskState,
    decode_data,
    decode_event,
)
from jupyter_agent.core.task import Task
from jupyter_agent.errors import NotNow
from jupyter_agent.journal.base import Batch, HolderEvent
from jupyter_agent.journal.memory import MemoryJournal
from jupyter_agent.journal.session import JournalSession
from jupyter_agent.server.prompts import reopen, resolve_prompt
from tests.support.builders import HOLDER, PRODUCER, TASK, event, state

QUESTION = Prompt("p1", "go on?", ("yes", "no"))


class Prompted:
    """A task with the open prompt `QUESTION`, and answers to it."""

    def __init__(self) -> None:
        self.session = JournalSession(MemoryJournal(HOLDER, "e"), lambda *_: None)
        self._n = 2
        start = [state(1, TaskState.QUEUED, about="talk"), state(2, TaskState.RUNNING)]
        self.session.append(Batch(PRODUCER, 1, start))
        self.emit("prompt", QUESTION)

    @property
    def task(self) -> Task:
        task = self.session.journal.task(TASK)
        assert task is not None
        return task

    def emit(self, kind: str, data: Data) -> None:
        """The task's own process says something."""
        self._n += 1
        self.session.append(Batch(PRODUCER, 1, [event(self._n, kind, data)]))

    def note(self, kind: str, data: Data) -> None:
        """The holder says something."""
        self.session.append(HolderEvent(TASK, 1, kind, data))

    def accept(self, by: str = "ada", **args: Any) -> dict[str, Any]:
        """An answer is stored as a command, if it is not too late."""
        given = resolve_prompt(self.session, self.task, args)
        self.note("command", Command("input", given, by))
        return given

    def prompts(self) -> list[Data | None]:
        return [
            decode_data(decode_event(one.encoded)) for one in self.session.journal.tail(TASK, 9, ["prompt"])
        ]


@pytest.fixture
def prompted() -> Prompted:
    return Prompted()


def test_the_first_answer_is_taken_and_the_second_is_refused_with_its_user(prompted: Prompted) -> None:
    prompted.accept(text="yes", prompt_id="p1")
    assert prompted.task.prompt is None
    with pytest.raises(NotNow, match=r"^that question has been answered by ada$"):
        prompted.accept(by="bob", text="no", prompt_id="p1")


def test_an_answer_that_names_no_question_is_for_the_open_one(prompted: Prompted) -> None:
    assert prompted.accept(text="yes") == {"text": "yes", "prompt_id": "p1"}
    assert prompted.task.prompt is None
    assert prompted.accept(text="by the way") == {"text": "by the way"}


def test_an_answer_to_an_older_question_is_too_late(prompted: Prompted) -> None:
    prompted.emit("input", Input("from its own kernel", "p1"))
    prompted.emit("prompt", Prompt("p2", "and now?"))
    with pytest.raises(NotNow, match=r"^that question has been answered$"):
        prompted.accept(text="yes", prompt_id="p1")
    assert prompted.accept(text="yes", prompt_id="p2")
    assert prompted.task.prompt is None


@pytest.mark.parametrize(
    ("end", "sentence"),
    [
        (Input("no", "p1", "default"), "that question was not answered in time, and its default was used"),
        (Input("", "p1", "nobody"), "that question was not answered and is no longer open"),
    ],
)
def test_an_answer_after_the_time_hears_what_became_of_the_question(
    prompted: Prompted, end: Input, sentence: str
) -> None:
    prompted.emit("input", end)
    with pytest.raises(NotNow, match=f"^{sentence}$"):
        prompted.accept(text="yes", prompt_id="p1")


def test_an_answer_to_a_question_that_was_never_asked_is_refused(prompted: Prompted) -> None:
    with pytest.raises(NotNow, match="does not ask that question"):
        prompted.accept(text="yes", prompt_id="p9")
    assert prompted.task.prompt is not None


def interrupted_and_back(prompted: Prompted) -> None:
    prompted.note("state", State(TaskState.INTERRUPTED, reason="silent"))
    assert prompted.task.prompt is None
    prompted.note("state", State(TaskState.RUNNING, reason="its process is back"))
    reopen(prompted.session, prompted.task)


def test_a_task_that_is_back_reopens_an_unanswered_prompt(prompted: Prompted) -> None:
    interrupted_and_back(prompted)
    assert prompted.prompts() == [QUESTION, QUESTION]
    prompted.accept(text="yes", prompt_id="p1")
    assert prompted.task.prompt is None


@pytest.mark.parametrize("by", ["kernel", "journal"])
def test_a_task_that_is_back_does_not_reopen_an_answered_prompt(prompted: Prompted, by: str) -> None:
    if by == "kernel":
        prompted.emit("input", Input("yes", "p1"))
    else:
        prompted.accept(text="yes", prompt_id="p1")
    interrupted_and_back(prompted)
    assert prompted.prompts() == [QUESTION]
    assert prompted.task.prompt is None
