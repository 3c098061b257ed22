"""SIGSTOP: processes that are stopped for a while, and delay no other."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from random import Random
from time import monotonic

from tests.faults.tally import Say, Tally, attempt
from tests.faults.work import WITHIN, begin, boss, story_of, wait_lines
from tests.support.builders import until
from tests.support.kernels import Written, execute, script
from tests.support.servers import Server, loud_of_ours


class _Company:
    """A script, a kernel with two tasks and a worker, all at work on one server."""

    def __init__(self, server: Server, folder: Path, stack: ExitStack) -> None:
        self.server = server
        _, plain = stack.enter_context(script(server, folder / "script", pause=0.002))
        self.kernel = server.start_kernel()
        paths = [folder / "kernel-0", folder / "kernel-1"]
        execute(server, self.kernel, begin(dict.fromkeys(paths, "thread")))
        stack.enter_context(boss(server, {folder / "worker": "process"}))
        self.stories = [plain, *map(Written, paths), Written(folder / "worker")]
        for written in self.stories:
            wait_lines(written, 5)

    def targets(self) -> dict[str, int]:
        """Who can be made to stand still."""
        plain, kernel, _, worker = self.stories
        return {"script": plain.pid, "kernel": kernel.pid, "worker": worker.pid, "server": self.server.pid}

    def others(self, pid: int) -> list[Written]:
        """The stories that go on meanwhile."""
        return [written for written in self.stories if written.pid != pid]


def stops(server: Server, seeds: list[int], say: Say, folder: Path) -> Tally:
    """Stop a process for up to 1.5 s for each seed; in the end every log is complete."""
    tally = Tally("stops")
    begun = monotonic()
    with ExitStack() as stack:
        company = _Company(server, folder, stack)
        for seed in seeds:
            attempt(tally, seed, say, lambda: _stop(company, seed, tally))  # noqa: B023
        say(f"stops: {tally.runs} done")
        for written in company.stories:
            os.kill(written.pid, signal.SIGKILL)
        attempt(tally, seeds[0], say, _whole(company, tally), len(seeds))
        server.api(f"kernels/{company.kernel}", "DELETE")
    tally.seconds = monotonic() - begun
    return tally


def _stop(company: _Company, seed: int, tally: Tally) -> None:
    chance = Random(seed)
    name, pid = chance.choice(sorted(company.targets().items()))
    seconds = chance.choice((0.05, 0.3, 1.5)) * chance.random()
    os.kill(pid, signal.SIGSTOP)
    try:
        for written in company.others(pid):
            wait_lines(written, 5, 20)  # their tasks wait for nobody
        time.sleep(seconds)
    finally:
        os.kill(pid, signal.SIGCONT)
    begun = monotonic()
    counts = [len(written.lines) for written in company.stories]
    for written, count in zip(company.stories, counts, strict=True):
        until(lambda: _logs(company.server, written) >= count, WITHIN)  # noqa: B023
        wait_lines(written, 1)
    tally.saw(f"SIGSTOP of the {name}")
    tally.ran(seed, 0, 0, monotonic() - begun)


def _logs(server: Server, written: Written) -> int:
    task = server.task(written.task)
    assert task is not None
    assert task["state"] == "running", f"a task whose process only stood still is {task['state']}"
    return int(task["logs"])


def _whole(company: _Company, tally: Tally) -> Callable[[], None]:
    def look() -> None:
        for written in company.stories:
            lines, _ = story_of(company.server, written, "interrupted", tally)
            tally.emitted += len(written.lines)
            tally.delivered += lines
        said = loud_of_ours(company.server.log_text())
        assert not said, "the server's log has\n" + "\n".join(said[:20])

    return look
