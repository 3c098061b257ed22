"""Real producers and real subscribers, each behind a line that cuts, stalls, tears and refuses.

A *lane* has a producer's process and two proxies, and lives through one schedule after the other; many
lanes share one server. Beside them one subscriber follows everything for the whole time.
"""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any
from zlib import crc32

import msgspec

from jupyter_agent.core.events import Event, encode_data
from jupyter_agent.system.ids import new_id
from jupyter_agent.transport.discovery import Address, remote_address
from tests.faults.emitter import TIMEOUT, story
from tests.faults.proxy import Proxy, proxy
from tests.faults.readers import Fact, Reader, fact, is_end
from tests.faults.schedules import Kind, Schedule, Step, draw
from tests.faults.tally import Broken, Say, Tally, broken, compare
from tests.support.servers import Server, environment, loud

PART = "network"
LANES = 8
COMMANDS = 3
"""Things said to each task while its lines are in trouble."""

EMITTER = Path(__file__).with_name("emitter.py")
_events = msgspec.json.Decoder(list[Event])


class Emitter:
    """A producer's process, told what to do line by line."""

    def __init__(self, process: Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, server: Server, url: str) -> Emitter:
        env = environment(server.home, server.agent)
        env |= {"JUPYTER_AGENT_URL": url, "JUPYTER_AGENT_TOKEN": server.token}
        return cls(
            await asyncio.create_subprocess_exec(
                sys.executable, str(EMITTER), stdin=PIPE, stdout=PIPE, stderr=PIPE, env=env
            )
        )

    async def ask(self, **order: Any) -> dict[str, Any]:
        """Have it do something and wait for its answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        async with asyncio.timeout(2 * TIMEOUT):
            line = await self._process.stdout.readline()
        assert line, "the producer's process is gone"
        answer: dict[str, Any] = json.loads(line)
        return answer

    async def stop(self) -> str:
        """End it; what it said on standard error."""
        assert self._process.stdin is not None
        assert self._process.stderr is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(10):
                said = await self._process.stderr.read()
        except TimeoutError:
            self._process.kill()
            said = b"it did not end by itself"
        await self._process.wait()
        return said.decode()


def expected(schedule: Schedule, producer: str) -> list[Fact]:
    """The events of a schedule's task that every reader must have; of progress only the newest."""
    facts = [
        (producer, n, kind, crc32(bytes(encode_data(data))))
        for n, (kind, data) in enumerate(story(schedule.seed, schedule.events), 1)
    ]
    return newest_progress(facts)


def newest_progress(facts: list[Fact]) -> list[Fact]:
    """Without `progress` that a newer one has superseded: only the newest is promised."""
    last = max((n for _, n, kind, _ in facts if kind == "progress"), default=0)
    return [one for one in facts if one[2] != "progress" or one[1] == last]


