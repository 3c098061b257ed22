"""Processes that end in order: what their tasks saw returned is stored, and the end is the last event."""

from __future__ import annotations

import mmap
import os
import signal
import struct
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any

from jupyter_agent.runtime.exit_reason import KERNEL_DIED, RESTARTED, SHUT_DOWN
from tests.faults.ending_scripts import ENDED, SCRIPTS, SEEN_BYTES, SLOW, SUBMIT, WORK, End
from tests.faults.tally import Say, Tally, attempt
from tests.faults.work import WITHIN
from tests.support.builders import until
from tests.support.kernels import ENDS, execute
from tests.support.servers import Server, environment

AT_ONCE = 2
"""Processes that end at the same time."""


class Seen:
    """What a task has counted into *path*: the lines whose `log` had returned."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.write_bytes(bytes(SEEN_BYTES))

    @property
    def lines(self) -> int:
        return int(self._read()[0])

    @property
    def pid(self) -> int:
        return int(self._read()[1])

    @property
    def task(self) -> str:
        return bytes(self._read()[2]).decode()

    def _read(self) -> tuple[Any, ...]:
        with (
            self.path.open("rb") as file,
            mmap.mmap(file.fileno(), SEEN_BYTES, access=mmap.ACCESS_READ) as seen,
        ):
            return struct.unpack("qq26s", seen[:42])


def run_script(end: End, seen: Seen, env: dict[str, str], count: int) -> None:
    """Run a script to its end; assert its exit status and what it says on standard error."""
    text = end.text(seen.path, count)
    if end.sent is signal.SIGHUP:  # which these tests, and so the script, may have been started to ignore
        text = f"import signal\nsignal.signal(signal.SIGHUP, signal.SIG_DFL)\n{text}"
    file = seen.path.with_suffix(".py")
    file.write_text(text)
    command = [sys.executable, *(*end.how, text)] if end.how else [sys.executable, str(file)]
    with subprocess.Popen(
        command,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        if end.sent is not None:
            until(lambda: seen.lines >= count, WITHIN)
            process.send_signal(end.sent)
        try:
            _, said = process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    assert process.returncode == end.status, f"it ended with {process.returncode}: {said}"
    assert all(part in said for part in end.said), said
    assert end.said or not said, said


def check(events: list[Any], seen: int, state: str, reason: str | None) -> None:
    """Assert that each line that the task saw returned is stored once, in order, and that the end is last."""
    check_lines(events, seen)
    ends = [event for event in events if event["type"] == "state" and event["data"]["state"] in ENDS]
    assert [(end["data"]["state"], end["data"].get("reason")) for end in ends] == [(state, reason)]
    after = [event["type"] for event in events[events.index(ends[0]) + 1 :]]
    assert not after, f"{len(after)} events follow the end: {after[:3]}"


def check_lines(events: list[Any], seen: int) -> None:
    """Assert that each line that the task saw returned is stored once, in order."""
    logs = [event["data"]["text"] for event in events if event["type"] == "log"]
    lines = [line for line in logs if line.startswith("line ")]
    assert lines == [f"line {number}" for number in range(len(lines))]
    assert seen <= len(lines) <= seen + 1, f"the task saw {seen} lines return, and {len(lines)} are stored"


def check_last(events: list[Any], end: End) -> None:
    """Assert that what was logged last is stored."""
    logs = [event["data"]["text"] for event in events if event["type"] == "log"]
    assert tuple(logs[len(logs) - len(end.last) :]) == end.last


def check_on(server: Server, seen: Seen, state: str, reason: str | None) -> tuple[int, float]:
    """Wait until *server* knows the end, and check the story; its lines, and the wait in seconds."""
    begun = monotonic()
    until(lambda: (server.task(seen.task) or {}).get("state") == state, WITHIN)
    took = monotonic() - begun
    check(server.events(seen.task), seen.lines, state, reason)
    return seen.lines, took


def end_script(server: Server, name: str, seen: Seen, count: int) -> tuple[int, float]:
    """A script of *server*'s user that ends so."""
    end = SCRIPTS[name]
    run_script(end, seen, environment(server.home, server.agent), count)
    told = check_on(server, seen, end.state, end.reason)
    check_last(server.events(seen.task), end)
    return told


def end_kernel(server: Server, name: str, seen: Seen, count: int) -> tuple[int, float]:
    """A kernel of *server* that ends so."""
    kernel = server.start_kernel()
    before = SLOW if name == "a restart beside a slow exit handler" else ""
    execute(server, kernel, f"{WORK}\n{before}{SUBMIT}".replace("PATH", repr(str(seen.path))))
    until(lambda: seen.lines >= count, WITHIN)
    KERNELS[name](server, kernel, seen)
    try:
        return check_on(server, seen, "interrupted", REASONS[name])
    finally:
        server.api(f"kernels/{kernel}", "DELETE")


KERNELS: dict[str, Callable[[Server, str, Seen], object]] = {
    "a restart": lambda server, kernel, _: server.api(f"kernels/{kernel}/restart", "POST"),
    "a restart beside a slow exit handler": lambda server, kernel, _: server.api(
        f"kernels/{kernel}/restart", "POST"
    ),
    "a shutdown": lambda server, kernel, _: server.api(f"kernels/{kernel}", "DELETE"),
    "exit() in a cell": lambda server, kernel, _: execute(server, kernel, "exit()"),
    "SIGTERM of a kernel": lambda _, __, seen: os.kill(seen.pid, signal.SIGTERM),
}
"""Kernels by how they end."""

REASONS = {
    "a restart": RESTARTED,
    "a restart beside a slow exit handler": RESTARTED,
    "a shutdown": SHUT_DOWN,
    "exit() in a cell": ENDED,
    "SIGTERM of a kernel": KERNEL_DIED,
}

NAMES = (*SCRIPTS, *KERNELS)


def ends(server: Server, seeds: list[int], say: Say, folder: Path) -> Tally:
    """One process for each seed, which names the way it ends; each story is whole."""
    tally = Tally("ends")
    begun = monotonic()

    def one(seed: int) -> None:
        name = NAMES[seed % len(NAMES)]
        seen, count = Seen(folder / f"end-{seed}"), Random(seed).randrange(1, 200)
        lines, took = (end_script if name in SCRIPTS else end_kernel)(server, name, seen, count)
        tally.saw(name)
        tally.ran(seed, lines, lines, took)

    with ThreadPoolExecutor(AT_ONCE) as together:
        for seed in seeds:
            together.submit(attempt, tally, seed, say, lambda seed=seed: one(seed))  # type: ignore[misc]
    say(f"ends: {tally.runs}")
    tally.seconds = monotonic() - begun
    return tally
