"""A server on a large journal: up to ten million events, written by the journal itself."""

from __future__ import annotations

import json
import shutil
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from jupyter_agent.core.events import About, Data, Event, Log, State, TaskState, encode_data
from jupyter_agent.journal.base import Batch
from jupyter_agent.journal.sqlite.journal import SQLiteJournal
from jupyter_agent.system.ids import new_id

from .fanout import head, resume
from .growth import Curve, Growth
from .harness import LINE, TOKEN, Server, isolated, timed

TASK_EVENTS = 1000
_AT_ONCE = 20
"""Tasks in one commit."""

_NEAR = 1000
_ROOM = 700
"""Bytes of free disk to ask for, for each event: the file, its log, and some."""

_STANDARD = (1_000, 10_000, 100_000, 1_000_000)
_LONG = (*_STANDARD, 10_000_000)


def measure(long: bool) -> Growth:
    """Each size in the same file, grown from the one before; all gone at the end."""
    points = {}
    with isolated() as base:
        writer = _Writer(base)
        for events in _LONG if long else _STANDARD:
            if shutil.disk_usage(base).free < events * _ROOM:
                print(f"({events:,} events are left out: the disk has no room for them)", flush=True)
                continue
            writer.grow_to(events)
            points[events] = _open(base, writer.newest) | {"disk, bytes an event": writer.size / events}
    return Growth(
        "events in the journal",
        points,
        (
            Curve("start of a server", "s", {"until it listens and holds the journal": "start, s"}),
            Curve(
                "first answers",
                "ms",
                {
                    "tasks": "first 50 tasks, ms",
                    "events": "1,000 events of a task, ms",
                    "resume": f"resume {_NEAR:,} events before the end, ms",
                },
            ),
        ),
        "Start of a server, first pages and resuming, by the number of events in its journal",
    )


class _Writer:
    """Puts whole tasks of 1,000 events into the journal's file."""

    def __init__(self, base: Path) -> None:
        self._path = base / "agent" / "journals" / "default" / "journal.sqlite"
        self._path.parent.mkdir(parents=True, mode=0o700)
        (base / "agent").chmod(0o700)
        self._producer = new_id()
        self._n = 1
        self.newest = ""

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return self._path.stat().st_size

    def grow_to(self, events: int) -> None:
        """Append until there are *events*."""
        journal = SQLiteJournal(self._path, new_id(), new_id())
        try:
            while self._n <= events:
                tasks = min(_AT_ONCE, (events - self._n + 1) // TASK_EVENTS)
                batch = [event for _ in range(tasks) for event in self._task()]
                journal.append([Batch(self._producer, 1, batch)], time.time())
        finally:
            journal.close()

    def _task(self) -> Iterator[Event]:
        self.newest = new_id()
        yield self._event("state", State(TaskState.QUEUED, about=About("old")))
        yield self._event("state", State(TaskState.RUNNING))
        for _ in range(TASK_EVENTS - 3):
            yield self._event("log", Log("stdout", LINE))
        yield self._event("state", State(TaskState.COMPLETED))

    def _event(self, kind: str, data: Data) -> Event:
        n, self._n = self._n, self._n + 1
        return Event(self.newest, 1, self._producer, n, time.time(), kind, encode_data(data))


def _open(base: Path, task: str) -> dict[str, float]:
    """Measure a server's first steps on this journal."""
    running = Server(base, {"retention_bytes": 1 << 50})
    try:
        epoch, _, offset = head(running.endpoint).partition(":")
        near = f"{epoch}:{int(offset) - _NEAR}" if int(offset) > _NEAR else f"{epoch}:0"
        return {
            "start, s": running.start_up,
            "first 50 tasks, ms": timed(lambda: _get(running, "tasks?limit=50"), 5) * 1e3,
            "1,000 events of a task, ms": timed(lambda: _get(running, f"tasks/{task}/events?limit=1000"), 5)
            * 1e3,
            f"resume {_NEAR:,} events before the end, ms": timed(
                lambda: resume(running.endpoint, near, _NEAR), 5
            )
            * 1e3,
            "server RSS, MiB": running.rss / 2**20,
        }
    finally:
        running.close()


def _get(running: Server, path: str) -> None:
    request = urllib.request.Request(
        f"{running.url}jupyter-agent/{path}", headers={"Authorization": f"token {TOKEN}"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        json.load(answer)
