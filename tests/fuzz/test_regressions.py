"""Regressions: each find of the fuzzer as a test of its own."""

from __future__ import annotations

import io
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from jupyter_agent.cli.output import details, task_table
from jupyter_agent.cli.watch.model import Row
from jupyter_agent.cli.watch.render import model_view
from jupyter_agent.core.events import Command, Log, Result, encode_event
from jupyter_agent.core.snapshots import ProgressSnapshot
from jupyter_agent.core.task import Task
from jupyter_agent.errors import JournalError, ProtocolError, RequestRefused, ResultNotStored
from jupyter_agent.journal.base import Batch, BatchOrigin, HolderEvent
from jupyter_agent.journal.holder import Holder
from jupyter_agent.journal.memory import MemoryJournal
from jupyter_agent.journal.observed_time import ObservedTime
from jupyter_agent.journal.operations.recovery import recover_all
from jupyter_agent.journal.operations.retention import Retention, prune
from jupyter_agent.journal.operations.spool_recovery import read_live_spools
from jupyter_agent.journal.session import JournalSession
from jupyter_agent.journal.slots import Slot, try_slot
from jupyter_agent.journal.sqlite.journal import SQLiteJournal
from jupyter_agent.producer.forwarder import Forwarder
from jupyter_agent.producer.segment import START, Segment, read_segment
from jupyter_agent.producer.spool import Spool
from jupyter_agent.producer.spool_folder import header_for, read_spool
from jupyter_agent.protocol.producer import ProducerSide
from jupyter_agent.protocol.subscriber import SubscriberSide, Subscription
from jupyter_agent.rendering.formats import age, duration, moment, number
from jupyter_agent.runtime.artifacts.results import Store
from jupyter_agent.system.paths import DataPaths
from jupyter_agent.transport.discovery import Address, read_holder
from jupyter_agent.transport.problem import http_error, read_answer
from tests.support.builders import HOLDER, OTHER_TASK, PRODUCER, STRANGER, TASK, event

from .spools import framed


def test_a_heartbeat_for_a_subscription_with_5000_digits_is_passed_over() -> None:
    side = SubscriberSide("test/1", {1: Subscription(1, "*")})
    frame = b'{"type":"heartbeat","now":1,"cursors":{"%s":"a:1"}}' % (b"9" * 5000)
    assert side.receive(frame) == []


@pytest.mark.parametrize("frame", [b'{"type":"ack","upto":4}', b'{"type":"nack","expected":5}'])
def test_a_server_cannot_have_what_was_never_emitted(frame: bytes) -> None:
    side = ProducerSide(PRODUCER, "test/1", "host")
    side.connected()
    with pytest.raises(ProtocolError):
        side.receive(frame, 3)
    assert (side.acked, side.sent) == (0, 0)


@pytest.mark.asyncio
async def test_an_ack_of_more_than_was_emitted_frees_nothing(paths: DataPaths) -> None:
    class Tasks:
        def sample(self) -> bool:
            return False

        def command(self, order: object) -> None: ...

    spool = Spool.create(paths, header_for(PRODUCER, "default", 1.0))
    forwarder = Forwarder(spool, Tasks(), lambda: None)
    assert spool.append(TASK, 1, "log", Log("stdout", "x")) == 1
    with pytest.raises(ProtocolError):
        await forwarder._received(b'{"type":"ack","upto":9007199254740991}')
    assert forwarder.acked == 0
    spool.close()
    assert spool.folder.is_dir()


@pytest.mark.parametrize("kind", [b'{"done":%s,"total":%s}', b'{"name":"x","value":%s,"step":%s}'])
def test_a_number_that_no_float_holds_is_unknown_to_a_fold(kind: bytes) -> None:
    digits = b"1" + b"0" * 400
    one = event(2, "metric" if b"name" in kind else "progress", kind % (digits, digits), task=TASK)
    row = Row(Task(TASK), "default")
    row.apply(msgspec.structs.replace(one, offset=1))
    assert row.task.progress is None or row.task.progress.done is None
    assert all(point.value is None for point in row.task.metrics.values())
    assert row.rate() is None


