"""How much is read of the spool of a living producer, without a server: everything once, however many ask."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from jupyter_agent.cli.backends import local
from jupyter_agent.cli.backends.journals import Journals
from jupyter_agent.cli.backends.local import LocalBackend
from jupyter_agent.cli.watch.logs import LogPrinter, print_logs
from jupyter_agent.core.query import EventQuery, TaskQuery
from jupyter_agent.journal.one_shot import journal as one_shot_journal
from jupyter_agent.journal.one_shot.journal import OneShotJournal
from jupyter_agent.producer import spool_folder
from jupyter_agent.producer.segment import read_segment
from jupyter_agent.producer.spool import Spool
from jupyter_agent.producer.spool_folder import create_spool_folder, header_for, spool_records
from jupyter_agent.protocol.subscriber import Apply
from jupyter_agent.system.ids import new_id
from jupyter_agent.system.paths import DataPaths
from tests.support.cli import Writer

SEGMENT = 1 << 14
LINES = 3000


class SmallSegments(Writer):
    """A living producer whose spool has many files."""

    def __init__(self, paths: DataPaths) -> None:  # it says lines only, from number 1 on
        self.task = new_id()
        header = header_for(new_id(), "default", 0.0)
        folder, lock = create_spool_folder(paths, header)
        self.spool = Spool(folder, lock, header.producer, header=header, size=SEGMENT)

    def say_lines(self, count: int) -> None:
        for number in range(count):
            self.say(f"line {number}\n")

    @property
    def size(self) -> int:
        return sum(path.stat().st_size for path in self.spool.folder.glob("*.seg"))


@pytest.fixture
def writer(paths: DataPaths) -> Iterator[SmallSegments]:
    writer = SmallSegments(paths)
    writer.say_lines(LINES)
    assert writer.size > 20 * SEGMENT
    yield writer
    writer.die()


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the segments that were read."""
    sizes: list[int] = []

    def counted(path: Path) -> list[tuple[int, bytes]]:
        sizes.append(path.stat().st_size)
        return read_segment(path)

    monkeypatch.setattr(spool_folder, "read_segment", counted)
    return sizes


def test_all_events_cost_one_look_at_the_spool(
    paths: DataPaths, writer: SmallSegments, read: list[int]
) -> None:
    journal = OneShotJournal(paths, "default")
    assert len(journal.all_events(writer.task, None)) == LINES
    assert sum(read) == writer.size


def test_pages_and_lists_read_only_what_is_new(
    paths: DataPaths, writer: SmallSegments, read: list[int]
) -> None:
    journal = OneShotJournal(paths, "default")
    after, more, pages = None, True, 0
    while more:
        page = journal.events(writer.task, EventQuery(after=after, limit=100))
        after, more, pages = page.cursor, page.more, pages + 1
    for _ in range(10):
        journal.tasks(TaskQuery())
        journal.task(writer.task)
    assert pages == LINES / 100
    assert sum(read) <= writer.size + (pages + 20) * SEGMENT


def test_logs_on_the_command_line_open_the_journal_seldom(
    paths: DataPaths,
    writer: SmallSegments,
    read: list[int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(one_shot_journal, "MAX_EVENTS", LINES)
    printer = LogPrinter(as_json=False, every=False)
    asyncio.run(print_logs(Journals(paths), writer.task, printer, follow=False))
    assert capsys.readouterr().out == "".join(f"line {number}\n" for number in range(LINES))
    assert sum(read) <= writer.size + 2 * SEGMENT


def test_following_reads_what_was_added_since(
    paths: DataPaths, writer: SmallSegments, read: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `tasks watch`, `tasks logs --follow` and `wait` on a task of another process do."""
    monkeypatch.setattr(local, "POLL_INTERVAL", 0.0)
    rounds, each = 20, 50

    async def follow() -> list[int]:
        seen: list[int] = []
        left = rounds
        async with aclosing(
            LocalBackend(paths, "default").follow([writer.task], after=None, tail=1)
        ) as items:
            async for item in items:
                if isinstance(item, Apply):
                    seen += [event.n for event in item.events]
                if left:
                    left -= 1
                    writer.say_lines(each)
                elif seen[-1] == writer.spool.last:
                    return seen
        return seen

    seen = asyncio.run(asyncio.wait_for(follow(), 60))
    assert seen == list(range(LINES, LINES + rounds * each + 1))
    assert sum(read) <= writer.size + 2 * (rounds + 1) * SEGMENT


def test_a_hole_behind_what_is_known_is_waited_for(
    paths: DataPaths, writer: SmallSegments, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its writer may just be filling it: what follows a hole is not stored before it."""
    journal = OneShotJournal(paths, "default")
    assert len(journal.all_events(writer.task, None)) == LINES
    hidden = [LINES + 1, LINES + 2]
    writer.say_lines(2000)

    def holed(path: Path) -> list[tuple[int, bytes]]:
        return [record for record in read_segment(path) if record[0] not in hidden]

    with monkeypatch.context() as patch:
        patch.setattr(spool_folder, "read_segment", holed)
        assert len(journal.all_events(writer.task, None)) == LINES
    events = journal.all_events(writer.task, None)
    assert [event.n for event in events] == list(range(1, LINES + 2001))
    assert {event.type for event in events} == {"log"}


def test_records_from_a_number_on_are_those_of_all_files(writer: SmallSegments) -> None:
    folder = writer.spool.folder
    everything = list(spool_records(folder))
    for known in (1, 2, 500, 501, LINES - 1, LINES, LINES + 7):
        assert list(spool_records(folder, known)) == [one for one in everything if one[0] >= known]


def test_old_files_that_an_interrupted_compaction_left_hide_nothing(
    paths: DataPaths, writer: SmallSegments
) -> None:
    """The file of the smallest name has the numbers of those that it replaces, some of which are left."""
    folder = writer.spool.folder
    first, second, third, *_ = sorted(folder.glob("*.seg"))
    merged = read_segment(first) + read_segment(second) + read_segment(third)
    new = Spool(folder, None, writer.spool.producer, size=1 << 20)._segments.newest
    for n, body in merged:
        assert new.append(n, body)
    first.write_bytes(new._map[: new.size])
    third.unlink()
    known = merged[-1][0] - 1
    assert [n for n, _ in spool_records(folder, known)] == list(range(known, LINES + 1))


def test_what_a_server_has_freed_is_not_missed(paths: DataPaths, writer: SmallSegments) -> None:
    """The first record is far behind what this journal knows: it says so, and goes on from there."""
    writer.spool.free(1000)
    first = next(spool_records(writer.spool.folder))[0]
    events = OneShotJournal(paths, "default").all_events(writer.task, None)
    assert [event.n for event in events if event.type == "log"] == list(range(first, LINES + 1))
    assert [event.type for event in events].count("lost") == 1
