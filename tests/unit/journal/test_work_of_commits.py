"""What a commit of log events does: as little as it can, and the same for many events as for one by one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import Raw
from msgspec.structs import replace

from jupyter_agent.core.events import About, Event, Log, State, TaskState, encode_data
from jupyter_agent.journal.base import Batch
from jupyter_agent.journal.memory import MemoryJournal
from jupyter_agent.journal.sqlite import connection
from jupyter_agent.journal.sqlite.connection import CHECKPOINT_PAGES, OverwrittenJournal
from jupyter_agent.journal.sqlite.journal import SQLiteJournal
from tests.support.builders import HOLDER, PRODUCER, event, story, task_id

LINE = Log("stdout", "one line\n")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SQLiteJournal]:
    """A journal with a running task, whose last event has the number 2."""
    with closing(SQLiteJournal(tmp_path / "journal.sqlite", HOLDER, "E")) as journal:
        journal.append([Batch(PRODUCER, 1, story(task=task_id(1), logs=0)[:2])], 1.0)
        yield journal


def put_line(journal: SQLiteJournal, n: int, data: Log = LINE) -> None:
    journal.append([Batch(PRODUCER, n, [event(n, "log", data, task=task_id(1))])], 1.0)


def test_a_commit_of_a_line_runs_no_statement_for_what_it_leaves_alone(journal: SQLiteJournal) -> None:
    put_line(journal, 3)
    statements: list[str] = []
    journal._db.set_trace_callback(statements.append)
    put_line(journal, 4)
    journal._db.set_trace_callback(None)
    assert [" ".join(one.split()[:3]) for one in statements] == [
        *("BEGIN IMMEDIATE", "INSERT INTO events", "UPDATE tasks SET", "INSERT OR REPLACE", "COMMIT")
    ]


def test_a_commit_of_a_line_reads_the_beginning_of_the_file_once(
    journal: SQLiteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_line(journal, 3)
    sizes: list[int] = []

    def pread(fd: int, size: int, offset: int) -> bytes:
        sizes.append(size)
        return os.pread(fd, size, offset)

    monkeypatch.setattr(connection, "pread", pread)
    put_line(journal, 4)
    assert [size > 4096 for size in sizes] == [False, True, False], "the log, the file, and the log after it"


def test_what_is_copied_over_the_file_while_a_commit_waits_is_noticed_by_the_next(
    journal: SQLiteJournal, tmp_path: Path
) -> None:
    backup = tmp_path / "backup"
    journal.copy_to(backup, lambda: None)
    put_line(journal, 3)

    def copy(statement: str) -> None:
        if statement == "COMMIT":
            shutil.copyfile(backup, tmp_path / "journal.sqlite")

    journal._db.set_trace_callback(copy)
    put_line(journal, 4)
    journal._db.set_trace_callback(None)
    assert journal.overwritten() is not None
    with pytest.raises(OverwrittenJournal):
        put_line(journal, 5)


def test_what_is_copied_over_the_file_before_a_transaction_fails_is_noticed(
    journal: SQLiteJournal, tmp_path: Path
) -> None:
    """SQLite may find what it reads then malformed, before the commit is checked."""
    backup = tmp_path / "backup"
    journal.copy_to(backup, lambda: None)
    put_line(journal, 3)
    shutil.copyfile(backup, tmp_path / "journal.sqlite")
    with pytest.raises(ZeroDivisionError), connection.immediate(journal._db):
        raise ZeroDivisionError
    assert journal.overwritten() is not None


def test_a_commit_that_copies_the_log_to_the_file_is_not_taken_for_another_program(
    journal: SQLiteJournal, tmp_path: Path
) -> None:
    log, large = tmp_path / "journal.sqlite-wal", Log("stdout", "x" * 100_000)
    sizes = set()
    for n in range(3, 200):
        put_line(journal, n, large)
        assert journal.overwritten() is None
        sizes.add(log.stat().st_size // (4096 + 24) // 100)
    assert sizes >= {CHECKPOINT_PAGES // 100 - 1, CHECKPOINT_PAGES // 100}, "it began anew, and was cut"
    assert (tmp_path / "journal.sqlite").stat().st_size > 10 << 20


TEXTS = st.sampled_from(["", "a", "a\n", "a\nb", "a\nb\n", "\n", "x" * 500, "é\n"])
LOGS = st.builds(
    Log,
    st.sampled_from(["stdout", "stderr", "logging"]),
    TEXTS,
    st.sampled_from([None, "warning", "Level 35"]),
    section=st.sampled_from([None, "cell"]),
)
STATES = st.sampled_from([State(TaskState.RUNNING), State(TaskState.QUEUED, about=About("x"))])
PAYLOADS = st.one_of(
    *[LOGS.map(lambda data: ("log", encode_data(data)))] * 8,
    STATES.map(lambda data: ("state", encode_data(data))),
    st.sampled_from([("log", Raw(b"[1]")), ("log", Raw(b'{"stream":"stdout"}')), ("new", Raw(b"{}"))]),
    st.just(("log", Raw(b'{"stream":"stdout","text":"a","more":' + b"[" * 300 + b"]" * 300 + b"}"))),
)
EVENTS = st.lists(
    st.tuples(
        PAYLOADS,
        st.sampled_from([*[1] * 6, 2]),  # task
        st.sampled_from([*[1] * 6, 2]),  # attempt
        st.sampled_from([*[{}] * 15, {"offset": 7}, {"flag": "bad_data"}, {"line": 9}]),
        st.sampled_from([*[0] * 20, 1]),  # numbers that are missing before it
        st.sampled_from([1.0, 2.0]),
    ),
    min_size=6,
    max_size=14,
)


PLAIN: tuple[object, ...] = (("log", encode_data(LINE)), 1, 1, {}, 0, 1.0)
OWN_FIELDS = (*PLAIN[:3], {"line": 9}, *PLAIN[4:])


@given(EVENTS, st.booleans())
@example([PLAIN, PLAIN, OWN_FIELDS, PLAIN], False)
@example([PLAIN, PLAIN, (("log", Raw(b"[1]")), *PLAIN[1:]), PLAIN], False)
def test_events_of_one_batch_become_what_they_become_one_by_one(events: list, forgotten: bool) -> None:  # type: ignore[type-arg]
    parts, n = [], 0
    for (kind, raw), task, attempt, fields, gap, when in events:
        n += 1 + gap
        plain = Event(task_id(task), attempt, PRODUCER, n, when, kind, raw)
        parts.append(replace(plain, **fields))
    together, apart = MemoryJournal(HOLDER, "E"), MemoryJournal(HOLDER, "E")
    if forgotten:
        other = event(1, "log", LINE, task=task_id(1), producer="Q" * 26)
        for each in (together, apart):
            each.append([Batch("Q" * 26, 1, [other])], 1.0)
            each.forget([task_id(1)])
    whole = together.append([Batch(PRODUCER, 1, parts)], 1.0)[0]
    ends = [apart.append([Batch(PRODUCER, 1, [one])], 1.0)[0] for one in parts if one.n <= whole.upto]
    assert together.read(0, 1000) == apart.read(0, 1000)
    assert together.tasks() == apart.tasks()
    assert together.producer(PRODUCER) == apart.producer(PRODUCER) or not ends
