"""Handler of the resources of a task."""

from __future__ import annotations

from ...detached.observed.task_process import Resources
from ..interface.operation import operation
from .base import ApiHandler


class ResourcesHandler(ApiHandler):
    """``tasks/{id}/resources``: what its processes use now. Measured for this request, and not stored."""

    @operation({200: Resources})
    async def get(self, task_id: str) -> None:
        """Return what the processes of a running task use now."""
        task = await self.task(task_id)
        self.write_json(await self.services.resources.read(task))
