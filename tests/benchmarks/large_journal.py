"""A server on a journal of many tasks: what requests wait for while it deletes half of them, and its stop.

The standard size is 100,000 tasks, the long one a million. The file is as an older version wrote it, without
the indexes that came since, so the first start adds them.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec

from jupyter_agent.core.events import About, Data, Event, Log, State, TaskState, encode_data
from jupyter_agent.journal.base import Batch
from jupyter_agent.journal.observed_time import ObservedTime
from jupyter_agent.journal.operations.retention import DAY, KIND
from jupyter_agent.journal.sqlite.journal import SQLiteJournal
from jupyter_agent.system.ids import new_id

from .harness import LINE, TOKEN, Server, isolated, kernel, paced, percentile
from .rows import Row, at_most

STANDARD, LONG = 100_000, 1_000_000
REQUEST_BOUND, STOP_BOUND = 200.0, 5.0
"""Milliseconds that a request may take because of a background job, and seconds that a stop may take."""

WATCHED = 120.0
"""Seconds at most for which requests are sent while tasks are deleted."""

_AT_ONCE = 1000
_NAMES = 100
_PAUSE = 0.02
_EMITTED, _RATE = 5000, 500.0
_OLDER = (
    "DROP TABLE listed",
    "DROP TABLE ends",
    "DROP TABLE forgotten",
    "CREATE INDEX tasks_by_state ON tasks (state, ended)",
)
_OLDEST = ("DROP TABLE listed", "DROP TABLE keys", "DROP TABLE cells")
_LISTS = {
    "the newest": "tasks?limit=50",
    "of a state": "tasks?state=completed",
    "of a rare state": "tasks?state=failed",
    "of a name": "tasks?name=name-7",
    "of a key": "tasks?key=often",
    "of a key and a name": "tasks?key=often&name=rare",
    "of a key and a state": "tasks?key=often&state=failed",
    "health": "health",
}


def measure(long: bool) -> list[Row]:
    """Start and stop, start and delete half, start and have nothing to do: all with the same file."""
    with isolated() as base:
        print("filling ...", flush=True)
        fill(base / "agent" / "journals" / "default" / "journal.sqlite", LONG if long else STANDARD)
        return observed(base)


def observed(base: Path) -> list[Row]:
    """Measure on the journal that is in the folder *base*."""
    return [*_first_start(base), *_pruning(base), *_quiet(base), *_oldest(base)]


def fill(file: Path, tasks: int) -> None:
    """Write a journal of *tasks* ended tasks, of which half are too old, as an older version would have."""
    file.parent.mkdir(parents=True, mode=0o700)
    for folder in (file.parents[1], file.parents[2]):
        folder.chmod(0o700)
    with closing(SQLiteJournal(file, new_id(), new_id())) as journal:
        producer, n, half = new_id(), 1, 0
        for start in range(0, tasks, _AT_ONCE):
            batch = list(_events(producer, n, range(start, min(tasks, start + _AT_ONCE))))
            journal.append([Batch(producer, n, batch)], time.time())
            n += len(batch)
            if start < tasks // 2:
                half = journal.head
        seen = ObservedTime(seen=31 * DAY, marks=[(0.0, half)])
        journal.put_record(KIND, journal.epoch, msgspec.json.encode(seen))
    with closing(sqlite3.connect(file)) as db:
        for statement in _OLDER:
            db.execute(statement)
    os.sync()  # else the server's first copy of its log to the file waits for all of the file to be on disk


def _events(producer: str, n: int, numbers: range) -> Iterator[Event]:
    for number in numbers:
        task, when = new_id(), time.time()
        about = About(
            "rare" if number % 10_000 == 0 else f"name-{number % _NAMES}",
            key="often" if number % 2 else f"key-{number}",
            notebook=f"/home/someone/notebook-{number % 50}.ipynb",
            cell=f"cell-{number % 2000}",
        )
        end = TaskState.FAILED if number % 1000 == 0 else TaskState.COMPLETED
        for kind, data in (
            ("state", State(TaskState.QUEUED, about=about)),
            ("state", State(TaskState.RUNNING)),
            ("log", Log("stdout", LINE)),
            ("state", State(end)),
        ):
            yield _event(task, producer, n, when, kind, data)
            n += 1


def _event(task: str, producer: str, n: int, when: float, kind: str, data: Data) -> Event:
    return Event(task, 1, producer, n, when, kind, encode_data(data))


class _Requests:
    """One request after the other, and how long each took, in milliseconds."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._ended = threading.Event()
        self.names = tuple(_LISTS)
        self.took: dict[str, list[float]] = {name: [] for name in _LISTS}

    def ask(self, name: str) -> None:
        """Send the request *name* and wait for its answer."""
        request = urllib.request.Request(
            f"{self._url}jupyter-agent/{_LISTS[name]}", headers={"Authorization": f"token {TOKEN}"}
        )
        start = time.perf_counter()
        with urllib.request.urlopen(request, timeout=120) as answer:
            json.load(answer)
        self.took[name].append((time.perf_counter() - start) * 1e3)

    @property
    def all(self) -> list[float]:
        """What each request took."""
        return [took for each in self.took.values() for took in each]

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """Send requests from another thread meanwhile."""
        thread = threading.Thread(target=self._run)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join()

    def _run(self) -> None:
        while not self._ended.is_set():
            for name in self.names:
                self.ask(name)
                time.sleep(_PAUSE)


