"""Prompts of tasks: the first answer that the holder stores counts; later ones are refused."""

from __future__ import annotations

from typing import Any

from ..core.events import Command, Event, Input, Prompt, decode_data, decode_event
from ..core.task import Task
from ..errors import NotNow
from ..journal.base import HolderEvent
from ..journal.session import JournalSession

PROMPT_TYPES = ("prompt", "input", "command")
SCAN_LIMIT = 50
"""Newest events of a task's conversation that are read to explain what became of a prompt."""


def resolve_prompt(session: JournalSession, task: Task, args: dict[str, Any]) -> dict[str, Any]:
    """Return the args of an answer with its prompt's id: that of the open one, unless *args* name one.

    Raises `NotNow` when the named prompt is not open any more.
    """
    named, current = args.get("prompt_id"), task.prompt
    if named is None:
        return args if current is None else args | {"prompt_id": current.prompt_id}
    if current is None or named != current.prompt_id:
        raise NotNow(_why_rejected(_conversation(session, task), task, named), task_id=task.id)
    return args


def reopen(session: JournalSession, task: Task) -> None:
    """Reopen the prompt that a task still waits on, after it was wrongly believed to be interrupted."""
    unanswered: Prompt | None = None
    for data in _conversation(session, task):
        if isinstance(data, Prompt):
            unanswered = data
        elif unanswered is not None and _is_for(data, unanswered.prompt_id):
            unanswered = None
    if unanswered is not None:
        session.append(HolderEvent(task.id, task.attempt, "prompt", unanswered))


def _conversation(session: JournalSession, task: Task) -> list[Prompt | Input | Command]:
    """Return the newest prompts and answers of the current attempt, oldest first."""
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


def _why_rejected(conversation: list[Prompt | Input | Command], task: Task, prompt_id: str) -> str:
    """Return why an answer comes too late, as a sentence."""
    answers = [data for data in conversation if _is_for(data, prompt_id)]
    accepted = answers[-1] if answers else None
    if isinstance(accepted, Input) and accepted.role == "default":
        return "that question was not answered in time, and its default was used"
    if isinstance(accepted, Input) and accepted.role == "nobody":
        return "that question was not answered and is no longer open"
    by = next((data.by for data in answers if isinstance(data, Command) and data.by), None)
    if accepted is not None:
        return f"that question has been answered{f' by {by}' if by else ''}"
    return f"task {task.id} does not ask that question, or it has been answered long ago"
