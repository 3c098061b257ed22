"""Who listens while we measure: one process, raw sockets, one selector, no JSON.

``python -m tests.benchmarks.audience`` reads one line, what is wanted, says ``ready`` when all sockets
are open and greeted, listens until every one has heard its events or time is up, and says what it heard.
A delivery is one occurrence of ``"time":<Unix seconds>`` in what a socket received.
"""

from __future__ import annotations

import json
import re
import resource
import selectors
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from typing import Self

from .frames import Door, Wire, dial
from .harness import ROOT, percentile

_STAMP = re.compile(rb'"time":([0-9.]+)')
MARK = b'"time":'
_LONGEST_STAMP = 40
_READ = 1 << 18


@dataclass(frozen=True)
class Wanted:
    """*count* sockets of *door*; each hears *events* events, within *seconds*.

    ``timed``: note how long each event was under way. ``tasks``: the ids that sockets follow, the first
    socket the first id and so on; empty: all. ``after``: the cursor to begin at.
    """

    door: Door
    count: int
    events: int = 0
    seconds: float = 60.0
    timed: bool = True
    tasks: list[str] = field(default_factory=list)
    after: str | None = None


@dataclass(frozen=True)
class Heard:
    """What came: deliveries, how many are missing, ms under way, and what listening cost in s of CPU."""

    deliveries: int
    missing: int
    p50: float
    p99: float
    cpu: float
    seconds: float

    @property
    def load(self) -> str:
        """How busy the listening process itself was."""
        return f"listening took {self.cpu / self.seconds:.0%} of a core"


class Audience:
    """The process, seen from the one that measures. Listening begins at once."""

    def __init__(self, wanted: Wanted) -> None:
        self._patience = wanted.seconds
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.audience"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asdict(wanted)) + "\n")
        self._process.stdin.flush()
        if self._line() != "ready":
            raise ConnectionError(f"the audience did not get in to {wanted.door.url}")

    def heard(self) -> Heard:
        """Wait until everything was heard, or time is up."""
        return Heard(**json.loads(self._line()))

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


def greet(wire: Wire, kind: str, tasks: object = "*", after: str | None = None) -> None:
    """Say what has to be said before events come."""
    if kind == "ours":
        _say(wire, {"type": "hello", "versions": [1]}, b'"welcome"')
        _say(wire, {"type": "subscribe", "id": 1, "tasks": tasks, "after": after}, b'"subscribed"')
    elif kind == "socket.io":
        assert wire.frame().startswith(b"0")
        wire.send("40")
        assert wire.frame().startswith(b"40")


def _say(wire: Wire, message: dict[str, object], answer: bytes) -> None:
    wire.send(json.dumps(message))
    while answer not in wire.frame()[:40]:
        continue


@dataclass(eq=False, slots=True)
class Ear:
    """One socket, the bytes that may be the beginning of a mark, and how many events it heard."""

    wire: Wire
    rest: bytes
    heard: int = 0


class Hall:
    """All sockets and what they heard."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._waits: list[float] = []
        self._take = self._take_timed if wanted.timed else self._take_counted
        self._ears = [self._open(number) for number in range(wanted.count)]

    def _open(self, number: int) -> Ear:
        wanted = self._wanted
        wire = dial(wanted.door)
        tasks = [wanted.tasks[number % len(wanted.tasks)]] if wanted.tasks else "*"
        greet(wire, wanted.door.kind, tasks, wanted.after)
        return Ear(wire, b"")

    def listen(self) -> Heard:
        """Until every socket heard its events, or time is up."""
        selector = selectors.DefaultSelector()
        take = self._take
        for ear in self._ears:
            ear.wire.socket.setblocking(False)
            take(ear, ear.wire.left)
            selector.register(ear.wire.socket, selectors.EVENT_READ, ear)
        waiting = sum(ear.heard < self._wanted.events for ear in self._ears)
        start, cpu = time.monotonic(), time.process_time()
        while waiting and time.monotonic() - start < self._wanted.seconds:
            for key, _ in selector.select(0.5):
                ear = key.data
                before = ear.heard
                data = ear.wire.socket.recv(_READ)
                if not data:
                    selector.unregister(ear.wire.socket)
                    waiting -= before < self._wanted.events
                    continue
                take(ear, data)
                waiting -= before < self._wanted.events <= ear.heard
        return self._sum_up(time.process_time() - cpu, time.monotonic() - start)

    def _take_timed(self, ear: Ear, data: bytes) -> None:
        now = time.time()
        whole = ear.rest + data
        end = 0
        for found in _STAMP.finditer(whole):
            if found.end() == len(whole):  # the number may go on in what comes next
                break
            self._waits.append((now - float(found[1])) * 1e3)
            ear.heard += 1
            end = found.end()
        ear.rest = whole[max(end, len(whole) - _LONGEST_STAMP) :]

    @staticmethod
    def _take_counted(ear: Ear, data: bytes) -> None:
        whole = ear.rest + data
        ear.heard += whole.count(MARK)
        ear.rest = whole[1 - len(MARK) :]

    def _sum_up(self, cpu: float, seconds: float) -> Heard:
        deliveries = sum(ear.heard for ear in self._ears)
        missing = sum(max(0, self._wanted.events - ear.heard) for ear in self._ears)
        p50, p99 = (percentile(self._waits, q) if self._waits else 0.0 for q in (0.5, 0.99))
        return Heard(deliveries, missing, p50, p99, cpu, seconds)


def main() -> None:
    given = json.loads(sys.stdin.readline())
    wanted = Wanted(Door(**given.pop("door")), **given)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    hall = Hall(wanted)
    print("ready", flush=True)
    print(json.dumps(asdict(hall.listen())), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
