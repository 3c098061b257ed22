"""Target: damaged spool files: sound events are recovered in order, and the rest is named as lost."""

from __future__ import annotations

import json
import shutil
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from jupyter_agent.core.events import Event, Log, State, TaskState, decode_event, encode_data, encode_event
from jupyter_agent.core.ids import ulid
from jupyter_agent.journal.memory import MemoryJournal
from jupyter_agent.journal.operations.recovery import recover_all
from jupyter_agent.journal.operations.spool_recovery import read_live_spools
from jupyter_agent.journal.session import JournalSession
from jupyter_agent.producer.segment import MAGIC, START, Record, Segment, read_segment
from jupyter_agent.producer.spool_folder import header_for
from jupyter_agent.system.paths import DataPaths

from .dice import Dice
from .grammar import PRODUCERS, TEXTS, encoded, event, typed_event
from .harness import Feed, expect, quiet
from .mutate import damaged

WELL = ulid(1_700_000_300, b"fuzz-well.")
_HEADER = struct.Struct("<IIQ")


def _checksum(n: int, body: bytes) -> int:
    return zlib.crc32(body, (n ^ n >> 32) & 0xFFFFFFFF)


def framed(n: int, body: bytes) -> bytes:
    """A record as it lies in a segment."""
    return _HEADER.pack(len(body), _checksum(n, body), n) + body


def _body(dice: Dice, n: int, producer: str = PRODUCERS[0], task: str = "") -> bytes:
    if n == 1:
        data = encode_data(State(TaskState.QUEUED))
        return encode_event(Event(task or ulid(1, producer.encode()), 1, producer, n, 1.0, "state", data))
    if dice.chance(0.5):
        made = typed_event(dice, n, task or ulid(1, producer.encode()))
        if made.type != "lost":
            return encode_event(msgspec.structs.replace(made, producer=producer, attempt=1))
    data = encode_data(Log("stdout", dice.pick(TEXTS)))
    return encode_event(Event(task or ulid(1, producer.encode()), 1, producer, n, 1.0, "log", data))


def _segment(path: Path, records: list[Record], slack: int) -> None:
    size = START + sum(len(body) + _HEADER.size for _, body in records) + slack
    segment = Segment(path, records[0][0], size)
    for n, body in records:
        assert segment.append(n, body)
    segment.close()


@contextmanager
def segments(folder: Path) -> Iterator[Feed]:
    """One damaged segment file: exactly the records whose bytes are still all there are read."""
    path = folder / "one.seg"

    def feed(dice: Dice) -> None:
        records = [(n, _body(dice, n)) for n in range(1, 2 + dice.upto(9))]
        _segment(path, records, dice.upto(300))
        content = path.read_bytes()
        after = damaged(dice, content[START:])
        path.write_bytes(dice.feed((damaged(dice, MAGIC, 1) + bytes(START))[:START] + after))
        read = read_segment(path)
        sound = [record for record in records if framed(*record) in after]
        expect(set(read) == set(sound), f"of the sound {_numbers(sound)} {_numbers(read)} were read")
        expect(len(read) >= len(sound), "a record is missing")

    with quiet() as check:

        def checked(dice: Dice) -> None:
            feed(dice)
            check()

        yield checked


def _numbers(records: list[Record]) -> list[int]:
    return [n for n, _ in records]


@contextmanager
def spools(folder: Path) -> Iterator[Feed]:
    """A damaged spool beside a sound one, both of dead processes, taken into an empty journal."""

    def feed(dice: Dice) -> None:
        paths = DataPaths(folder / "agent")
        shutil.rmtree(paths.root, ignore_errors=True)
        (paths.journals / "default").mkdir(parents=True)
        good = _spool(dice, paths, WELL)
        bad = _spool(dice, paths, PRODUCERS[0])
        swapped = _damage(dice, paths.spools / PRODUCERS[0])
        sound = [] if swapped else _still_there(paths.spools / PRODUCERS[0], bad)
        journal = MemoryJournal(ulid(2, b"holder...."), "epoch")
        session = JournalSession(journal, lambda _stored, _seconds: None)
        if dice.chance(0.2):
            read_live_spools(session, paths, "default")
        for _ in range(2):
            recover_all(session, paths, "default")
        _check(journal, paths, good, sound)

    with quiet("cannot be read and is passed over") as check:

        def checked(dice: Dice) -> None:
            feed(dice)
            check()

        yield checked


