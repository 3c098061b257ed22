"""The door to what a task kept: the notebook that it ran."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import IO
from urllib.parse import quote

from ...core.ids import is_ulid
from ...core.task import Task
from ...errors import RequestRefused
from ...system.paths import DataPaths
from . import task_html as still
from .base import AgentHandler

PIECE = 1 << 20
MAX_ATTEMPTS = 1_000_000


class ExecutedHandler(AgentHandler):
    """``tasks/{id}/notebook``: the notebook as it was run, or as far as it has come, to be downloaded."""

    def get_login_url(self) -> str:
        """A person is asked to log in, a program is told to."""
        person = still.wants_page(self.request.headers.get("Accept", ""))
        return super(AgentHandler, self).get_login_url() if person else super().get_login_url()

    async def get(self, task_id: str) -> None:
        asked = self.get_int_argument("attempt", MAX_ATTEMPTS, MAX_ATTEMPTS)
        task = await self.task(task_id)
        file = await asyncio.to_thread(_open_kept, self.services.paths, task, asked)
        with file:
            self.set_header("Content-Type", "application/x-ipynb+json")
            self.set_header("Content-Disposition", _attachment(task))
            self.set_header("X-Content-Type-Options", "nosniff")
            while piece := await asyncio.to_thread(file.read, PIECE):
                self.write(piece)
                await self.flush()
        await self.finish()


def kept_notebooks(paths: DataPaths, task_id: str) -> dict[int, Path]:
    """The executed notebooks of a task, by attempt."""
    if not is_ulid(task_id):
        return {}
    found = ((path.stem.rpartition("-")[2], path) for path in paths.results.glob(f"{task_id}-*.ipynb"))
    return {int(attempt): path for attempt, path in found if attempt.isascii() and attempt.isdigit()}


def _open_kept(paths: DataPaths, task: Task, asked: int) -> IO[bytes]:
    """That of the attempt that was *asked* for; `MAX_ATTEMPTS` is the newest that there is."""
    kept = kept_notebooks(paths, task.id)
    attempt = max(kept, default=0) if asked == MAX_ATTEMPTS else asked
    try:
        return kept[attempt].open("rb")
    except (KeyError, FileNotFoundError) as error:
        which = "" if asked == MAX_ATTEMPTS else f" of its attempt {asked}"
        message = f"task {task.id} keeps no notebook{which} on this machine"
        raise RequestRefused(message, status=404, code="no_notebook") from error


def _attachment(task: Task) -> str:
    """RFC 6266: a name that every program reads, and the task's own."""
    name = quote(task.name[:100], safe="")
    return f"attachment; filename=\"{task.id}.ipynb\"; filename*=UTF-8''{name}.ipynb"
