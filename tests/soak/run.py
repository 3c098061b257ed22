"""The steps of a soak: load, rest, count, load for long, rest, count, compare."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from jupyter_agent.system.files import read_json
from tests.faults.vandals import Place
from tests.soak import audience
from tests.soak.audience import Auditor, Page
from tests.soak.census import Census, census
from tests.soak.figures import Sample
from tests.soak.load import CELL, STREAMER
from tests.support.builders import until
from tests.support.servers import Server, environment
from tests.support.wire import Story, producer

EVERY = 3.0
"""Seconds between samples."""

PREFILL = 60_000
"""Events published at first, so that the server keeps as many at hand as it ever will."""

RESTART_EVERY, KILL_EVERY = 60.0, 25.0
ROOM = {"objects": 60, "descriptors": 1}
"""Some connections are being closed at any moment; SQLite opens one temporary file when it first needs it."""
SOCKET = "jupyter_agent.server.handlers.websocket.AgentSocket"


@dataclass
class Kernel:
    """A kernel under load; *ledger* is where it says at rest what it emitted and holds."""

    id: str
    ledger: Path
    restarts: int = 0

    @property
    def told(self) -> dict[str, Any]:
        return read_json(self.ledger) or {}


@dataclass
class Rest:
    """The counts while everything was at rest."""

    server: Census
    kernel: dict[str, int]

    def above(self, before: Rest) -> list[str]:
        """Return what grew since *before*, as sentences."""
        names = ("threads", "descriptors")
        kernel = [(name, self.kernel[name], before.kernel[name]) for name in names]
        return [f"the server holds {words}" for words in self.server.above(before.server, ROOM)] + [
            f"the kernel holds {now} {name}, before {then}" for name, now, then in kernel if now > then + 2
        ]


@dataclass
class Soak:
    """One run against *server*; `steady` is never restarted, `restarted` often."""

    server: Server
    home: Path
    chance: random.Random
    steady: Kernel = field(init=False)
    restarted: Kernel = field(init=False)
    auditors: list[Auditor] = field(init=False)
    ledger_of: dict[str, int] = field(default_factory=dict)
    samples: list[tuple[Sample, Sample]] = field(default_factory=list)
    sizes: list[tuple[int, int]] = field(default_factory=list)
    killed: int = 0

    @property
    def control(self) -> Path:
        return self.home / "control"

    async def run(self, warm_up: float, seconds: float) -> tuple[Rest, Rest]:
        """Load for *warm_up* seconds, rest, load for *seconds*, rest; what there was at both rests."""
        self.control.write_text("rest")
        self.steady, self.restarted = self._kernel("steady"), self._kernel("restarted")
        self._steady_process = psutil.Process(self._pid_of_steady())
        cursor = self.server.ask("tasks").json["cursor"]
        self.auditors = [Auditor(self.server, cursor) for _ in range(3)]
        story = await self._prefill()
        self.place = Place(self.server, story.task, cursor)
        async with self._pages():
            await self._load(warm_up, sampled=False)
            before = await asyncio.to_thread(self._at_rest, None)
            await self._load(seconds, sampled=True)
            after = await asyncio.to_thread(self._at_rest, before)
            self.control.write_text("stop")
        head = int(self.server.ask("tasks").json["cursor"].split(":")[1])
        for auditor in self.auditors:
            await auditor.catch_up(head)
        return before, after

    def _kernel(self, name: str) -> Kernel:
        return Kernel(self.server.start_kernel(), self.home / f"{name}.json")

    def _pid_of_steady(self) -> int:
        children = psutil.Process(self.server.pid).children()
        return int(min(children, key=lambda child: child.create_time()).pid)

    async def _prefill(self) -> Story:
        story = Story()
        async with producer(self.server, story.producer) as writer:
            await writer.published(story.start("prefill"))
            for _ in range(PREFILL // 1000):
                await writer.published([story.event("metric") for _ in range(1000)])
            await writer.published([story.state("completed")])
        return story

    @asynccontextmanager
    async def _pages(self) -> AsyncIterator[None]:
        """Both kernels run their cell; the second one's is begun again after each restart."""
        async with asyncio.TaskGroup() as group:
            pages = [group.create_task(self._page(kernel)) for kernel in (self.steady, self.restarted)]
            self._pages_group, self._restarted_page = group, pages[1]
            yield
            pages[0].cancel()
            self._restarted_page.cancel()

    async def _page(self, kernel: Kernel) -> None:
        code = f"{CELL}\nsoak({str(self.control)!r}, {str(kernel.ledger)!r})"
        await Page(self.server, kernel.id, self.chance).run(code)

    async def _load(self, seconds: float, *, sampled: bool) -> None:
        self.control.write_text("run")
        started = time.monotonic()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
                group.create_task(self.auditors[0].stay())
                for auditor in self.auditors[1:]:
                    group.create_task(auditor.come_and_go(self.chance))
                group.create_task(audience.press_buttons(self.server, self.chance))
                group.create_task(audience.stall(self.place))
                group.create_task(audience.be_rude(self.place))
                group.create_task(self._restart_kernels())
                group.create_task(self._kill_scripts())
                if sampled:
                    group.create_task(self._sample(started))
        self.control.write_text("rest")

    async def _restart_kernels(self) -> None:
        while True:
            await asyncio.sleep(RESTART_EVERY)
            self._restarted_page.cancel()
            await asyncio.wait([self._restarted_page])
            path = f"kernels/{self.restarted.id}/restart"
            assert (await asyncio.to_thread(self.server.api, path, "POST")).status == 200
            self.restarted.restarts += 1
            self._restarted_page = self._pages_group.create_task(self._page(self.restarted))

    async def _kill_scripts(self) -> None:
        while True:
            script = subprocess.Popen(
                [sys.executable, "-c", STREAMER, str(self.control)],
                env=environment(self.server.home, self.server.agent),
                stdin=subprocess.DEVNULL,
            )
            try:
                await asyncio.sleep(KILL_EVERY)
            finally:
                script.kill()
                script.wait()
                self.killed += 1

    async def _sample(self, started: float) -> None:
        server = psutil.Process(self.server.pid)
        while True:
            tasks = await asyncio.to_thread(census, self.server, quick=True)
            at = time.monotonic() - started
            here = _look(server, at, sum(tasks.tasks.values()))
            self.samples.append((here, _look(self._steady_process, at)))
            agent = self.server.agent
            self.sizes.append((_size(agent / "journals"), _size(agent / "spools")))
            await asyncio.sleep(EVERY)

    def _at_rest(self, before: Rest | None) -> Rest:
        """Wait until no task runs, two kernels are the only connections, and no spool has events left."""
        since = time.time()
        until(lambda: all(kernel.told.get("at", 0) > since for kernel in (self.steady, self.restarted)), 60)
        until(lambda: not self._open_tasks(), 60)
        producers = {kernel.told["producer"] for kernel in (self.steady, self.restarted)}
        self.ledger_of |= {k.told["producer"]: k.told["last"] for k in (self.steady, self.restarted)}
        until(lambda: {path.name for path in (self.server.agent / "spools").iterdir()} == producers, 30)
        return self._settled(before)

    def _open_tasks(self) -> list[Any]:
        states = ("queued", "running")
        return [task for s in states for task in self.server.ask(f"tasks?state={s}&limit=5").json["tasks"]]

    def _settled(self, before: Rest | None, timeout: float = 45) -> Rest:
        """Return the counts once they equal *before*, or after *timeout* seconds."""
        deadline = time.monotonic() + timeout
        while True:
            now = Rest(census(self.server), self.steady.told)
            gone = now.server.objects.get(SOCKET, 0) <= 2
            if (gone and not now.above(before or now)) or time.monotonic() > deadline:
                return now
            time.sleep(1)


def _look(process: psutil.Process, at: float, tasks: int = 0) -> Sample:
    with process.oneshot():
        return Sample(at, process.memory_info().rss, process.num_fds(), process.num_threads(), tasks)


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            total += path.stat().st_size
    return total
