"""Handlers of tasks: lists, one task, commands."""

from __future__ import annotations

import asyncio
import re
from functools import partial
from pathlib import Path
from typing import Annotated, ClassVar

from jupyter_server.services.contents.fileio import FileManagerMixin
from msgspec import Meta

from ...core.events import TaskState
from ...core.ids import ulid_floor
from ...core.query import TaskQuery, TasksPage
from ...core.task import Task
from ...detached.submission import run_spec_of
from ...errors import NotNow
from ...journal.base import NOWHERE, CellLocation
from ...journal.operations.retention import delete_files
from ...journal.operations.schedules import ScheduleView
from ...journal.session import JournalSession
from .. import commands
from ..delivery.task_search import find_tasks
from ..interface.bodies import Accepted
from ..interface.operation import Parameter, operation
from ..interface.requests import InputCommand, ScheduleSubmission, TaskCommand, TaskSubmission
from . import task_html
from .accept import wants_html, wants_page
from .base import MAX_LIMIT, ApiHandler, BadRequest, BrowserHandler
from .enqueue import enqueue, read_submission
from .notebook_filter import NotebookMatcher
from .scheduling.schedules import post_schedule

_TIME = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?", re.ASCII)
MAX_CELLS = 500
MAX_PATH = 4096
Seconds = Annotated[float, Meta(ge=0, lt=1e12)]
NotebookPath = Annotated[str, Meta(min_length=1, max_length=MAX_PATH)]
LOCATIONS_AT_ONCE = 500
"""Locations of tasks that are read in one step; others are served in between."""


class TasksHandler(ApiHandler):
    """``tasks``: snapshots, newest first; POST runs something as a detached task."""

    actions: ClassVar = ApiHandler.actions | {"POST": "execute"}
    parameters: ClassVar = {
        "state": Parameter("only tasks in this state", TaskState),
        "name": Parameter("only tasks with this name"),
        "key": Parameter("only tasks with this key"),
        "limit": Parameter("maximum number of tasks", maximum=MAX_LIMIT, default=50),
        "before": Parameter("only tasks with smaller ids; the id at which the previous page ended"),
        "since": Parameter("only tasks that were queued first from then on, in Unix seconds", Seconds),
        "until": Parameter("only tasks that were queued first before then, in Unix seconds", Seconds),
        "cells": Parameter("only tasks of these cells, at most 500 ids with commas between them"),
        "notebook": Parameter("only tasks of this notebook, as the server's contents name it", NotebookPath),
    }

    @operation({200: TasksPage})
    async def get(self) -> None:
        """List tasks, newest first, as snapshots."""
        state, limit = self._state(), self.get_int_argument("limit")
        name = self.get_query_argument("name", None)
        key = self.get_query_argument("key", None, strip=False)
        before, after = self._range()
        query = TaskQuery(state=state, name=name, key=key, before=before, after=after, limit=limit)
        if key is not None:
            await self.services.find_places()
        locations = await self._cell_locations()
        page = await find_tasks(self.services.feed, query, locations)
        body = {"tasks": self.services.annotated(page.tasks), "more": page.more, "cursor": page.cursor}
        self.write_json(body if page.before is None else body | {"before": page.before})

    @operation(
        {201: (Task, ScheduleView), 200: Task}, body=(TaskSubmission, ScheduleSubmission), refusals=(409,)
    )
    async def post(self) -> None:
        """Run something as a detached task; 200 is the existing task with this key."""
        submission = read_submission(self.request.body)
        self.services.activity.note()
        if submission.schedule is not None:
            await post_schedule(self, submission)
            return
        run_spec = run_spec_of(submission, agent=self.services.agent, cwd=self.home, owner=self.user_name)
        task, is_new = await enqueue(self.services, run_spec)
        self.set_header("Location", f"{self.base_url}jupyter-agent/tasks/{task.id}")
        self.write_json(task, 201 if is_new else 200)

    def _range(self) -> tuple[str | None, str | None]:
        """Return the ids below which and above which tasks are wanted: an id begins with its time."""
        before = self.get_query_argument("before", None)
        since, until = self._time("since"), self._time("until")
        if until is not None:
            end = ulid_floor(until)
            before = end if before is None else min(before, end)
        return before, None if since is None else ulid_floor(since)

    def _time(self, name: str) -> float | None:
        text = self.get_query_argument(name, None)
        if text is None:
            return None
        if not _TIME.fullmatch(text):
            raise BadRequest(f"{name} must be a time in Unix seconds, not {text[:40]!r}")
        return float(text)

    async def _cell_locations(self) -> list[CellLocation] | None:
        """Return where the tasks must have been started; ``None`` when the request does not say."""
        cells, path = self._cells(), self._notebook()
        if cells is None and path is None:
            return None
        await self.services.find_places()
        known = await self._known_locations(cells)
        if path is None:
            return known
        manager = self.contents_manager
        root = Path(manager.root_dir) if isinstance(manager, FileManagerMixin) else None
        matcher = NotebookMatcher(path, root)
        by_cell = cells is not None
        gone = await asyncio.to_thread(matcher.gone, known) if by_cell else set()
        cells_of_gone = await self._cells_of(gone)
        return await asyncio.to_thread(matcher.choose, known, by_cell=by_cell, cells_of_gone=cells_of_gone)

    async def _known_locations(self, cells: list[str] | None) -> list[CellLocation]:
        if cells is not None:
            return await self.services.feed.call(lambda session: session.journal.cell_locations(cells))
        found: list[CellLocation] = []
        while page := await self.services.feed.call(partial(_locations, found[-1] if found else NOWHERE)):
            found += page
        return found

    async def _cells_of(self, notebooks: set[str]) -> dict[str, set[str]]:
        """Return the cells in which each of *notebooks* started tasks."""
        cells: dict[str, set[str]] = {notebook: set() for notebook in notebooks}
        for notebook, cell in await self._known_locations(None) if notebooks else ():
            if notebook in cells and cell is not None:
                cells[notebook].add(cell)
        return cells

    def _cells(self) -> list[str] | None:
        text = self.get_query_argument("cells", None, strip=False)
        if text is None:
            return None
        cells = [cell for cell in text.split(",") if cell]
        if len(cells) > MAX_CELLS:
            raise BadRequest(f"ask for at most {MAX_CELLS} cells at once, not {len(cells)}")
        if not all(len(cell) <= 256 and cell.isprintable() for cell in cells):
            raise BadRequest("a cell's id has at most 256 characters, all of them visible")
        return cells

    def _notebook(self) -> str | None:
        path = self.get_query_argument("notebook", None, strip=False)
        if path is None:
            return None
        path = path.strip("/")
        if not path or len(path) > MAX_PATH or ".." in path.split("/"):
            raise BadRequest(f"notebook must be a contents path of 1 to {MAX_PATH} characters without `..`")
        return path

    def _state(self) -> TaskState | None:
        text = self.get_query_argument("state", None)
        if text is None:
            return None
        try:
            return TaskState(text)
        except ValueError:
            states = ", ".join(TaskState)
            raise BadRequest(f"there is no state {text[:40]!r}; use one of {states}") from None