def _spool(dice: Dice, paths: DataPaths, producer: str) -> list[Record]:
    folder = paths.spools / producer
    folder.mkdir(parents=True)
    (folder / "lock").touch()
    (folder / "spool.json").write_bytes(msgspec.json.encode(header_for(producer, "default", 1.0)))
    first, records = 1, list[Record]()
    for _ in range(1 + dice.upto(2)):
        part = [(n, _body(dice, n, producer)) for n in range(first, first + 1 + dice.upto(4))]
        _segment(folder / f"{first:020d}.seg", part, dice.upto(100))
        records += part
        first = part[-1][0] + 1
    return records


def _damage(dice: Dice, folder: Path) -> bool:
    """Break something; whether sound records now stand in places that are not theirs."""
    files = sorted(folder.glob("*.seg"))
    victim = dice.pick(files)
    kind = dice.upto(11)
    if kind <= 5:
        victim.write_bytes(dice.feed(MAGIC + damaged(dice, victim.read_bytes()[START:], 6)))
    elif kind == 6:
        header = folder / "spool.json"
        header.write_bytes(dice.feed(damaged(dice, header.read_bytes(), 2)))
    elif kind == 7:
        header = folder / "spool.json"
        value = json.loads(header.read_bytes()) | {
            dice.pick(("journal", "producer", "boot")): dice.pick(TEXTS)
        }
        header.write_bytes(dice.feed(encoded(value)))
    elif kind == 8:
        victim.unlink()
        victim.mkdir()
    elif kind == 9:
        (folder / "lock").unlink()
        if dice.chance(0.5):
            (folder / "lock").mkdir()
    elif kind == 10:
        forged = dice.feed(_forged(dice))
        victim.write_bytes(victim.read_bytes().rstrip(b"\0") + forged)
        return True
    else:
        contents = [path.read_bytes() for path in files]
        for path, content in zip(files, reversed(contents), strict=True):
            path.write_bytes(content)
        (folder / "00000000000000000000.seg").write_bytes(dice.pick(contents))
        return True
    return kind == 7


def _forged(dice: Dice) -> bytes:
    """Records that are sound to look at, and whose inside no producer of ours writes."""
    some = b""
    for _ in range(1 + dice.upto(3)):
        body = dice.pick((encoded(event(dice)), damaged(dice, encoded(event(dice))), b"{}", b"null"))
        some += framed(dice.pick((0, 1, 2, 9, 1 << 53, 1 << 60, (1 << 64) - 1)), body)
    return some


def _still_there(folder: Path, records: list[Record]) -> list[Record]:
    contents = [path.read_bytes()[START:] for path in folder.glob("*.seg") if path.is_file()]
    return [record for record in records if any(framed(*record) in content for content in contents)]


def _check(journal: MemoryJournal, paths: DataPaths, good: list[Record], sound: list[Record]) -> None:
    expect(_stored(journal, WELL) == _numbers(good), "a damaged spool keeps a sound one out")
    expect(not (paths.spools / WELL).exists(), "a spool that was recovered is still there")
    if (paths.spools / PRODUCERS[0]).exists():
        return
    stored = _stored(journal, PRODUCERS[0])
    expect(stored == sorted(set(stored)), f"stored out of order or twice: {stored}")
    missing = set(_numbers(sound)) - set(stored)
    expect(not missing, f"{sorted(missing)} were sound and are not in the journal")
    named = _lost(journal)
    for n in range(1, min(max(stored, default=0), 1000)):
        expect(
            n in stored or any(first <= n <= last for first, last in named), f"{n} is neither there nor named"
        )


def _stored(journal: MemoryJournal, producer: str) -> list[int]:
    events = [decode_event(stored.encoded) for stored in journal.read(0, 1 << 30, size=1 << 40)]
    return [one.n for one in events if one.producer == producer]


def _lost(journal: MemoryJournal) -> list[tuple[int, int]]:
    events = [
        decode_event(stored.encoded) for stored in journal.read(0, 1 << 30, types=["lost"], size=1 << 40)
    ]
    found = [msgspec.json.decode(one.data) for one in events]
    return [(data["first"], data["last"]) for data in found if isinstance(data, dict) and "last" in data]