def _first_start(base: Path) -> list[Row]:
    """The first start, and a stop while indexes are filled."""
    server = Server(base)
    requests = _Requests(server.url)
    requests.ask("the newest")
    for name in _LISTS:
        requests.ask(name)
    start = time.perf_counter()
    server.close()
    return [
        Row("first start, until it listens", server.start_up, "s"),
        Row("the first request", requests.took["the newest"].pop(0), "ms", at_most(REQUEST_BOUND)),
        *(Row(f"then: {name}", each[0], "ms") for name, each in requests.took.items()),
        Row("stop in the middle of upkeep", time.perf_counter() - start, "s", at_most(STOP_BOUND)),
    ]


def _pruning(base: Path) -> list[Row]:
    """Indexes are filled and half of the tasks deleted, while a kernel emits and requests come."""
    server = Server(base)
    requests = _Requests(server.url)
    begun = time.perf_counter()
    try:
        with requests.going_on(), kernel() as producer:
            task = new_id()
            paced(_EMITTED, _RATE, lambda: producer.emit(task, 1, "log", Log("stdout", LINE)))
            _wait_for(base / "server.log", "deleted", WATCHED)
        watched, stop = time.perf_counter() - begun, time.perf_counter()
    finally:
        server.close()
    stopped = time.perf_counter() - stop
    took = requests.all
    return [
        Row("watched while half is deleted", watched, "s"),
        Row("stop then", stopped, "s", at_most(STOP_BOUND)),
        Row("requests meanwhile, p50", percentile(took, 0.5), "ms"),
        Row("requests meanwhile, p99", percentile(took, 0.99), "ms", at_most(REQUEST_BOUND)),
        Row("requests meanwhile, max", max(took), "ms", at_most(REQUEST_BOUND)),
        *(Row(f"of these: {name}, max", max(each), "ms") for name, each in requests.took.items()),
    ]


def _quiet(base: Path) -> list[Row]:
    """Lists of a server that has nothing else to do."""
    server = Server(base)
    try:
        requests = _Requests(server.url)
        for name in _LISTS:
            for _ in range(5):
                requests.ask(name)
    finally:
        server.close()
    return [Row(f"list: {name}", percentile(each, 0.5), "ms") for name, each in requests.took.items()]


def _oldest(base: Path) -> list[Row]:
    """The same journal as one of the earliest versions wrote it: what waits until its tables are filled."""
    with closing(sqlite3.connect(base / "agent" / "journals" / "default" / "journal.sqlite")) as db:
        for statement in _OLDEST:
            db.execute(statement)
    os.sync()
    server = Server(base)
    try:
        keyed, others = _Requests(server.url), _Requests(server.url)
        others.names = tuple(name for name in _LISTS if "key" not in name)
        with others.going_on():
            keyed.ask("of a key")
    finally:
        server.close()
    return [
        Row("earliest versions: until it listens", server.start_up, "s"),
        Row("the first list of a key, once", keyed.all[0] / 1e3, "s"),
        Row("requests meanwhile, max", max(others.all), "ms", at_most(REQUEST_BOUND)),
    ]


def _wait_for(log: Path, word: str, seconds: float) -> None:
    """Wait until the server's log says *word*, or the time is over."""
    deadline = time.monotonic() + seconds
    while f"JupyterAgent] {word}" not in log.read_text() and time.monotonic() < deadline:
        time.sleep(0.1)
