"""Commands to tasks: checked, stored as events, sent to the producer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from ..core.events import MAX_EVENT_BYTES, Command
from ..core.nesting import MAX_NESTING, too_deep
from ..core.task import Task
from ..errors import NotNow, RequestRefused
from ..journal.base import HolderEvent, PendingCommand
from ..journal.session import JournalSession
from ..journal.transaction import command_of
from ..protocol.actions import encode
from ..protocol.messages import CommandOrder
from .delivery.connections import Connection, Registry
from .prompts import resolve_prompt
from .services import Services

COMMANDS = ("cancel", "retry", "input")
MAX_ARGS = MAX_EVENT_BYTES // 2
"""Maximum size of a command's args as JSON: they become part of an event."""


@dataclass(frozen=True, slots=True)
class RequestedCommand:
    """A requested command; ``attempt`` of ``None`` means the current one."""

    task: str
    command: str
    by: str
    attempt: int | None = None
    args: dict[str, Any] | None = None


async def submit_command(services: Services, request: RequestedCommand) -> None:
    """Store the command as an event and send it to the task's producer; returns once it is stored.

    Raises `UnknownTask`, `NotNow` (it does not fit the task's state), `RequestRefused` (it is invalid).
    """
    args = _validated_args(request)
    registry, supervisor = services.registry, services.supervisor
    connected = {c.producer for c in registry.all() if c.producer}

    def job(session: JournalSession) -> PendingCommand | None:
        task = services.existing_task(session, request.task)
        _refuse_other_attempt(task, request)
        if supervisor.try_handle(session, task, request.command, request.by):
            return None
        _refuse_unfit(task, request, connected)
        if request.command == "cancel" and task.stopping is not None and task.stopping.again:
            return None
        given = resolve_prompt(session, task, args) if request.command == "input" else args
        data = Command(request.command, given, request.by)
        offset = session.append(HolderEvent(task.id, task.attempt, "command", data))[0].stored[0].offset
        return next((p for p in session.journal.pending(task.producer or "") if p.offset == offset), None)

    pending = await services.ask_about(request.task, lambda: services.feed.call(job))
    services.activity.note()
    supervisor.wake()
    if pending is not None:
        dispatch_commands(registry, [pending])


def dispatch_commands(registry: Registry, pending: list[PendingCommand]) -> None:
    """Send commands to the producers that are connected; the others' commands wait in the journal."""
    for command in pending:
        connection = registry.producer(command.producer)
        if connection is None:
            continue
        if connection.backlog is None:
            _send(connection, command)
        else:
            # Older commands are still being read from the journal; this one must not overtake them.
            connection.backlog.append(command)


def flush_backlog(connection: Connection, pending: list[PendingCommand]) -> None:
    """Send a reconnected producer its *pending* commands and its backlog, each once, in offset order."""
    by_offset = {command.offset: command for command in [*pending, *(connection.backlog or [])]}
    connection.backlog = None
    for offset in sorted(by_offset):
        _send(connection, by_offset[offset])


def _send(connection: Connection, pending: PendingCommand) -> None:
    command, event = command_of(pending.event), pending.event
    order = CommandOrder(pending.offset, event.task, event.attempt, command.command, command.args)
    connection.writer.post(encode(order))


def _validated_args(request: RequestedCommand) -> dict[str, Any]:
    """Return the args. Raises `RequestRefused` for an unknown command, and for args that it cannot have."""
    args = request.args or {}
    if request.command not in COMMANDS:
        raise RequestRefused(
            f"there is no command {request.command[:80]!r}; use one of {', '.join(COMMANDS)}",
            status=400,
            code="bad_request",
        )
    if too_deep(args):
        raise RequestRefused(
            f"the args are nested more than {MAX_NESTING} deep", status=400, code="bad_request"
        )
    if len(msgspec.json.encode(args)) > MAX_ARGS:
        raise RequestRefused(
            f"the args are over the limit of {MAX_ARGS:,} bytes; put them in a file and send its path",
            status=400,
            code="bad_request",
        )
    if request.command == "input":
        _check_input(args)
    if not isinstance(args.get("now", False), bool):
        raise RequestRefused("now is true or false", status=400, code="bad_request")
    return args


def _check_input(args: dict[str, Any]) -> None:
    if unknown := [repr(name[:40]) for name in args if name not in ("text", "prompt_id")]:
        sentence = f"input has no {', '.join(unknown[:5])}; it has text, prompt_id"
        raise RequestRefused(sentence, status=400, code="bad_request")
    if not isinstance(args.get("text"), str):
        raise RequestRefused('input needs args {"text": "..."}', status=400, code="bad_request")
    if not isinstance(args.get("prompt_id"), str | None):
        raise RequestRefused("prompt_id is the id of a question, or null", status=400, code="bad_request")


def _refuse_other_attempt(task: Task, request: RequestedCommand) -> None:
    if request.attempt is not None and request.attempt != task.attempt:
        raise NotNow(f"task {task.id} is at attempt {task.attempt}, not {request.attempt}", task_id=task.id)


def _refuse_unfit(task: Task, request: RequestedCommand, connected: set[str]) -> None:
    """Raise `NotNow` if the command does not fit the task's state."""
    if request.command == "retry":
        _refuse_retry(task, connected)
    elif task.state.ended:
        raise NotNow(
            f"task {task.id} is {task.state.value}: there is nothing to {request.command}", task_id=task.id
        )


def _refuse_retry(task: Task, connected: set[str]) -> None:
    if not task.state.ended:
        raise NotNow(f"task {task.id} is {task.state.value}; cancel it before a retry", task_id=task.id)
    if task.producer not in connected:
        how = "run its cell again" if task.cell else "run its program again, or add it again"
        raise NotNow(
            f"{task.name or 'it'} cannot be retried: the process that ran it is gone; {how}",
            task_id=task.id,
        )
