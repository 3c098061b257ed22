"""A process of listening sockets: raw sockets, one selector, no JSON.

``python -m tests.benchmarks.audience`` reads one line, an `AudienceSpec`, says ``ready`` when all sockets
are open and greeted, listens until each has received its events or time is up, and prints what came.
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

from .frames import Endpoint, Wire, dial
from .harness import ROOT, percentile

_STAMP = re.compile(rb'"time":([0-9.]+)')
MARK = b'"time":'
_MAX_STAMP = 40
_READ = 1 << 18


@dataclass(frozen=True)
class AudienceSpec:
    """*count* sockets of *endpoint*; each receives *events* events, within *seconds*.

    ``timed``: note how long each event was under way. ``tasks``: the ids that sockets follow, the first
    socket the first id and so on; empty: all. ``after``: the cursor to begin at.
    """

    endpoint: Endpoint
    count: int
    events: int = 0
    seconds: float = 60.0
    timed: bool = True
    tasks: list[str] = field(default_factory=list)
    after: str | None = None


@dataclass(frozen=True)
class Heard:
    """The result: deliveries, how many are missing, latency in ms, and the CPU seconds of listening."""

    deliveries: int
    missing: int
    p50: float
    p99: float
    cpu: float
    seconds: float

    @property
    def load(self) -> str:
        """Return how busy the listening process itself was."""
        return f"listening took {self.cpu / self.seconds:.0%} of a core"


class Audience:
    """The process, seen from the one that measures. Listening begins at once."""

    def __init__(self, spec: AudienceSpec) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.audience"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asdict(spec)) + "\n")
        self._process.stdin.flush()
        if self._line() != "ready":
            raise ConnectionError(f"the audience could not connect to {spec.endpoint.url}")

    def heard(self) -> Heard:
        """Wait until every event was received, or time is up."""
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
    """Exchange the greetings that come before events."""
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
    """One socket, the bytes that may be the beginning of a mark, and how many events it received."""

    wire: Wire
    rest: bytes
    heard: int = 0


class Hall:
    """All sockets and what they received."""

    def __init__(self, spec: AudienceSpec) -> None:
        self._spec = spec
        self._waits: list[float] = []
        self._take = self._take_timed if spec.timed else self._take_counted
        self._ears = [self._open(number) for number in range(spec.count)]

    def _open(self, number: int) -> Ear:
        spec = self._spec
        wire = dial(spec.endpoint)
        tasks = [spec.tasks[number % len(spec.tasks)]] if spec.tasks else "*"
        greet(wire, spec.endpoint.kind, tasks, spec.after)
        return Ear(wire, b"")

    def listen(self) -> Heard:
        """Listen until every socket received its events, or time is up."""
        selector = selectors.DefaultSelector()
        take = self._take
        for ear in self._ears:
            ear.wire.socket.setblocking(False)
            take(ear, ear.wire.left)
            selector.register(ear.wire.socket, selectors.EVENT_READ, ear)
        waiting = sum(ear.heard < self._spec.events for ear in self._ears)
        start, cpu = time.monotonic(), time.process_time()
        while waiting and time.monotonic() - start < self._spec.seconds:
            for key, _ in selector.select(0.5):
                ear = key.data
                before = ear.heard
                data = ear.wire.socket.recv(_READ)
                if not data:
                    selector.unregister(ear.wire.socket)
                    waiting -= before < self._spec.events
                    continue
                take(ear, data)
                waiting -= before < self._spec.events <= ear.heard
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
        ear.rest = whole[max(end, len(whole) - _MAX_STAMP) :]

    @staticmethod
    def _take_counted(ear: Ear, data: bytes) -> None:
        whole = ear.rest + data
        ear.heard += whole.count(MARK)
        ear.rest = whole[1 - len(MARK) :]

    def _sum_up(self, cpu: float, seconds: float) -> Heard:
        deliveries = sum(ear.heard for ear in self._ears)
        missing = sum(max(0, self._spec.events - ear.heard) for ear in self._ears)
        p50, p99 = (percentile(self._waits, q) if self._waits else 0.0 for q in (0.5, 0.99))
        return Heard(deliveries, missing, p50, p99, cpu, seconds)


def main() -> None:
    given = json.loads(sys.stdin.readline())
    spec = AudienceSpec(Endpoint(**given.pop("endpoint")), **given)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    hall = Hall(spec)
    print("ready", flush=True)
    print(json.dumps(asdict(hall.listen())), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
