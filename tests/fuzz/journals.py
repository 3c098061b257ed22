"""Target: damaged journal files are moved aside and reported, and the next event is stored."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from jupyter_agent.core.events import Command, Event, Log, Result, State, TaskState, encode_data
from jupyter_agent.core.ids import ulid
from jupyter_agent.core.query import TaskQuery
from jupyter_agent.errors import AgentError, ResultNotStored
from jupyter_agent.journal.base import Batch, BatchOrigin, HolderEvent
from jupyter_agent.journal.holder import Holder
from jupyter_agent.journal.observed_time import Look
from jupyter_agent.journal.operations.recovery import recover_all
from jupyter_agent.journal.operations.retention import Retention, observe, prune
from jupyter_agent.journal.session import JournalSession
from jupyter_agent.journal.slots import holder_of, try_slot
from jupyter_agent.journal.sqlite.journal import SQLiteJournal
from jupyter_agent.runtime.artifacts.checkpoints import Checkpoints
from jupyter_agent.runtime.artifacts.results import Store
from jupyter_agent.system.files import make_private
from jupyter_agent.system.paths import DataPaths
from jupyter_agent.transport.discovery import HolderFile, find_address, find_journal, read_holder

from .dice import Dice
from .grammar import PRODUCERS, TASKS, typed_event
from .harness import Feed, at_most, expect, quiet
from .mutate import damaged

HOLDER = ulid(1_700_000_400, b"fuzz-hold.")
NEWCOMER = ulid(1_700_000_500, b"fuzz-new..")
SAID = (
    "had a damaged index",
    "moved aside",
    "events cannot be stored",
    "is left where it is",
    "is passed over",
)
_PAGE = 4096


def _template(folder: Path, *, closed: bool) -> dict[str, bytes]:
    """The files of a journal with a little of everything in it; unless *closed*, with its log beside."""
    path = folder / "journal.sqlite"
    journal = SQLiteJournal(path, HOLDER, "epoch")
    dice = Dice(Random(1))
    for producer, task in zip(PRODUCERS, TASKS, strict=True):
        start = encode_data(State(TaskState.QUEUED))
        events = [Event(task, 1, producer, 1, 1.0, "state", start)]
        events += [typed_event(dice, n, task) for n in range(2, 40)]
        own = [msgspec.structs.replace(e, producer=producer, n=n) for n, e in enumerate(events, 1)]
        journal.append([Batch(producer, 1, own, BatchOrigin.SPOOLED)], 1.0)
        journal.append([HolderEvent(task, 1, "command", Command("input", {"text": "x"}, "me"))], 2.0)
    if closed:
        journal.close()
    files = {one.name: one.read_bytes() for one in folder.iterdir()}
    journal.close()
    for one in folder.iterdir():
        one.unlink()
    return files


@contextmanager
def databases(folder: Path) -> Iterator[Feed]:
    """A damaged database is opened by a holder, read all over, written, and taken in by another."""
    made = folder / "template"
    made.mkdir()
    templates = [_template(made, closed=True), _template(made, closed=False)]

    def feed(dice: Dice) -> None:
        paths = DataPaths(folder / "agent")
        shutil.rmtree(paths.root, ignore_errors=True)
        name = "default-2" if dice.chance(0.2) else "default"
        slot_folder = paths.journals / name
        make_private(slot_folder)
        for file, content in dice.pick(templates).items():
            (slot_folder / file).write_bytes(_broken(dice, file, content))
        _hold(paths, dice)

    with quiet(*SAID) as check:

        def checked(dice: Dice) -> None:
            feed(dice)
            check()

        yield checked


def _broken(dice: Dice, file: str, content: bytes) -> bytes:
    if dice.chance(0.3) and file != "journal.sqlite":
        return content
    kind = dice.upto(5)
    if kind == 0:
        page = dice.upto(len(content) // _PAGE)
        return dice.feed(content[: page * _PAGE])
    if kind == 1:
        start = _PAGE * dice.upto(len(content) // _PAGE)
        return dice.feed(content[:start] + bytes(_PAGE) + content[start + _PAGE :])
    if kind <= 4:  # in place: a disk changes bytes, it does not move them
        some = bytearray(content)
        for _ in range(1 + dice.upto(4)):
            some[dice.upto(len(some) - 1)] = dice.upto(255)
        return dice.feed(bytes(some))
    return dice.feed(damaged(dice, content, 2))


def _hold(paths: DataPaths, dice: Dice) -> None:
    slot = try_slot(paths, "default")
    assert slot is not None
    try:
        holder = Holder(slot)
    except AgentError:
        slot.release()
        raise
    try:
        for job in _JOBS:
            _run(holder, job, paths)
        _store(holder)
    finally:
        holder.close()


def _run(holder: Holder, job: Callable[[JournalSession, DataPaths], Any], paths: DataPaths) -> None:
    try:
        holder.call(lambda session: job(session, paths)).result(20)
    except AgentError:
        return  # one sentence; a handler answers 503 with it


def _store(holder: Holder) -> None:
    """At the latest the third try stores a new event: what was damaged is aside by then."""
    event = Event(NEWCOMER, 1, NEWCOMER, 1, 1.0, "log", encode_data(Log("stdout", "x")))
    for _ in range(3):
        try:
            answer = holder.append(Batch(NEWCOMER, 1, [event])).result(20)
            found = holder.call(lambda session: session.journal.task(NEWCOMER)).result(20)
        except AgentError:
            continue
        expect(answer.upto == 1 and found is not None and found.logs == 1, f"stored {found}")
        return
    expect(False, f"a new event cannot be stored: {holder.health.trouble} {holder.health.notices}")


def _read_all(session: JournalSession, _paths: DataPaths) -> None:
    after = 0
    for _ in range(1000):
        page = session.journal.read(after, 50)
        if not page:
            return
        expect(page[-1].offset > after, "reading goes round in a circle")
        after = page[-1].offset
    expect(False, "reading does not end")


def _write(session: JournalSession, _paths: DataPaths) -> None:
    for producer, task in zip(PRODUCERS, TASKS, strict=True):
        log = encode_data(Log("stdout", "more"))
        event = Event(task, 1, producer, 41, 1.0, "log", log)
        session.append(Batch(producer, 41, [event]), HolderEvent(task, 1, "command", Command("cancel")))


_JOBS: tuple[Callable[[JournalSession, DataPaths], Any], ...] = (
    lambda session, _paths: session.journal.tasks(TaskQuery(limit=100)),
    lambda session, _paths: session.journal.open_tasks(),
    lambda session, _paths: [session.journal.task(task) for task in TASKS],
    lambda session, _paths: session.journal.producers(),
    lambda session, _paths: [session.journal.producer(producer) for producer in PRODUCERS],
    lambda session, _paths: [session.journal.owners(task, 1) for task in TASKS],
    lambda session, _paths: [session.journal.pending(producer) for producer in PRODUCERS],
    lambda session, _paths: [session.journal.tail(task, 5, ["log", "state"]) for task in TASKS],
    lambda session, _paths: session.journal.read(0, 1000, tasks=TASKS[:2], types=["log"]),
    _read_all,
    lambda session, _paths: session.journal.recoverable(3, TASKS),
    lambda session, paths: recover_all(session, paths, "default"),
    _write,
    lambda session, paths: prune(
        session, paths, Retention(size=1), observe(session, Retention(), Look(3e8, "boot", 1.0))
    ),
    lambda session, _paths: session.journal.size(),
)


@contextmanager
def addresses(folder: Path) -> Iterator[Feed]:
    """``holder.json`` with anything in it: a holder's address, or none."""
    paths = DataPaths(folder / "agent")
    slot = paths.journals / "default"
    make_private(slot)
    sound = msgspec.json.encode(HolderFile("server", 1, "host", "http://127.0.0.1:1/", "key", None, 1.0))

    def feed(dice: Dice) -> None:
        (slot / "holder.json").write_bytes(dice.feed(damaged(dice, sound)))
        read_holder(slot)
        holder_of(paths, "default")
        find_journal(paths)
        address = find_address(paths, "default")
        expect(address is None or address.url, "an address of nowhere")

    yield feed


@contextmanager
def results(folder: Path) -> Iterator[Feed]:
    """A stored result or checkpoint with anything in it: some object, or a sentence."""
    store, checkpoints = Store(DataPaths(folder / "agent")), Checkpoints(DataPaths(folder / "agent"))
    value = {
        "loss": [0.1 * n for n in range(20)],
        "name": "train",
        "best": (1, 2.5, None, True),
        "raw": b"x" * 40,
    }
    store.save_result(TASKS[0], 1, value)
    checkpoints.save(TASKS[0], value)
    files = [next((folder / "agent" / kind).glob("*.pickle")) for kind in ("results", "checkpoints")]
    contents = [path.read_bytes() for path in files]
    kept = Result("{...}", stored=True)
    loads: tuple[Callable[[], object], ...] = (
        lambda: store.load_result(TASKS[0], 1, kept),
        lambda: checkpoints.load(TASKS[0]),
    )

    def feed(dice: Dice) -> None:
        for path, content in zip(files, contents, strict=True):
            path.write_bytes(dice.feed(damaged(dice, content)))
        with at_most(1 << 30):
            for load in loads:
                try:
                    load()
                except ResultNotStored as error:
                    expect(len(str(error)) < 2000, "the sentence is too long")

    yield feed
