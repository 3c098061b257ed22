"""What the handlers work with, as one value: made by the extension, owned by nobody else."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from ..core.messages import Limits
from ..core.task import Task
from ..places import Places
from .dispatch import Dispatch
from .feed import FRAME_BYTES, Feed
from .forwards import Forwards
from .liveness import Liveness
from .registry import Registry
from .schedules import Schedules

MAX_MESSAGE = 8 << 20
MAX_EVENT = 1 << 20
SNAPSHOTS = 200
WINDOW = 16


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds: how long a new connection may keep silent, and the pause between heartbeats."""

    hello: float = 10.0
    heartbeat: float = 25.0


@dataclass(frozen=True, slots=True)
class Services:
    """The holder's parts. ``key`` opens the doors to this user's own processes."""

    feed: Feed
    registry: Registry
    liveness: Liveness
    dispatch: Dispatch
    forwards: Forwards
    schedules: Schedules
    places: Places
    key: str
    owner: str
    timing: Timing
    agent: str = ""
    """The ``module:function`` that free text is for; empty when none is named."""

    clock: Callable[[], float] = time.time

    @property
    def limits(self) -> Limits:
        return Limits(MAX_MESSAGE, MAX_EVENT, SNAPSHOTS, FRAME_BYTES, WINDOW)

    def shown(self, tasks: list[Task]) -> list[Task]:
        """Snapshots as they are given out: with what only the holder sees."""
        for task in tasks:
            if not task.state.ended:
                task.stalled_since = self.liveness.stalled_since(task.producer)
        return tasks
