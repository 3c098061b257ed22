"""Resource sampler: what the processes of running tasks use, measured when a view asks and at no other time.

The CPU is counted between two looks, so the last one of each process is kept while views ask for it.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from weakref import WeakValueDictionary

from ..core.events import TaskState
from ..core.task import Task
from ..detached.observed.task_process import (
    FIRST_INTERVAL,
    OWN_PROCESS,
    UNKNOWN,
    Resources,
    TaskProcess,
    process_of,
    resources_between,
    sample_process,
)
from ..system.paths import DataPaths
from ..system.resources.process_tree import Sample

INTERVAL = 1.0
"""Seconds for which a reading serves all views."""

FORGET_AFTER = 10.0
"""Seconds after which a look is too old to count the CPU from."""

MAX_KEPT = 200
"""Processes of which the last look is kept."""


@dataclass(frozen=True, slots=True)
class _Reading:
    process: TaskProcess
    sample: Sample
    resources: Resources


class ResourceSampler:
    """Belongs to the event loop; it looks in threads."""

    def __init__(self, paths: DataPaths, clock: Callable[[], float] = time.monotonic) -> None:
        self._paths = paths
        self._clock = clock
        self._readings: OrderedDict[str, _Reading] = OrderedDict()
        self._looking = WeakValueDictionary[str, asyncio.Lock]()

    async def read(self, task: Task) -> Resources:
        """Return what the processes of *task* use now; `UNKNOWN` when it does not run on this machine."""
        producer = task.producer or ""
        looking = self._looking.setdefault(producer, asyncio.Lock())
        async with looking:  # views that ask at the same time get the same reading
            last = self._readings.get(producer)
            if last is not None and self._clock() - last.sample.time < INTERVAL and _is_of(last, task):
                return last.resources
            reading = await self._look(task, last)
            self._keep(producer, reading)
        return UNKNOWN if reading is None else reading.resources

    async def _look(self, task: Task, last: _Reading | None) -> _Reading | None:
        process = await asyncio.to_thread(process_of, self._paths, task)
        if process is None:
            return None
        before = last.sample if last is not None and last.process == process else None
        if before is None or self._clock() - before.time > FORGET_AFTER:
            before = await asyncio.to_thread(sample_process, process)
            await asyncio.sleep(FIRST_INTERVAL)
        after = await asyncio.to_thread(sample_process, process)
        if before is None or after is None:
            return None
        resources = await asyncio.to_thread(resources_between, process, before, after)
        return _Reading(process, after, resources)

    def _keep(self, producer: str, reading: _Reading | None) -> None:
        self._readings.pop(producer, None)
        if reading is not None:
            self._readings[producer] = reading
        while len(self._readings) > MAX_KEPT:
            self._readings.popitem(last=False)


def _is_of(reading: _Reading, task: Task) -> bool:
    """Return True if *reading* serves *task*, which may share its process with a task of another kind."""
    is_running = task.state is TaskState.RUNNING
    return is_running and (reading.process.scope == "task") is (task.on in OWN_PROCESS)
