"""Questions that tasks ask: the first answer that the holder stores wins."""

from __future__ import annotations

from typing import Any

from ..core.events import Command, Event, Input, Prompt, decode_data, decode_event
from ..core.task import Task
from ..errors import NotNow
from ..journal.base import HolderEvent
from ..journal.session import JournalSession

PROMPT_TYPES = ("prompt", "input", "command")
SCAN_LIMIT = 50
"""Newest events of a talk that are looked at to say what became of a question."""


def resolve_prompt(session: JournalSession, task: Task, args: dict[str, Any]) -> dict[str, Any]:
    """The args of an answer with the id of the question that it is for: the open one, unless it names one.

    Raises `NotNow` when that question is not open any more.
    """
    named, now = args.get("prompt_id"), task.prompt
    if named is None:
        return args if now is None else args | {"prompt_id": now.prompt_id}
    if now is None or named != now.prompt_id:
        raise NotNow(_why_rejected(_talk(session, task), task, named), task_id=task.id)
    return args


def reopen(session: JournalSession, task: Task) -> None:
    """A task that was called interrupted goes on: the question that it still waits on is open again."""
    open_now: Prompt | None = None
    for data in _talk(session, task):
        if isinstance(data, Prompt):
            open_now = data
        elif open_now is not None and _is_for(data, open_now.prompt_id):
            open_now = None
    if open_now is not None:
        session.append(HolderEvent(task.id, task.attempt, "prompt", open_now))


def _talk(session: JournalSession, task: Task) -> list[Prompt | Input | Command]:
    """What was asked and answered lately in the present attempt, oldest first."""
    events = (
        decode_event(stored.encoded) for stored in session.journal.tail(task.id, SCAN_LIMIT, PROMPT_TYPES)
    )
    return [data for event in events if event.attempt == task.attempt for data in _read(event)]


def _read(event: Event) -> list[Prompt | Input | Command]:
    data = None if event.flag else decode_data(event)
    return [data] if isinstance(data, Prompt | Input | Command) else []


def _is_for(data: Prompt | Input | Command, prompt_id: str) -> bool:
    if isinstance(data, Command):
        return data.command == "input" and data.args.get("prompt_id") == prompt_id
    return isinstance(data, Input) and data.prompt_id == prompt_id


def _why_rejected(talk: list[Prompt | Input | Command], task: Task, prompt_id: str) -> str:
    """Why an answer comes too late, as a sentence."""
    answers = [data for data in talk if _is_for(data, prompt_id)]
    taken = answers[-1] if answers else None
    if isinstance(taken, Input) and taken.role == "default":
        return "nobody answered that question in time, and its default was taken"
    if isinstance(taken, Input) and taken.role == "nobody":
        return "that question is not asked any more: nobody answered it in time"
    by = next((data.by for data in answers if isinstance(data, Command) and data.by), None)
    if taken is not None:
        return f"that question has been answered{f' by {by}' if by else ''}"
    return f"task {task.id} does not ask that question, or it has been answered long ago"