def test_nothing_is_too_large_for_the_command_line_to_say() -> None:
    inf = float("inf")
    assert duration(inf) == duration(float("nan")) == age(inf) == age(-inf) == moment(1e300) == ""
    assert number(10**400) == number(inf) == "very many"
    task = Task(TASK, progress=ProgressSnapshot(1.7e308, 1e-300, None), started=-1.7e308, ended=1.7e308)
    row = Row(task, "default")
    console = Console(file=io.StringIO(), width=80)
    console.print(task_table([task], 1.0, 80), details(task, 1e300), model_view([row], 80, 1))


def _spool(paths: DataPaths, producer: str = PRODUCER) -> Path:
    """The spool of a process that is gone: one event."""
    folder = paths.spools / producer
    folder.mkdir(parents=True)
    (folder / "lock").touch()
    (folder / "spool.json").write_bytes(msgspec.json.encode(header_for(producer, "default", 1.0)))
    segment = Segment(folder / "1.seg", 1, 4096)
    for n in (1, 2, 3):
        segment.append(n, encode_event(event(n, producer=producer)))
    segment.close()
    return folder


def _taken_in(paths: DataPaths) -> MemoryJournal:
    journal = MemoryJournal(HOLDER, "epoch")
    session = JournalSession(journal, lambda _stored, _seconds: None)
    for name in ("default", "default-2"):
        (paths.journals / name).mkdir(parents=True, exist_ok=True)
    read_live_spools(session, paths, "default")
    recover_all(session, paths, "default")
    return journal


@pytest.mark.parametrize(
    "header",
    [
        b'{"producer":"\xff","journal":"default","host":"x","boot":"","pid":1,"created":1}',
        b'{"producer":"x","journal":"%s"}' % (b"x" * 5000),
        b"[" * 5000,
        b"",
    ],
)
def test_a_spool_whose_header_cannot_be_read_keeps_no_other_out(paths: DataPaths, header: bytes) -> None:
    (_spool(paths, STRANGER) / "spool.json").write_bytes(header)
    good = _spool(paths)
    assert _taken_in(paths).head >= 3
    assert not good.exists()
    assert (paths.spools / STRANGER).is_dir()


def test_a_spool_of_a_journal_with_an_impossible_name_is_the_default_ones(paths: DataPaths) -> None:
    header = msgspec.structs.replace(header_for(STRANGER, "x" * 5000, 1.0))
    (_spool(paths, STRANGER) / "spool.json").write_bytes(msgspec.json.encode(header))
    assert _taken_in(paths).producer(STRANGER) is not None


def test_a_spool_whose_header_names_another_producer_is_not_deleted(paths: DataPaths) -> None:
    folder = _spool(paths)
    (folder / "spool.json").write_bytes(msgspec.json.encode(header_for(STRANGER, "default", 1.0)))
    assert _taken_in(paths).head == 0
    assert len(list(folder.glob("*.seg"))) == 1


def test_a_spool_whose_lock_is_a_folder_keeps_no_other_out(paths: DataPaths) -> None:
    lock = _spool(paths, STRANGER) / "lock"
    lock.unlink()
    lock.mkdir()
    _spool(paths)
    assert _taken_in(paths).producer(PRODUCER) is not None


def test_records_that_damage_has_moved_and_doubled_are_read_by_number_each_once(paths: DataPaths) -> None:
    folder = _spool(paths)
    path = folder / "1.seg"
    records = [framed(n, body) for n, body in read_segment(path)]
    path.write_bytes(path.read_bytes()[:START] + b"".join(records[i] for i in (2, 0, 2, 1, 0)))
    _, read = read_spool(folder)
    assert [n for n, _ in read] == [1, 2, 3]


def _journal_with_a_task(paths: DataPaths) -> Slot:
    slot = try_slot(paths, "default")
    assert slot is not None
    journal = SQLiteJournal(slot.file, HOLDER, "epoch")
    journal.append(
        [
            Batch(PRODUCER, 1, [event(1)], BatchOrigin.SPOOLED),
            HolderEvent(TASK, 1, "command", Command("cancel")),
        ],
        1.0,
    )
    journal.close()
    return slot


