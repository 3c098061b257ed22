"""The handler of executed notebooks: the download of what a notebook task ran."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import IO, ClassVar
from urllib.parse import quote

from ...core.ids import is_ulid
from ...core.task import Task
from ...errors import RequestRefused, ResultNotStored
from ...runtime.artifacts.pickle_files import open_own
from ...system.paths import DataPaths
from ..interface.operation import Parameter, operation
from .base import BrowserHandler

CHUNK_BYTES = 1 << 20
MAX_ATTEMPTS = 1_000_000
"""Also stands for the newest attempt that kept a notebook."""


class ExecutedNotebookHandler(BrowserHandler):
    """``tasks/{id}/notebook``: the notebook as it was run, or as far as it has come, to be downloaded."""

    parameters: ClassVar = {
        "attempt": Parameter("of which attempt; by default the newest that has one", maximum=MAX_ATTEMPTS),
    }

    @operation({200: None}, others=("application/x-ipynb+json",))
    async def get(self, task_id: str) -> None:
        """Download the executed notebook."""
        attempt = self.get_int_argument("attempt", MAX_ATTEMPTS)
        task = await self.task(task_id)
        file = await asyncio.to_thread(_open_kept, self.services.paths, task, attempt)
        with file:
            self.set_header("Content-Type", "application/x-ipynb+json")
            self.set_header("Content-Disposition", _attachment(task))
            self.set_header("X-Content-Type-Options", "nosniff")
            while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
                self.write(chunk)
                await self.flush()
        await self.finish()


def kept_notebooks(paths: DataPaths, task_id: str) -> dict[int, Path]:
    """Return the executed notebooks of a task, by attempt."""
    if not is_ulid(task_id):
        return {}
    found = ((path.stem.rpartition("-")[2], path) for path in paths.results.glob(f"{task_id}-*.ipynb"))
    return {int(attempt): path for attempt, path in found if attempt.isascii() and attempt.isdigit()}


def _open_kept(paths: DataPaths, task: Task, requested: int) -> IO[bytes]:
    """Open the notebook of an attempt; of the newest one that has one for `MAX_ATTEMPTS`."""
    kept = kept_notebooks(paths, task.id)
    attempt = max(kept, default=0) if requested == MAX_ATTEMPTS else requested
    try:
        return open_own(kept[attempt], task.id)
    except (KeyError, FileNotFoundError, ResultNotStored) as error:
        which = "" if requested == MAX_ATTEMPTS else f" of its attempt {requested}"
        message = f"task {task.id} keeps no notebook{which} on this machine"
        raise RequestRefused(message, status=404, code="no_notebook") from error


def _attachment(task: Task) -> str:
    """Return a Content-Disposition (RFC 6266): a plain file name, and one with the task's name."""
    name = quote(task.name[:100], safe="")
    return f"attachment; filename=\"{task.id}.ipynb\"; filename*=UTF-8''{name}.ipynb"