class Lane:
    """A producer behind one proxy, subscribers behind another."""

    def __init__(self, server: Server, emitter: Emitter, up: Proxy, down: Proxy) -> None:
        self._server = server
        self._emitter = emitter
        self._up, self._down = up, down

    async def live(self, schedule: Schedule, tally: Tally) -> str:
        """Go through *schedule*, heal, and compare; the task. Raises `Broken`."""
        task = new_id()
        start = str((await _ask(self._server, "tasks?limit=1"))["cursor"])
        readers = self._readers(schedule, task, start)
        reading = [asyncio.create_task(reader.run()) for reader in readers]
        try:
            wanted, recovery = await self._trouble(schedule, task, reading)
        except TimeoutError:
            state = ", ".join(f"reader {i} has {r.applied}" for i, r in enumerate(readers))
            broken(PART, schedule.seed, f"not everything arrived within {TIMEOUT} s ({state})")
        finally:
            for one in reading:
                one.cancel()
            await asyncio.wait(reading)
        delivered, commands = await self._compare(schedule, task, wanted, readers)
        tally.saw("command", commands)
        tally.ran(schedule.seed, len(wanted), delivered, recovery)
        for step in schedule.producer + schedule.subscribers:
            tally.saw(step.kind)
        return task

    def _readers(self, schedule: Schedule, task: str, start: str) -> list[Reader]:
        address = remote_address(self._down.url, self._server.token)

        def enough(event: Event) -> bool:
            return event.task == task and is_end(event)

        leaves = schedule.events // 2 if schedule.changes_reader else None
        by_name = Reader(address, [task], start, enough=enough, leaves_after=leaves)
        return [by_name, Reader(address, "*", start, enough=enough)]

    async def _trouble(
        self, schedule: Schedule, task: str, reading: list[asyncio.Task[None]]
    ) -> tuple[list[Fact], float]:
        order = {"task": task, "seed": schedule.seed, "events": schedule.events, "seconds": schedule.seconds}
        emitting = asyncio.create_task(self._emitter.ask(do="emit", **order))
        asking = asyncio.create_task(self._command(task, COMMANDS))
        await asyncio.gather(self._up.follow(schedule.producer), self._down.follow(schedule.subscribers))
        emitted = await emitting
        await asyncio.gather(self._up.heal(), self._down.heal())
        healed = monotonic()
        asked = await asking
        told = await self._emitter.ask(do="end", task=task, commands=len(asked))
        if not told["flushed"]:
            broken(PART, schedule.seed, f"the producer's events are not committed: {told}")
        if told["commands"] != asked:
            broken(PART, schedule.seed, f"of the commands {asked} the task got {told['commands']}")
        async with asyncio.timeout(TIMEOUT):
            await asyncio.gather(*reading)
        return expected(schedule, emitted["producer"]), monotonic() - healed

    async def _command(self, task: str, count: int) -> list[str]:
        """Say something to the task a few times, from when the server knows it; what was accepted."""
        path, said = f"tasks/{task}", []
        async with asyncio.timeout(TIMEOUT):
            while (await asyncio.to_thread(self._server.task, task) or {}).get("state") != "running":
                await asyncio.sleep(0.05)
        for number in range(count):
            body = {"command": "input", "args": {"text": str(number)}}
            ask = partial(self._server.ask, f"{path}/commands", method="POST", body=body)
            if (await asyncio.to_thread(ask)).status == 202:
                said.append(str(number))
        return said

    async def _compare(
        self, schedule: Schedule, task: str, wanted: list[Fact], readers: list[Reader]
    ) -> tuple[int, int]:
        stored = (await _ask(self._server, f"tasks/{task}/events?limit=10000"))["events"]
        journal = newest_progress([fact(event) for event in _events.decode(msgspec.json.encode(stored))])
        own = [one for one in journal if one[2] != "command"]
        found = {"the journal": (wanted, own)}
        for name, reader in zip(("by name", "of all tasks"), readers, strict=True):
            found[f"the subscriber {name}"] = (journal, newest_progress(reader.facts.get(task, [])))
            if reader.restarts:
                broken(PART, schedule.seed, f"the subscriber {name} had to start over")
        for where, (should, facts) in found.items():
            if (wrong := compare(should, facts, where)) is not None:
                broken(PART, schedule.seed, f"{wrong}\n{schedule}")
        return sum(len(facts) for _, facts in found.values()) - len(own), len(journal) - len(own)


async def _ask(server: Server, path: str) -> Any:
    return (await asyncio.to_thread(server.ask, path)).json


@asynccontextmanager
async def lane(server: Server, seed: int) -> AsyncIterator[Lane]:
    """A lane to *server*; fails when its producer said anything on standard error."""
    async with proxy(server.url, Random(seed)) as up, proxy(server.url, Random(~seed)) as down:
        emitter = await Emitter.start(server, up.url)
        said = ""
        try:
            yield Lane(server, emitter, up, down)
        finally:
            said = await emitter.stop()
        if said:
            broken(PART, seed, f"the producer's process said:\n{said}")


