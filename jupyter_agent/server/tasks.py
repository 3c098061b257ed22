"""The doors of tasks: lists, one task, commands."""

from __future__ import annotations

from typing import ClassVar

from ..core.events import TaskState
from ..errors import NotNow, UnknownTask
from ..journal.holder import Desk
from ..journal.retention import delete_files
from . import commands
from .rest import AgentHandler, BadRequest


class TasksHandler(AgentHandler):
    """``tasks``: snapshots, newest first. To make one there would be to run code."""

    actions: ClassVar = AgentHandler.actions | {"POST": "execute"}

    async def get(self) -> None:
        state, limit = self._state(), self.number("limit", 50)
        name = self.get_query_argument("name", None)
        before = self.get_query_argument("before", None)
        cursor, tasks = await self.services.feed.snapshots(
            lambda desk: desk.journal.tasks(state=state, name=name, before=before, limit=limit + 1)
        )
        shown = self.services.shown(tasks[:limit])
        self.reply({"tasks": shown, "more": len(tasks) > limit, "cursor": cursor})

    def _state(self) -> TaskState | None:
        text = self.get_query_argument("state", None)
        if text is None:
            return None
        try:
            return TaskState(text)
        except ValueError:
            states = ", ".join(TaskState)
            raise BadRequest(f"there is no state {text[:40]!r}; use one of {states}") from None


class TaskHandler(AgentHandler):
    """``tasks/{id}``: one snapshot; DELETE forgets an ended task."""

    async def get(self, task_id: str) -> None:
        self.reply(await self.task(task_id))

    async def delete(self, task_id: str) -> None:
        def job(desk: Desk) -> None:
            task = desk.journal.task(task_id)
            if task is None:
                raise UnknownTask(f"there is no task {task_id[:80]!r}", task_id=task_id)
            if not task.state.ended:
                raise NotNow(f"task {task_id} is {task.state.value}; cancel it first", task_id=task_id)
            desk.journal.forget([task_id])
            delete_files(self.services.places, task_id)

        await self.services.feed.call(job)
        self.set_status(204)
        self.finish()


class CommandsHandler(AgentHandler):
    """``tasks/{id}/commands``: ask a task for something."""

    async def post(self, task_id: str) -> None:
        body = self.json_body()
        command, args, attempt = body.get("command"), body.get("args", {}), body.get("attempt")
        if not isinstance(command, str) or not isinstance(args, dict):
            raise BadRequest('send {"command": "cancel"|"retry"|"input", "args": {}}')
        if attempt is not None and (not isinstance(attempt, int) or isinstance(attempt, bool)):
            raise BadRequest("attempt must be a whole number")
        request = commands.Request(task_id, command, self.user_name, attempt, args)
        await commands.ask(self.services.feed, self.services.registry, request)
        self.reply({"status": "accepted"}, 202)
