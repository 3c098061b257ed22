"""The process of a running task on this machine, and what it uses."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Literal, NamedTuple

from msgspec import Struct

from ...core.events import TaskState
from ...core.ids import is_ulid
from ...core.task import Task
from ...errors import SpoolError
from ...producer.spool_folder import read_spool_header
from ...system.host import is_this_host
from ...system.paths import DataPaths
from ...system.resources.gpu import gpu_use
from ...system.resources.process_tree import Sample, cpu_percent, sample

OWN_PROCESS = ("detached", "process")
"""Where a task runs that has a process of its own."""

Scope = Literal["task", "kernel", "process"]


class TaskProcess(NamedTuple):
    """``scope`` says whose the figures are: of a task in a thread, those of its whole kernel or process."""

    pid: int
    scope: Scope


class Resources(Struct, frozen=True):
    """What a running task's processes use; ``values`` by name: ``sys/cpu`` and ``sys/gpu`` in percent (of one
    processor, of its GPUs), ``sys/memory`` and ``sys/gpu_memory`` in bytes. Nothing where it is not known.
    """

    scope: Scope | None = None
    processes: int = 0
    values: dict[str, float] = {}


UNKNOWN = Resources()
FIRST_INTERVAL = 0.25
"""Seconds between the two looks of a reading that has none before it."""


def process_of(paths: DataPaths, task: Task) -> TaskProcess | None:
    """Return the process that runs *task*; ``None`` when it does not run, or not where its pid means this."""
    if task.state is not TaskState.RUNNING or task.producer is None or not is_ulid(task.producer):
        return None  # an event may name anything as the producer, and this becomes a folder's name
    folder = (paths.spools / task.producer).resolve()
    try:
        header = read_spool_header(folder)
    except SpoolError:  # of a producer of another machine
        return None
    if not is_this_host(header.host, header.boot) or not _has_open(header.pid, folder):
        return None
    scope: Scope = "task" if task.on in OWN_PROCESS else "kernel" if task.kernel else "process"
    return TaskProcess(header.pid, scope)


def resources_now(paths: DataPaths, task: Task) -> Resources:
    """Return what *task* uses, measured for `FIRST_INTERVAL`; `UNKNOWN` if it has no process here."""
    process = process_of(paths, task)
    before = sample_process(process) if process is not None else None
    if process is None or before is None:
        return UNKNOWN
    time.sleep(FIRST_INTERVAL)
    after = sample_process(process)
    return UNKNOWN if after is None else resources_between(process, before, after)


def sample_process(process: TaskProcess) -> Sample | None:
    """Return what the process and its descendants use now; see `sample`."""
    return sample(process.pid, own_session=process.scope != "task")


def resources_between(process: TaskProcess, before: Sample, after: Sample) -> Resources:
    """Return what *process* used from *before* to *after*."""
    values: dict[str, float] = {"sys/memory": after.memory}
    if (cpu := cpu_percent(before, after)) is not None:
        values["sys/cpu"] = round(cpu, 1)
    if (gpu := gpu_use(after.pids)) is not None:
        values |= {"sys/gpu_memory": gpu.memory}
        values |= {} if gpu.percent is None else {"sys/gpu": round(gpu.percent, 1)}
    return Resources(process.scope, len(after.ticks), values)


def _has_open(pid: int, folder: Path) -> bool:
    """Return True if *pid* is the process that writes the spool in *folder*.

    In another container with the same folders, the number is that of a process of its own.
    """
    try:
        links = list(Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return False
    return any(_target(link).startswith(f"{folder}/") for link in links)


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:  # closed meanwhile
        return ""
