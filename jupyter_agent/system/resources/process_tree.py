"""CPU and memory of a process and its descendants, from /proc; nothing on platforms without it."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

Key = tuple[int, int]
"""A process: its pid, and the tick at which it started, since pids are used again."""


class Process(NamedTuple):
    """``session``: the pid of its session's leader. ``ticks``: CPU time. ``memory``: resident bytes."""

    parent: int
    session: int
    started: int
    ticks: int
    memory: int


class Sample(NamedTuple):
    """What a tree of processes had used at ``time`` (`time.monotonic`); ``memory`` is in bytes.

    Pages that processes share are counted for each of them.
    """

    time: float
    ticks: dict[Key, int]
    memory: int

    @property
    def pids(self) -> set[int]:
        return {pid for pid, _ in self.ticks}


def sample(root: int, *, own_session: bool = False) -> Sample | None:
    """Return what *root* and its descendants use now; ``None`` when there is no such process here.

    *own_session*: without those that are in another session, as workers that a kernel has started.
    """
    processes = _processes()
    if root not in processes:
        return None
    session = processes[root].session
    tree = _tree(processes, root)
    found = {pid: processes[pid] for pid in tree if not own_session or processes[pid].session == session}
    ticks = {(pid, one.started): one.ticks for pid, one in found.items()}
    return Sample(time.monotonic(), ticks, sum(one.memory for one in found.values()))


def cpu_percent(before: Sample, after: Sample) -> float | None:
    """Return the CPU between two samples in percent of one processor; ``None`` for the same moment.

    A process that began in between counts with all of its time; what one that ended had used is not known.
    """
    seconds = after.time - before.time
    if seconds <= 0:
        return None
    used = sum(max(0, ticks - before.ticks.get(key, 0)) for key, ticks in after.ticks.items())
    return 100 * used / os.sysconf("SC_CLK_TCK") / seconds


def _tree(processes: dict[int, Process], root: int) -> list[int]:
    children: defaultdict[int, list[int]] = defaultdict(list)
    for pid, process in processes.items():
        children[process.parent].append(pid)
    found = [root]
    for pid in found:  # it grows meanwhile
        found += children[pid]
    return found


def _processes() -> dict[int, Process]:
    """Return every process of this machine that can be seen; proc(5) has the fields."""
    page = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 0
    found = {}
    for entry in _entries():
        try:
            stat = Path(f"/proc/{entry}/stat").read_bytes()
        except OSError:  # it has ended
            continue
        fields = stat.rpartition(b")")[2].split()
        if fields[0] != b"Z":
            ticks = int(fields[11]) + int(fields[12])
            memory = int(fields[21]) * page
            found[int(entry)] = Process(int(fields[1]), int(fields[3]), int(fields[19]), ticks, memory)
    return found


def _entries() -> list[str]:
    try:
        return [path.name for path in Path("/proc").iterdir() if path.name.isdigit()]
    except OSError:  # a platform without /proc
        return []