class Network:
    """All lanes of one server, and the subscriber that follows everything."""

    def __init__(self, server: Server, tally: Tally, say: Say) -> None:
        self._server = server
        self._tally = tally
        self._say = say
        self._log_read = 0
        self._tasks: list[str] = []

    async def run(self, seeds: list[int], lanes: int) -> None:
        """Live through the schedules of *seeds*; what breaks is in the tally."""
        faults: list[str] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: faults.append(str(context)))
        start = str((await _ask(self._server, "tasks?limit=1"))["cursor"])
        async with proxy(self._server.url, Random(seeds[0])) as line:
            follower = Reader(_address(line, self._server), "*", start)
            following = asyncio.create_task(follower.run())
            shaking = asyncio.create_task(_shake(line, Random(seeds[0])))
            work = iter(seeds)
            await asyncio.gather(*(self._lane(work) for _ in range(lanes)))
            shaking.cancel()
            await asyncio.wait([shaking])
            await line.heal()
            await self._compare(seeds, follower)
            following.cancel()
            await asyncio.wait([following])
        if faults:
            self._broke(seeds, f"an error that nobody retrieved: {faults[0]}")

    async def _lane(self, work: Iterator[int]) -> None:
        while True:
            seed = next(work, None)
            if seed is None:
                return
            try:
                async with lane(self._server, seed) as one:
                    await self._stay(one, seed, work)
            except Broken as error:
                self._tally.broken.append(str(error))
                self._say(str(error))

    async def _stay(self, one: Lane, seed: int | None, work: Iterator[int]) -> None:
        while seed is not None:
            self._tasks.append(await one.live(draw(seed), self._tally))
            self._read_log([seed])
            if self._tally.runs % 20 == 0:
                self._say(f"network: {self._tally.runs} schedules")
            seed = next(work, None)

    def _read_log(self, seeds: list[int]) -> None:
        text = self._server.log_text()
        new, self._log_read = text[self._log_read :], len(text)
        if said := loud(new):
            self._broke(seeds, "the server's log has\n" + "\n".join(said))

    async def _compare(self, seeds: list[int], follower: Reader) -> None:
        """The long-lived subscriber has each task of every lane, as the journal has it."""
        try:
            await follower.until(lambda: follower.ends.issuperset(self._tasks), TIMEOUT)
        except TimeoutError:
            self._broke(seeds, "the subscriber that follows everything never had everything")
            return
        if follower.restarts:
            self._broke(seeds, "the subscriber that follows everything had to start over")
        for task in self._tasks:
            stored = (await _ask(self._server, f"tasks/{task}/events?limit=10000"))["events"]
            facts = [fact(event) for event in _events.decode(msgspec.json.encode(stored))]
            wanted, found = newest_progress(facts), newest_progress(follower.facts[task])
            self._tally.delivered += len(found)
            if (wrong := compare(wanted, found, "the subscriber that follows everything")) is not None:
                self._broke(seeds, wrong)

    def _broke(self, seeds: list[int], what: str) -> None:
        try:
            broken(PART, seeds[0], what, len(seeds))
        except Broken as error:
            self._tally.broken.append(str(error))
            self._say(str(error))


def _address(line: Proxy, server: Server) -> Address:
    return remote_address(line.url, server.token)


async def _shake(line: Proxy, chance: Random) -> None:
    """A line that is in trouble every few seconds, until cancelled."""
    while True:
        await asyncio.sleep(chance.uniform(2, 8))
        kind: Kind = chance.choice(("rst", "fin", "torn", "stall"))
        await line.follow([Step(kind, chance.uniform(0.01, 0.3))])
        await line.heal()


def network(server: Server, seeds: list[int], say: Say = print, lanes: int = LANES) -> Tally:
    """Run the schedules of *seeds* against *server*."""
    tally = Tally(PART)
    begun = monotonic()
    asyncio.run(Network(server, tally, say).run(seeds, min(lanes, len(seeds))))
    tally.seconds = monotonic() - begun
    return tally