def _locations(after: CellLocation, session: JournalSession) -> list[CellLocation]:
    return session.journal.cell_locations(after=after, limit=LOCATIONS_AT_ONCE)


class TaskHandler(BrowserHandler):
    """``tasks/{id}``: one snapshot, as JSON or static HTML; DELETE removes an ended task."""

    parameters: ClassVar = {}

    def set_default_headers(self) -> None:
        super().set_default_headers()
        self.set_header("Vary", "Accept")

    @operation({200: Task}, others=("text/html",))
    async def get(self, task_id: str) -> None:
        """Return one task, as a snapshot or as static HTML."""
        task, accept = await self.task(task_id), self.request.headers.get("Accept", "")
        if not wants_html(accept):
            self.write_json(task)
            return
        html = await task_html.static_html(self.services.feed, task)
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Content-Security-Policy", f"{task_html.POLICY}, {self.content_security_policy}")
        self.finish(task_html.as_page(task, html) if wants_page(accept) else html)

    @operation({204: None}, refusals=(409,))
    async def delete(self, task_id: str) -> None:
        """Delete an ended task."""

        def job(session: JournalSession) -> None:
            task = self.services.existing_task(session, task_id)
            if not task.state.ended:
                raise NotNow(f"task {task_id} is {task.state.value}; cancel it first", task_id=task_id)
            session.journal.forget([task_id])

        await self.services.ask_about(task_id, lambda: self.services.feed.call(job))
        # In a thread: a folder of many results takes long to list.
        await asyncio.to_thread(delete_files, self.services.paths, task_id)
        self.set_status(204)
        self.finish()


class CommandsHandler(ApiHandler):
    """``tasks/{id}/commands``: POST sends the task a command."""

    @operation({202: Accepted}, body=(TaskCommand, InputCommand), refusals=(409,))
    async def post(self, task_id: str) -> None:
        """Send the task a command."""
        body = self.known_json_body("a command", TaskCommand.__struct_fields__)
        command, args, attempt = body.get("command"), body.get("args", {}), body.get("attempt")
        if not isinstance(command, str) or not isinstance(args, dict):
            raise BadRequest('send {"command": "cancel"|"retry"|"input", "args": {}}')
        if attempt is not None and (not isinstance(attempt, int) or isinstance(attempt, bool)):
            raise BadRequest("attempt must be a whole number")
        request = commands.RequestedCommand(task_id, command, self.user_name, attempt, args)
        await commands.submit_command(self.services, request)
        self.write_json(Accepted(), 202)
