"""Servers that are killed while scripts, a kernel and subscribers are at work, and come back."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import ExitStack
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any

import msgspec

from jupyter_agent.core.events import Event
from jupyter_agent.transport.discovery import DEFAULT, find_address
from tests.faults.readers import Reader, fact
from tests.faults.tally import Say, Tally, again, compare
from tests.faults.work import WITHIN, begin, story_of, wait_lines
from tests.support.builders import until
from tests.support.kernels import Written, execute, script
from tests.support.servers import Server, Servers, loud_of_ours

GROUP = 10
"""Kills that one company of scripts and subscribers lives through."""

SCRIPTS = 3
_events = msgspec.json.Decoder(list[Event])


def restarts(factory: Servers, seeds: list[int], say: Say, folder: Path) -> Tally:
    """Kill a server for each seed; afterwards every reader has every event."""
    tally = Tally("servers")
    begun = monotonic()
    server = factory.start()
    for start in range(0, len(seeds), GROUP):
        group = seeds[start : start + GROUP]
        try:
            asyncio.run(_Group(server, group, tally, folder).run())
        except (AssertionError, TimeoutError) as error:
            what = str(error) or "the subscribers never had everything"
            tally.broken.append(
                f"servers {group[0]}: {what}\nagain: {again('servers', group[0], len(group))}"
            )
            say(tally.broken[-1])
            if server.process.poll() is not None:
                server.restart()
        say(f"servers: {tally.runs} killed")
    tally.seconds = monotonic() - begun
    return tally


class _Group:
    """Scripts that outlive their server, a kernel that does not, and two subscribers, for some kills."""

    def __init__(self, server: Server, seeds: list[int], tally: Tally, folder: Path) -> None:
        self._server = server
        self._seeds = seeds
        self._tally = tally
        self._folder = folder
        self._chance = Random(seeds[0])

    async def run(self) -> None:
        """Everything, in this order."""
        start = self._server.ask("tasks?limit=1").json["cursor"]
        readers = [self._reader(start), self._reader(start, leaves_after=200)]
        reading = [asyncio.create_task(reader.run()) for reader in readers]
        try:
            with ExitStack() as stack:
                stories = await asyncio.to_thread(self._begin, stack)
                for seed in self._seeds:
                    await self._kill(seed, stories, readers)
            await self._compare(stories, readers)
        finally:
            for one in reading:
                one.cancel()
            await asyncio.wait(reading)

    def _reader(self, start: str, **options: Any) -> Reader:
        paths = self._server.paths
        return Reader(lambda: find_address(paths, DEFAULT), "*", start, **options)

    def _begin(self, stack: ExitStack) -> list[Written]:
        folder, name = self._folder, self._seeds[0]
        stories = []
        for number in range(SCRIPTS):
            path = folder / f"script-{name}-{number}"
            stories.append(stack.enter_context(script(self._server, path, pause=0.004))[1])
        kernel = self._server.start_kernel()
        path = folder / f"kernel-of-{name}"
        execute(self._server, kernel, begin({path: "thread"}))
        stories.append(Written(path))
        for written in stories:
            wait_lines(written, 5)
        return stories

    async def _kill(self, seed: int, stories: list[Written], readers: list[Reader]) -> None:
        how = await asyncio.to_thread(self._kill_once, Random(seed), stories[0])
        up = monotonic()
        scripts = stories[:SCRIPTS]
        wanted = {written.task: len(written.lines) for written in scripts}
        for reader in readers:
            await reader.until(lambda: _has(reader, wanted), WITHIN)  # noqa: B023
        self._tally.saw(how)
        self._tally.ran(seed, 0, 0, monotonic() - up)

    def _kill_once(self, chance: Random, written: Written) -> str:
        wait_lines(written, chance.randrange(1, 150))
        server = self._server
        how = chance.choice(("SIGKILL", "SIGKILL", "SIGSTOP, then SIGKILL", "SIGTERM", "twice"))
        match how:
            case "SIGTERM":
                server.stop()
            case "SIGSTOP, then SIGKILL":
                os.kill(server.pid, signal.SIGSTOP)
                wait_lines(written, chance.randrange(1, 150))
                server.kill()
            case _:
                server.kill()
        if how == "twice":
            self._kill_newborn(chance)
        server.restart()
        return "SIGKILL, and again while it starts" if how == "twice" else how

    def _kill_newborn(self, chance: Random) -> None:
        """Anywhere between its birth and its first second as holder."""
        self._server.start(wait=False)
        if chance.random() < 0.7:
            until(lambda: self._server.slot is not None or self._server.process.poll() is not None, 30)
        deadline = monotonic() + chance.random() * 0.2
        until(lambda: monotonic() > deadline)
        self._server.kill()

    async def _compare(self, stories: list[Written], readers: list[Reader]) -> None:
        for written in stories:
            lines, _ = await asyncio.to_thread(story_of, self._server, written, "interrupted", self._tally)
            self._tally.emitted += len(written.lines)
            self._tally.delivered += lines
        tasks = {written.task for written in stories}
        for name, reader in zip(
            ("one subscriber", "a subscriber that left and came back"), readers, strict=True
        ):
            await reader.until(lambda: reader.ends >= tasks, WITHIN)  # noqa: B023
            assert not reader.restarts, f"{name} had to start over"
            for task in tasks:
                facts = [fact(event) for event in await asyncio.to_thread(self._journal, task)]
                wrong = compare(_lasting(facts), _lasting(reader.facts[task]), name)
                assert wrong is None, wrong
                self._tally.delivered += len(reader.facts[task])
        said = loud_of_ours(self._server.log_text())
        assert not said, "the server's log has\n" + "\n".join(said[:20])

    def _journal(self, task: str) -> list[Event]:
        return _events.decode(msgspec.json.encode(self._server.events(task)))


def _lasting(facts: list[Any]) -> list[Any]:
    """Without progress: of it only the newest is promised."""
    return [one for one in facts if one[2] != "progress"]


def _has(reader: Reader, wanted: dict[str, int]) -> bool:
    return all(len(reader.facts.get(task, ())) >= count for task, count in wanted.items())
