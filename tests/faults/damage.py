"""Bytes of spools and journals that a disk changed, at places drawn from seeds."""

from __future__ import annotations

import asyncio
import json
import struct
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any

import msgspec

from jupyter_agent.core.events import Event, Log, decode_data
from jupyter_agent.producer.segment import MAGIC, OVERHEAD
from jupyter_agent.system.ids import new_id
from jupyter_agent.transport.discovery import remote_address
from tests.faults.readers import Reader
from tests.faults.tally import Say, Tally, attempt
from tests.faults.work import WITHIN, story_of
from tests.support.builders import until
from tests.support.kernels import script
from tests.support.servers import Server, Servers, environment, loud

BATCH = 20
"""Damaged spools that one start of a server recovers."""

_HEADER = struct.Struct("<IIQ")
_events = msgspec.json.Decoder(list[Event])

SPOOLERS = """
import json, os, signal, sys
from jupyter_agent.core.events import About, Log, State, TaskState
from jupyter_agent.producer.producer import Producer
for order in json.load(sys.stdin):
    producer, task = Producer(), order["task"]
    producer.emit(task, 1, "state", State(TaskState.QUEUED, about=About("spooled")))
    producer.emit(task, 1, "state", State(TaskState.RUNNING))
    for number in range(order["lines"]):
        producer.emit(task, 1, "log", Log("stdout", f"line {number} " + "x" * (number % order["width"])))
    spool = producer.spool
    print(json.dumps({"task": task, "folder": str(spool.folder), "last": spool.last}), flush=True)
print("done", flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
"""Many producers of one process that is killed with everything in their spools."""


@dataclass(frozen=True)
class Spooled:
    """A dead producer's spool and what it holds: the numbers 1 to *last*."""

    task: str
    folder: Path
    last: int

    def records(self, path: Path) -> dict[int, tuple[int, int]]:
        """Where each record of a segment lies: its first byte and the one behind it."""
        content, position, found = path.read_bytes(), len(MAGIC), {}
        while position + OVERHEAD <= len(content):
            length, _, n = _HEADER.unpack_from(content, position)
            if not length:
                break
            found[n] = (position, position + OVERHEAD + length)
            position += OVERHEAD + length
        return found


def spooled(server: Server, orders: list[dict[str, Any]]) -> list[Spooled]:
    """Spools of producers that were killed; no server runs."""
    done = subprocess.run(
        [sys.executable, "-c", SPOOLERS],
        input=json.dumps(orders),
        env=environment(server.home, server.agent),
        capture_output=True,
        text=True,
        check=False,
    )
    rows = [json.loads(line) for line in done.stdout.splitlines()[:-1]]
    assert len(rows) == len(orders), done.stderr
    return [Spooled(row["task"], Path(row["folder"]), row["last"]) for row in rows]


Span = tuple[int, int]


def flip(content: bytearray, at: int, chance: Random) -> Span:
    """One bit is another one."""
    content[at] ^= 1 << chance.randrange(8)
    return at, at + 1


def zeros(content: bytearray, at: int, chance: Random) -> Span:
    """A stretch is zero."""
    end = min(at + chance.choice((1, 16, 512, 4096)), len(content))
    content[at:end] = bytes(end - at)
    return at, end


def garbage(content: bytearray, at: int, chance: Random) -> Span:
    """A stretch is anything."""
    end = min(at + chance.choice((4, 64, 512, 4096)), len(content))
    content[at:end] = chance.randbytes(end - at)
    return at, end


def cut(content: bytearray, at: int, chance: Random) -> Span:
    """Nothing is left from here on."""
    end = len(content)
    del content[at:]
    return at, end


HOW: tuple[Callable[[bytearray, int, Random], Span], ...] = (flip, flip, zeros, garbage, cut)


def damage(spool: Spooled, chance: Random) -> tuple[str, set[int]]:
    """Change some bytes of one segment; how, and the numbers of the records that were touched."""
    path = chance.choice(sorted(spool.folder.glob("*.seg")))
    records = spool.records(path)
    used = max(end for _, end in records.values())
    content = bytearray(path.read_bytes())
    how = chance.choice(HOW)
    places = [chance.randrange(used) for _ in range(1 if how is cut else chance.choice((1, 1, 3)))]
    spans = [how(content, place, chance) for place in places]
    path.write_bytes(content)
    touched = {n for n, (start, end) in records.items() if any(a < end and start < b for a, b in spans)}
    return how.__name__, touched


def files(factory: Servers, seeds: list[int], say: Say) -> Tally:
    """A damaged spool for each seed, many recovered by each start of a server."""
    tally = Tally("files")
    begun = monotonic()
    server = factory.start()
    for start in range(0, len(seeds), BATCH):
        group = seeds[start : start + BATCH]
        server.stop()
        _damaged_batch(server, group, say, tally)
        say(f"files: {tally.runs} damaged")
    tally.seconds = monotonic() - begun
    return tally


def _damaged_batch(server: Server, seeds: list[int], say: Say, tally: Tally) -> None:
    chances = [Random(seed) for seed in seeds]
    orders = [
        {"task": new_id(), "lines": c.choice((0, 3, 100, 3000)), "width": c.choice((1, 50, 3000))}
        for c in chances
    ]
    spools = spooled(server, orders)
    damages = [damage(spool, chance) for spool, chance in zip(spools, chances, strict=True)]
    read = len(server.log_text())
    server.restart()
    begun = monotonic()
    for seed, spool, (how, touched) in zip(seeds, spools, damages, strict=True):
        attempt(tally, seed, say, lambda: _told(server, spool, touched, tally))  # noqa: B023
        tally.saw(how)
        tally.seeds.append(seed)
    tally.recoveries.append(monotonic() - begun)

    def quiet() -> None:
        said = loud(server.log_text()[read:])
        assert not said, "the server's log has\n" + "\n".join(said[:20])

    attempt(tally, seeds[0], say, quiet, len(seeds))


