"""The first answer that the holder stores takes the question; who comes later is told what became of it."""

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


class Asked:
    """A task that asked `QUESTION`, and what the holder makes of answers."""

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
def asked() -> Asked:
    return Asked()


def test_the_first_answer_is_taken_and_the_second_hears_by_whom(asked: Asked) -> None:
    asked.accept(text="yes", prompt_id="p1")
    assert asked.task.prompt is None
    with pytest.raises(NotNow, match=r"^that question has been answered by ada$"):
        asked.accept(by="bob", text="no", prompt_id="p1")


def test_an_answer_that_names_no_question_is_for_the_open_one(asked: Asked) -> None:
    assert asked.accept(text="yes") == {"text": "yes", "prompt_id": "p1"}
    assert asked.task.prompt is None
    assert asked.accept(text="by the way") == {"text": "by the way"}


def test_an_answer_to_an_older_question_is_too_late(asked: Asked) -> None:
    asked.emit("input", Input("from its own kernel", "p1"))
    asked.emit("prompt", Prompt("p2", "and now?"))
    with pytest.raises(NotNow, match=r"^that question has been answered$"):
        asked.accept(text="yes", prompt_id="p1")
    assert asked.accept(text="yes", prompt_id="p2")
    assert asked.task.prompt is None


@pytest.mark.parametrize(
    ("end", "sentence"),
    [
        (Input("no", "p1", "default"), "nobody answered that question in time, and its default was taken"),
        (Input("", "p1", "nobody"), "that question is not asked any more: nobody answered it in time"),
    ],
)
def test_an_answer_after_the_time_hears_what_became_of_the_question(
    asked: Asked, end: Input, sentence: str
) -> None:
    asked.emit("input", end)
    with pytest.raises(NotNow, match=f"^{sentence}$"):
        asked.accept(text="yes", prompt_id="p1")


def test_an_answer_to_a_question_that_was_never_asked_is_refused(asked: Asked) -> None:
    with pytest.raises(NotNow, match="does not ask that question"):
        asked.accept(text="yes", prompt_id="p9")
    assert asked.task.prompt is not None


def interrupted_and_back(asked: Asked) -> None:
    asked.note("state", State(TaskState.INTERRUPTED, reason="silent"))
    assert asked.task.prompt is None
    asked.note("state", State(TaskState.RUNNING, reason="its process is back"))
    reopen(asked.session, asked.task)


def test_a_task_that_is_back_asks_again_what_nobody_answered(asked: Asked) -> None:
    interrupted_and_back(asked)
    assert asked.prompts() == [QUESTION, QUESTION]
    asked.accept(text="yes", prompt_id="p1")
    assert asked.task.prompt is None


@pytest.mark.parametrize("by", ["kernel", "journal"])
def test_a_task_that_is_back_does_not_ask_what_was_answered(asked: Asked, by: str) -> None:
    if by == "kernel":
        asked.emit("input", Input("yes", "p1"))
    else:
        asked.accept(text="yes", prompt_id="p1")
    interrupted_and_back(asked)
    assert asked.prompts() == [QUESTION]
    assert asked.task.prompt is None