_LOOKS: tuple[Callable[[JournalSession], object], ...] = (
    lambda session: session.journal.task(TASK),
    lambda session: session.journal.tasks(),
    lambda session: session.journal.pending(PRODUCER),
    lambda session: session.journal.owners(TASK, 1),
    lambda session: session.journal.producer(PRODUCER),
    lambda session: session.journal.read(0, 10),
)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE tasks SET snapshot = 'no json'",
        "UPDATE tasks SET snapshot = 7",
        "UPDATE tasks SET snapshot = CAST(x'ff' AS TEXT)",
        "UPDATE tasks SET snapshot = json_set(snapshot, '$.state', 'dancing')",
        "UPDATE commands SET body = '{'",
        "UPDATE attempts SET producers = x'ff'",
        "UPDATE producers SET last_n = 'many'",
        "UPDATE meta SET value = 'é' WHERE key = 'epoch'",
        "DELETE FROM meta WHERE key = 'epoch'",
        "INSERT INTO meta VALUES ('pruned', 'x')",
        "UPDATE sqlite_sequence SET seq = 'x'",
        "ALTER TABLE tasks RENAME COLUMN snapshot TO picture",
    ],
)
def test_a_row_that_cannot_be_read_is_damage_and_the_journal_is_moved_aside(
    paths: DataPaths, damage: str
) -> None:
    slot = _journal_with_a_task(paths)
    with closing(sqlite3.connect(slot.file, isolation_level=None)) as database:
        database.execute(damage)
    with Holder(slot) as holder:
        for job in _LOOKS:
            with suppress(JournalError):
                holder.call(job).result(20)
        assert (
            holder.append(Batch(STRANGER, 1, [event(1, producer=STRANGER, task=OTHER_TASK)])).result(20).upto
            == 1
        )
        assert holder.health.notices
        assert list(slot.folder.glob("*.corrupt-*"))


@pytest.mark.parametrize("name", ["reserved", "closed"])
def test_a_note_with_an_offset_that_no_journal_reaches_is_damaged(paths: DataPaths, name: str) -> None:
    slot = _journal_with_a_task(paths)
    number = b"1" + b"0" * 35
    note = {"reserved": number, "closed": b'{"head":%d,"changed":1}' % (2**63 - 1)}[name]
    slot.file.with_name(f"{slot.file.name}-{name}").write_bytes(note)
    with Holder(slot) as holder:
        assert holder.call(lambda session: session.journal.task(TASK)).result(20) is not None
        batch = Batch(STRANGER, 1, [event(1, producer=STRANGER, task=OTHER_TASK)])
        assert holder.append(batch).result(20).upto == 1


def test_half_a_character_in_the_holders_file_makes_it_unreadable(tmp_path: Path) -> None:
    (tmp_path / "holder.json").write_text(json.dumps({"\ud800": "a field with half a name"}))
    assert read_holder(tmp_path) is None


def test_retention_ends_when_what_it_forgets_stays(paths: DataPaths) -> None:
    class Stuck(MemoryJournal):
        def ended(self, after: int, upto: int, limit: int) -> list[tuple[int, str]]:
            return [(at, TASK) for at in (1, 2) if at > after]

        def size(self) -> int:
            return 1 << 40

    session = JournalSession(Stuck(HOLDER, "epoch"), lambda _stored, _seconds: None)
    assert set(prune(session, paths, Retention(), ObservedTime()).large) == {TASK}


@pytest.mark.parametrize(
    "content", [b"", b"no pickle", b"\x80\x05c__nowhere__\nthing\n.", b"\x80\x05\x8a\x04\xff\xff"]
)
def test_a_result_that_cannot_be_unpickled_is_said_in_a_sentence(paths: DataPaths, content: bytes) -> None:
    store = Store(paths)
    store.save_result(TASK, 1, [1])
    next(paths.results.glob("*")).write_bytes(content)
    with pytest.raises(ResultNotStored, match="cannot be unpickled"):
        store.load_result(TASK, 1, Result("[1]", stored=True))


@pytest.mark.parametrize("body", [b'{"detail":"\xff"}', b"[" * 5000, b"\xff"])
def test_an_answer_that_is_not_utf8_or_too_deep_is_refused_in_a_sentence(body: bytes) -> None:
    address = Address("http://127.0.0.1:1/")
    with pytest.raises(RequestRefused, match="not a jupyter_agent answer"):
        read_answer(body, dict, address.url)
    assert "502" in str(http_error(502, body, address.url, TASK))
