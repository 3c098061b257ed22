"""kill -9 of kernels and of workers of a real server, at moments drawn from seeds."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from random import Random
from time import monotonic

from tests.faults.tally import Say, Tally, attempt
from tests.faults.work import begin, boss, story_of, wait_lines
from tests.support.kernels import Written, execute, stream_in_kernel
from tests.support.servers import Server, loud_of_ours

BATCH = 8
"""Kernels that live, and die, at the same time."""


def kill(pid: int, chance: Random) -> str:
    """SIGKILL at a moment of its own, some to a process that stands still; what was done."""
    time.sleep(chance.random() * 0.05)
    stopped = chance.random() < 0.2
    with suppress(ProcessLookupError):
        if stopped:
            os.kill(pid, signal.SIGSTOP)
            time.sleep(chance.random() * 0.3)
        os.kill(pid, signal.SIGKILL)
    return "SIGSTOP, then SIGKILL" if stopped else "SIGKILL"


def kernels(server: Server, seeds: list[int], say: Say, folder: Path) -> Tally:
    """A kernel of *server* for each seed, killed while its tasks log; each story is whole."""
    tally = Tally("kernels")
    begun = monotonic()
    with ThreadPoolExecutor(BATCH) as together:
        for seed in seeds:
            one = _Kernel(server, seed, folder, tally)
            together.submit(_tell, tally, seed, say, one.run)
    _read_log(server, tally, seeds, say)
    tally.seconds = monotonic() - begun
    return tally


def _tell(tally: Tally, seed: int, say: Say, run: Callable[[], object]) -> None:
    attempt(tally, seed, say, run)
    if len(tally.seeds) % 8 == 0:
        say(f"{tally.part}: {len(tally.seeds)} killed")


def _read_log(server: Server, tally: Tally, seeds: list[int], say: Say) -> None:
    def look() -> None:
        said = loud_of_ours(server.log_text())
        assert not said, "the server's log has\n" + "\n".join(said[:20])

    attempt(tally, seeds[0], say, look, len(seeds))


class _Kernel:
    """One kernel's life and death."""

    def __init__(self, server: Server, seed: int, folder: Path, tally: Tally) -> None:
        self._server = server
        self._seed = seed
        self._folder = folder
        self._tally = tally
        self._chance = Random(seed)

    def run(self) -> None:
        """Start it, let it work, kill it, compare."""
        kernel = self._server.start_kernel()
        try:
            self._live(kernel)
        finally:
            self._server.api(f"kernels/{kernel}", "DELETE")

    def _live(self, kernel: str) -> None:
        stories = self._begin(kernel)
        for written in stories:
            wait_lines(written, self._chance.randrange(1, 60))
        self._tally.saw(kill(stories[0].pid, self._chance))
        told = [story_of(self._server, written, "interrupted", self._tally) for written in stories]
        emitted = sum(len(written.lines) for written in stories)
        self._tally.ran(self._seed, emitted, sum(n for n, _ in told), sum(took for _, took in told))

    def _begin(self, kernel: str) -> list[Written]:
        """A cell that blocks, tasks on threads, or also one in a worker; the first is in the kernel."""
        paths = [self._folder / f"kernel-{self._seed}-{number}" for number in range(3)]
        match self._chance.choices(("cell", "threads", "worker"), (4, 4, 2))[0]:
            case "cell":
                return [stream_in_kernel(self._server, kernel, paths[0], pause=0.001)]
            case "threads":
                where = dict.fromkeys(paths, "thread")
            case _:
                where = {paths[0]: "thread", paths[1]: "process"}
        execute(self._server, kernel, begin(where))
        return [Written(path) for path in where]


def workers(server: Server, seeds: list[int], say: Say, folder: Path) -> Tally:
    """Workers of scripts, killed one by one (a few with their parent); each story is whole."""
    tally = Tally("workers")
    begun = monotonic()
    groups = [seeds[start : start + 4] for start in range(0, len(seeds), 4)]
    with ThreadPoolExecutor(2) as together:
        for group in groups:
            together.submit(_workers, server, group, say, folder, tally)
    _read_log(server, tally, seeds, say)
    tally.seconds = monotonic() - begun
    return tally


def _workers(server: Server, seeds: list[int], say: Say, folder: Path, tally: Tally) -> None:
    paths = {folder / f"worker-{seed}": "process" for seed in seeds}
    with boss(server, paths) as process:
        for seed, path in zip(seeds, paths, strict=True):
            written = Written(path)
            if seed is seeds[-1] and Random(seed).random() < 0.3:
                attempt(tally, seed, say, lambda: _kill_worker(server, written, seed, tally, process.pid))  # noqa: B023
            else:
                attempt(tally, seed, say, lambda: _kill_worker(server, written, seed, tally))  # noqa: B023
    say(f"workers: {len(tally.seeds)} killed")


def _kill_worker(
    server: Server, written: Written, seed: int, tally: Tally, parent: int | None = None
) -> None:
    chance = Random(seed)
    wait_lines(written, chance.randrange(1, 60))
    how = kill(parent or written.pid, chance)
    tally.saw(f"{how} of its parent" if parent else how)
    lines, took = story_of(server, written, "interrupted", tally)
    tally.ran(seed, len(written.lines), lines, took)
