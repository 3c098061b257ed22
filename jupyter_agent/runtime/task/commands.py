"""Commands to a task of this process: cancel, retry, input."""

from __future__ import annotations

import logging
from typing import Any, Protocol

from ...core.events import Command
from ...core.task import Task
from ...errors import NotNow
from ...protocol.messages import CommandOrder
from ..attempt import Attempt
from ..options import Options
from .event_sink import EventSink

log = logging.getLogger(__name__)


class Commanded(Protocol):
    """The task that commands are for."""

    @property
    def id(self) -> str: ...

    @property
    def options(self) -> Options: ...

    @property
    def fold(self) -> Task: ...

    @property
    def sink(self) -> EventSink: ...

    @property
    def attempt(self) -> Attempt | None: ...

    def cancel(self, *, now: bool = False) -> bool: ...

    def retry(self) -> None: ...


class CommandHandler:
    """Carries out the commands to one task, whether they come through the journal or from this process."""

    def __init__(self, task: Commanded) -> None:
        self._task = task

    def handle(self, order: CommandOrder) -> None:
        """Carry out a command that came through the journal, which records it as an event."""
        # A command names its attempt, so that a late one never touches the attempt that followed.
        if order.attempt != self._task.fold.attempt:
            log.debug("task %s: ignored %s for attempt %d", self._task.id, order.command, order.attempt)
            return
        try:
            self._execute(order.command, order.args)
        except NotNow as error:  # the task ended, or started anew, while the command was on its way
            log.debug("task %s: %s came too late: %s", self._task.id, order.command, error)

    def record(self, command: str, owner: str | None) -> None:
        """Record a command that *owner* gives in this process, as the journal does for all others."""
        self._task.sink.emit(self._task.fold.attempt, "command", Command(command, {}, owner))

    def answer(self, text: str, prompt_id: str | None) -> None:
        """Pass *text* to the attempt. Raises `NotNow` when it has ended or question *prompt_id* is closed."""
        attempt = self._task.attempt
        if attempt is None or attempt.engine is None or self._task.fold.state.ended:
            raise NotNow(
                f"task {self._task.options.name} has ended and accepts no input", task_id=self._task.id
            )
        if not attempt.engine.answer(text, prompt_id):
            raise NotNow("that question has been answered", task_id=self._task.id)

    def _execute(self, command: str, args: dict[str, Any]) -> None:
        match command:
            case "cancel":
                self._task.cancel(now=args.get("now") is True)
            case "retry":
                self._task.retry()
            case "input":
                self.answer(str(args.get("text", "")), args.get("prompt_id"))