def _told(server: Server, spool: Spooled, touched: set[int], tally: Tally) -> None:
    """What was not touched is there, as it was; what was is named, where something sound follows it."""
    until(lambda: not spool.folder.exists(), WITHIN)
    known = server.task(spool.task) is not None
    events = _events.decode(msgspec.json.encode(server.events(spool.task))) if known else []
    found = [event.n for event in events if event.producer == spool.folder.name and event.type != "lost"]
    named = {n for event in events if event.type == "lost" for n in _named(event)}
    assert found == sorted(set(found)), "doubled, or out of order"
    wanted = set(range(1, spool.last + 1)) - touched
    assert set(found) >= wanted, f"untouched, but not there: {sorted(wanted - set(found))[:5]}"
    for event in events:
        if event.producer == spool.folder.name and event.type == "log":
            data = decode_data(event)
            assert isinstance(data, Log)
            assert data.text.startswith(f"line {event.n - 3} "), f"{event.n} is not what was emitted"
    missing = set(range(1, spool.last + 1)) - set(found)
    at_the_end = {n for n in missing if n > max(found, default=0)}
    unnamed = missing - named - at_the_end
    assert not unnamed, f"gone and not named by any `lost`: {sorted(unnamed)[:5]} of {spool.last}"
    assert not named & set(found), f"there, and named as lost: {sorted(named & set(found))[:5]}"
    assert max(named, default=0) <= spool.last, f"named, but never emitted: {max(named)} of {spool.last}"
    tally.runs += 1
    tally.emitted += spool.last
    tally.delivered += len(found)
    tally.saw("events damaged and named by `lost`", len(missing & named))
    tally.saw("events gone from the very end of a spool, with nothing left of them", len(at_the_end - named))


def _named(event: Event) -> range:
    data = json.loads(bytes(event.data))
    return range(data["first"], data["last"] + 1)


JOURNAL = ("journal.sqlite", "journal.sqlite-wal")


def journals(factory: Servers, seeds: list[int], say: Say, folder: Path) -> Tally:
    """A damaged journal for each seed: the server starts, and what comes after is whole."""
    tally = Tally("journals")
    begun = monotonic()
    server = factory.start()
    for seed in seeds:
        attempt(tally, seed, say, lambda: _damaged_journal(server, seed, tally, folder))  # noqa: B023
        if server.process.poll() is not None:
            server.restart()
        say(f"journals: {tally.runs} damaged")
    tally.seconds = monotonic() - begun
    return tally


def _damaged_journal(server: Server, seed: int, tally: Tally, folder: Path) -> None:
    chance = Random(seed)
    with script(server, folder / f"before-{seed}", count=chance.choice((10, 300)), pause=0) as (
        process,
        before,
    ):
        assert process.wait(30) == 0
    until(lambda: (server.task(before.task) or {}).get("state") == "completed", WITHIN)
    cursor = server.ask("tasks?limit=1").json["cursor"]
    if chance.random() < 0.5:
        server.stop()  # then all of it is in the one file
    else:
        server.kill()
    slot = server.agent / "journals" / "default"
    path = chance.choice([p for name in JOURNAL if (p := slot / name).exists()])
    content = bytearray(path.read_bytes())
    if not content:
        return
    how = chance.choice(HOW)
    for _ in range(chance.choice((1, 5, 50))):
        if content:
            how(content, chance.randrange(len(content)), chance)
    path.write_bytes(content)
    read = len(server.log_text())
    asyncio.run(_goes_on(server, seed, tally, folder, cursor))
    text = server.log_text()[read:]
    assert "Traceback" not in text, text
    tally.saw(f"{how.__name__} in {path.name}")
    tally.saw("moved aside and reported", "moved aside" in text)


def _answers(server: Server, tally: Tally) -> None:
    """Who comes upon the damage first is told that it is temporary; the next one gets an answer."""
    first = server.ask("tasks")
    if first.status != 200:
        assert (first.status, first.json["code"]) == (503, "unavailable"), first.body
        tally.saw("requests that met damage")
    assert server.ask("tasks").status == 200


async def _goes_on(server: Server, seed: int, tally: Tally, folder: Path, cursor: str) -> None:
    """The next story is whole, also for a subscriber that was ahead of what is left of the journal."""
    await asyncio.to_thread(server.restart)
    with script(server, folder / f"after-{seed}", count=300, pause=0) as (process, after):
        assert await asyncio.to_thread(process.wait, 30) == 0
    lines, took = await asyncio.to_thread(story_of, server, after, "completed", tally)
    _answers(server, tally)
    reader = Reader(remote_address(server.url, server.token), "*", cursor)
    reading = asyncio.create_task(reader.run())
    try:
        await reader.until(lambda: bool(reader.restarts) or after.task in reader.ends, WITHIN)
    except TimeoutError:
        raise AssertionError(f"a subscriber at {cursor} never hears of what came after") from None
    finally:
        reading.cancel()
        await asyncio.wait([reading])
    if not reader.restarts:
        logs = [one for one in reader.facts[after.task] if one[2] == "log"]
        assert len(logs) == len(after.lines), (
            f"a subscriber at {cursor} got {len(logs)} of {len(after.lines)}"
        )
    tally.saw("subscribers that had to start over", min(reader.restarts, 1))
    tally.ran(seed, len(after.lines), lines, took)
