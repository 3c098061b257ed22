from __future__ import annotations

import ctypes
import errno
import gc
import itertools
import json
import os
import random
import stat
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from jupyter_agent.core.events import Log, Lost, Message, Metric, State, TaskState, decode_data, decode_event
from jupyter_agent.errors import SpoolError
from jupyter_agent.producer import spool_folder as folder_module
from jupyter_agent.producer.producer import Producer, adopt_spool
from jupyter_agent.producer.segment import Record, Segment, read_segment
from jupyter_agent.producer.spool import Spool
from jupyter_agent.producer.spool_folder import header_for, read_spool
from jupyter_agent.system.locks import FileLock, is_locked
from jupyter_agent.system.paths import DataPaths
from tests.support.builders import OTHER_TASK, PACKAGE_ROOT, TASK, python

SMALL = 8192
MakeSpool = Callable[..., Spool]


class Disk:
    """Creates segments as long as there is room for so many files, and raises ``error`` after that."""

    def __init__(self, files: int) -> None:
        self.files = files
        self.error = errno.ENOSPC
        self.made: list[Segment] = []

    def used(self) -> int:
        return len({segment.path for segment in self.made if segment.path.exists()})

    def new_segment(self, path: Path, first: int, size: int) -> Segment:
        if self.used() >= self.files:
            raise OSError(self.error, os.strerror(self.error))
        self.made.append(Segment(path, first, size))
        return self.made[-1]


@pytest.fixture
def make(paths: DataPaths, new_id: Callable[[], str]) -> Iterator[MakeSpool]:
    """Makes spools of small segments: room for *cap* of them, on *disk* when one is given."""
    spools: list[Spool] = []

    def make(*, cap: int = 1000, disk: Disk | None = None) -> Spool:
        producer = new_id()
        folder = paths.spools / producer
        folder.mkdir(parents=True)
        (folder / "spool.json").write_bytes(msgspec.json.encode(header_for(producer, "default", 0.0)))
        lock = FileLock.acquire(folder / "lock")
        assert lock is not None
        new_segment = disk.new_segment if disk else Segment
        spool = Spool(folder, lock, producer, cap=cap * SMALL, size=SMALL, new_segment=new_segment)
        spools.append(spool)
        return spool

    yield make
    for spool in spools:
        spool.close()


def log(spool: Spool, text: str = "x" * 100, task: str = TASK) -> int:
    return spool.append(task, 1, "log", Log("stdout", text))


def end(spool: Spool) -> int:
    return spool.append(TASK, 1, "state", State(TaskState.COMPLETED))


def lost_in(body: bytes) -> Lost:
    data = decode_data(decode_event(body))
    assert isinstance(data, Lost)
    return data


def text_of(body: bytes) -> str:
    data = decode_data(decode_event(body))
    assert isinstance(data, Log | Message)
    return data.text


def account(records: list[Record], upto: int, *, freed: int = 0) -> tuple[set[int], set[int]]:
    """Kept and dropped numbers; every number from *freed* on is exactly one of them."""
    kept: set[int] = set()
    dropped: set[int] = set()
    for n, body in records:
        event = decode_event(body)
        assert event.n == n
        data = decode_data(event)
        if isinstance(data, Lost):
            assert data.first <= n <= data.last
            dropped |= set(range(data.first, data.last + 1))
        else:
            assert n not in kept, "nothing twice"
            kept.add(n)
    assert not kept & dropped, "what is named as lost is not there"
    assert kept | dropped == set(range(freed + 1, upto + 1)), "what is not there is named"
    return kept, dropped


class TestAppending:
    def test_numbers_start_at_one_and_have_no_holes(self, make: MakeSpool) -> None:
        spool = make()
        assert [log(spool) for _ in range(500)] == list(range(1, 501))
        assert spool.last == 500
        assert spool.base == 1
        account(read_spool(spool.folder)[1], 500)

    def test_an_event_is_in_the_file_when_append_returns(self, make: MakeSpool) -> None:
        spool = make()
        for n in range(1, 300):
            log(spool, f"line {n}")
            if n % 37 == 0:
                _, records = read_spool(spool.folder)
                assert len(records) == n
        event = decode_event(read_spool(spool.folder)[1][0][1])
        assert (event.task, event.attempt, event.producer, event.type) == (TASK, 1, spool.producer, "log")
        assert decode_data(event) == Log("stdout", "line 1")

    def test_an_event_that_is_too_large_raises_and_uses_no_number(self, make: MakeSpool) -> None:
        spool = make()
        with pytest.raises(ValueError, match="is over the limit of 1,048,576; store it in a file"):
            log(spool, "x" * (1 << 20))
        assert log(spool) == 1

    def test_an_event_that_cannot_be_encoded_uses_no_number(self, make: MakeSpool) -> None:
        spool = make()
        with pytest.raises(UnicodeEncodeError):
            log(spool, "\ud800")
        assert log(spool) == 1

    def test_the_largest_event_fits_a_real_segment(self, paths: DataPaths, new_id: Callable[[], str]) -> None:
        spool = Spool.create(paths, header_for(new_id(), "default", 0.0))
        for n in range(1, 4):
            assert log(spool, "x" * ((1 << 20) - 300)) == n
        account(spool.records(), 3)
        spool.close()

    def test_threads_share_the_numbers(self, make: MakeSpool) -> None:
        spool = make()
        numbers: list[int] = []

        def write() -> None:
            mine = [log(spool) for _ in range(400)]
            assert mine == sorted(mine)
            numbers.extend(mine)

        threads = [threading.Thread(target=write) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(numbers) == list(range(1, 1601))
        account(read_spool(spool.folder)[1], 1600)

    def test_after_the_close_nothing_is_kept_and_nothing_fails(self, make: MakeSpool) -> None:
        spool = make()
        log(spool)
        spool.close()
        assert log(spool) == 0
        spool.close()


class TestCreating:
    def test_it_is_private_and_locked_while_its_producer_lives(
        self, paths: DataPaths, new_id: Callable[[], str]
    ) -> None:
        spool = Spool.create(paths, header_for(new_id(), "default-2", 7.0))
        header, _ = read_spool(spool.folder)
        assert (header.producer, header.journal, header.created) == (spool.producer, "default-2", 7.0)
        assert header.pid == os.getpid()
        assert stat.S_IMODE(spool.folder.stat().st_mode) == 0o700
        assert is_locked(spool.folder / "lock")
        log(spool)
        spool.close()
        assert not is_locked(spool.folder / "lock")
        assert [path.name for path in paths.spools.iterdir()] == [spool.producer]

    def test_its_folder_goes_when_everything_was_committed(
        self, paths: DataPaths, new_id: Callable[[], str]
    ) -> None:
        spool = Spool.create(paths, header_for(new_id(), "default", 0.0))
        spool.free(log(spool))
        spool.close()
        assert list(paths.spools.iterdir()) == []

    def test_one_without_events_leaves_nothing(self, paths: DataPaths, new_id: Callable[[], str]) -> None:
        Spool.create(paths, header_for(new_id(), "default", 0.0)).close()
        assert list(paths.spools.iterdir()) == []

    def test_a_name_that_is_taken_is_an_error(self, paths: DataPaths, new_id: Callable[[], str]) -> None:
        header = header_for(new_id(), "default", 0.0)
        first = Spool.create(paths, header)
        log(first)
        with pytest.raises(SpoolError, match="no spool can be made"):
            Spool.create(paths, header)
        assert log(first) == 2
        account(read_spool(first.folder)[1], 2)
        first.close()


class TestBatches:
    def everything(self, spool: Spool, **limits: int) -> list[int]:
        numbers: list[int] = []
        while batch := spool.batch(numbers[-1] if numbers else 0, **limits):
            found = [decode_event(body).n for body in batch.bodies]
            assert (batch.first, batch.last) == (found[0], found[-1])
            assert batch.base == spool.base
            numbers += found
        return numbers

    @pytest.mark.parametrize("limits", [{}, {"events": 1}, {"events": 7}, {"size": 1}, {"size": 1000}])
    def test_paging_gives_everything_once_in_order(self, make: MakeSpool, limits: dict[str, int]) -> None:
        spool = make()
        for _ in range(300):
            log(spool)
        assert self.everything(spool, **limits) == list(range(1, 301))

    def test_limits_hold_and_one_large_event_goes_alone(self, make: MakeSpool) -> None:
        spool = make()
        for size in (10, 5000, 10, 10):
            log(spool, "x" * size)
        batch = spool.batch(0, events=2, size=1000)
        assert batch is not None
        assert batch.last == 1
        batch = spool.batch(1, size=1000)
        assert batch is not None
        assert len(batch.bodies) == 1
        batch = spool.batch(2, events=2, size=1000)
        assert batch is not None
        assert batch.last == 4

    def test_nothing_new_is_none(self, make: MakeSpool) -> None:
        spool = make()
        assert spool.batch(0) is None
        log(spool)
        assert spool.batch(1) is None
        assert spool.batch(99) is None

    def test_it_can_go_back(self, make: MakeSpool) -> None:
        spool = make()
        for _ in range(200):
            log(spool)
        for after in (150, 20, 0, 199, 77):
            batch = spool.batch(after, events=1)
            assert batch is not None
            assert batch.first == after + 1

    def test_appends_between_pages_come_next(self, make: MakeSpool) -> None:
        spool = make()
        sent = 0
        for _ in range(100):
            log(spool)
            log(spool)
            batch = spool.batch(sent, events=3)
            assert batch is not None
            assert batch.first == sent + 1
            sent = batch.last

    def test_compaction_between_pages_loses_and_doubles_nothing(self, make: MakeSpool) -> None:
        spool = make(cap=4)
        records: list[Record] = []
        sent = 0
        for n in range(1, 1500):
            if n % 10:
                log(spool)
            else:
                end(spool)
            if n % 40 == 0 and (batch := spool.batch(sent, events=25)):
                assert batch.first > sent
                records += [(decode_event(body).n, body) for body in batch.bodies]
                sent = batch.last
        while batch := spool.batch(sent):
            records += [(decode_event(body).n, body) for body in batch.bodies]
            sent = batch.last
        numbers = [n for n, _ in records]
        assert numbers == sorted(set(numbers))
        covered = {n for n, _ in records}
        for _, body in records:
            if isinstance(lost := decode_data(decode_event(body)), Lost):
                covered |= set(range(lost.first, lost.last + 1))
        assert covered == set(range(1, 1500))

    def test_freeing_deletes_only_whole_committed_segments(self, make: MakeSpool) -> None:
        spool = make()
        for _ in range(300):
            log(spool)
        files = len(list(spool.folder.glob("*.seg")))
        assert files > 3
        spool.free(100)
        assert 1 < spool.base <= 101
        assert len(list(spool.folder.glob("*.seg"))) < files
        assert [n for n, _ in spool.records()] == list(range(spool.base, 301))
        spool.free(300)
        assert len(list(spool.folder.glob("*.seg"))) == 1
        assert log(spool) == 301
        assert spool.batch(300) is not None


class TestFull:
    def test_a_cap_drops_the_oldest_logs_and_records_their_numbers(self, make: MakeSpool) -> None:
        spool = make(cap=4)
        for _ in range(2000):
            log(spool)
        assert len(list(spool.folder.iterdir())) <= 4 + 3, "4 segments, a spare, lock, header"
        kept, dropped = account(spool.records(), 2000)
        assert len(dropped) > 1000
        assert min(kept) > max(dropped)
        assert {lost_in(b).reason for n, b in spool.records() if n in dropped} == {"the spool is full"}
        assert spool.full_since is not None
        account(read_spool(spool.folder)[1], 2000)

    def test_states_results_and_messages_outlive_logs_metrics_and_displays(self, make: MakeSpool) -> None:
        spool = make(cap=4)
        precious: set[int] = set()
        for n in range(1, 2001):
            if n % 250 == 0:
                precious.add(spool.append(TASK, 1, "message", Message("agent", "hi", str(n))))
            elif n % 3:
                log(spool)
            else:
                spool.append(TASK, 1, "metric", Metric("loss", n))
        precious.add(end(spool))
        kept, _ = account(spool.records(), 2001)
        assert precious <= kept

    def test_when_only_states_and_messages_are_left_the_oldest_are_dropped(self, make: MakeSpool) -> None:
        spool = make(cap=4)
        for n in range(1, 1001):
            spool.append(TASK, 1, "message", Message("agent", "x" * 50, str(n)))
        kept, dropped = account(spool.records(), 1000)
        assert min(kept) > max(dropped)
        assert 1000 in kept

    def test_each_task_gets_a_lost_event(self, make: MakeSpool) -> None:
        spool = make(cap=4)
        for n in range(1, 1201):
            log(spool, task=TASK if n % 2 else OTHER_TASK)
        account(spool.records(), 1200)
        events = [decode_event(body) for _, body in spool.records()]
        assert {e.task for e in events if e.type == "lost"} == {TASK, OTHER_TASK}

    def test_what_is_committed_is_never_named_as_lost(self, make: MakeSpool) -> None:
        spool = make(cap=4)
        for _ in range(100):
            log(spool)
        spool.free(90)
        for _ in range(1000):
            log(spool)
        records = [(n, body) for n, body in spool.records() if n > 90]
        account(records, 1100, freed=90)

    @pytest.mark.parametrize("files", [1, 2, 3, 5])
    def test_a_full_disk_never_fails_and_everything_is_accounted_for(
        self, make: MakeSpool, files: int
    ) -> None:
        disk = Disk(files)
        spool = make(disk=disk)
        assert [log(spool) for _ in range(1500)] == list(range(1, 1501))
        disk.files = 100
        last = end(spool)
        kept, dropped = account(spool.records(), last)
        assert last in kept
        assert bool(dropped) is (files > 1), "without a file to compact into, they are in memory"
        spool._segments.repair()
        account(read_spool(spool.folder)[1], last)

    @pytest.mark.parametrize("files", [2, 3, 5])
    def test_on_a_full_disk_states_outlive_logs(self, make: MakeSpool, files: int) -> None:
        spool = make(disk=Disk(files))
        states = {end(spool)}
        for n in range(1, 900):
            if n % 150:
                log(spool)
            else:
                states.add(end(spool))
        states.add(end(spool))
        kept, _ = account(spool.records(), spool.last)
        assert states <= kept

    def test_lost_events_are_written_also_when_no_event_follows(self, make: MakeSpool) -> None:
        disk = Disk(1)
        spool = make(disk=disk)
        last = 0
        while spool.full_since is None:
            last = log(spool)
        disk.files = 10
        spool._mend_at = 0.0
        sent = 0
        while batch := spool.batch(sent):
            sent = batch.last
        assert sent == last
        account(spool.records(), last)

    def test_it_is_not_tried_again_at_each_batch(self, make: MakeSpool) -> None:
        disk = Disk(1)
        spool = make(disk=disk)
        while spool.full_since is None:
            log(spool)
        tries: list[int] = []

        def new_segment(path: Path, first: int, size: int) -> Segment:
            tries.append(1)
            return disk.new_segment(path, first, size)

        spool._segments._new_segment = new_segment
        for _ in range(50):
            spool.batch(10**9)
        assert len(tries) <= 4

    def test_room_that_comes_back_ends_the_dropping(self, make: MakeSpool) -> None:
        disk = Disk(3)
        spool = make(disk=disk)
        while spool.full_since is None:
            log(spool)
        assert "events are dropped" in spool.trouble
        disk.files = 100
        for _ in range(200):
            log(spool)
        spool.free(spool.last)
        assert spool.trouble == ""
        assert spool.full_since is None

    def test_it_is_over_once_everything_is_committed_though_the_disk_is_full(self, make: MakeSpool) -> None:
        """The one segment that there is can be used again then."""
        spool = make(disk=Disk(1))
        spool._segments._max_in_memory = 0
        while spool.full_since is None:
            log(spool)
        spool.free(spool.last)
        spool.batch(spool.last)
        assert spool.trouble == ""

    @pytest.mark.parametrize("error", [errno.EMFILE, errno.EACCES, errno.EIO, errno.ENOENT])
    def test_other_disk_errors_do_not_reach_the_user_either(self, make: MakeSpool, error: int) -> None:
        disk = Disk(2)
        disk.error = error
        spool = make(disk=disk)
        for n in range(1, 401):
            assert log(spool) == n
        (sentence,) = [said for said, _ in spool.notices._waiting]
        assert sentence.startswith(f"the spool cannot grow: {os.strerror(error)} for {spool.folder}")
        assert account(spool.records(), 400)[1] == set(), "they are in memory"
        disk.files = 1000
        spool._segments.repair()
        assert [n for n, _ in read_spool(spool.folder)[1]] == list(range(1, 401))
        assert spool.records() == read_spool(spool.folder)[1]
        assert len(spool.notices._waiting) == 1, "nothing was deleted"

    @pytest.mark.parametrize("error", [errno.EROFS, errno.EIO])
    def test_a_disk_that_takes_and_gives_nothing_costs_no_event(
        self, make: MakeSpool, error: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Neither makes a file nor deletes or renames one; a server has some of the events."""
        disk = Disk(4)
        disk.error = error
        spool = make(disk=disk)
        while disk.used() < 4:
            log(spool)

        def broken(*_: object, **__: object) -> None:
            raise OSError(error, os.strerror(error))

        with monkeypatch.context() as patch:
            for name in ("unlink", "replace", "rename"):
                patch.setattr(Path, name, broken)
            while spool._segments.in_memory < 3:
                last = log(spool)
            spool.free(last // 2)
            with pytest.raises(OSError, match=os.strerror(error)):
                spool._segments.repair()
            assert [n for n, _ in spool.records()][-1] == last
        disk.files = 1000
        spool._segments.repair()
        numbers = [n for n, _ in read_spool(spool.folder)[1]]
        assert numbers == list(range(spool.base, last + 1))
        assert spool.base > 1
        spool.free(last)
        spool.retire()
        assert not spool.folder.exists()

    def test_what_is_kept_in_memory_has_a_limit_and_more_is_named(self, make: MakeSpool) -> None:
        disk = Disk(2)
        disk.error = errno.EROFS
        spool = make(disk=disk)
        spool._segments._max_in_memory = 3
        while spool.full_since is None:
            log(spool)
        disk.files = 1000
        spool._segments.repair()
        last = log(spool)
        _, dropped = account(spool.records(), last)
        assert dropped

    def test_a_full_disk_costs_nothing_while_a_server_has_the_events(self, make: MakeSpool) -> None:
        """All but the newest few are committed whenever a segment is full."""
        disk = Disk(2)
        spool = make(disk=disk)
        for _ in range(2000):
            last = log(spool)
            spool.free(last - 10)
        assert account(spool.records(), last, freed=spool.base - 1)[1] == set()
        assert spool.full_since is None

    def test_a_deleted_folder_does_not_reach_the_user(self, make: MakeSpool) -> None:
        spool = make(cap=4)
        log(spool)
        for path in spool.folder.iterdir():
            path.unlink()
        spool.folder.rmdir()
        for n in range(2, 600):
            assert log(spool) == n
        spool.batch(0)
        spool.free(100)

    def test_a_real_full_disk(self, small_disk: Path, new_id: Callable[[], str]) -> None:
        """7 MiB: three segments of 2 MiB and a little."""
        paths = DataPaths(small_disk)
        spool = Spool.create(paths, header_for(new_id(), "default", 0.0))
        states = set()
        for n in range(20_000):
            log(spool, "x" * 700)
            if n % 2000 == 0:
                states.add(end(spool))
        last = end(spool)
        kept, dropped = account(spool.records(), last)
        assert states | {last} <= kept
        assert dropped
        account(read_spool(spool.folder)[1], last)
        spool.close()


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A tmpfs of 7 MiB; where mounting is forbidden, a fake `posix_fallocate` counts bytes instead."""
    disk = tmp_path / "disk"
    disk.mkdir(mode=0o700)
    mount = ["mount", "-t", "tmpfs", "-o", "size=7m,mode=0700", "tmpfs", str(disk)]
    if os.getuid() == 0 and subprocess.run(mount, capture_output=True).returncode == 0:
        try:
            yield disk
        finally:
            subprocess.run(["umount", "-l", str(disk)], check=True)
        return
    real = os.posix_fallocate

    def fallocate(fd: int, start: int, size: int) -> None:
        used = sum(path.stat().st_blocks * 512 for path in disk.rglob("*") if path.is_file())
        if used + size > 7 << 20:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(fd, start, size)

    monkeypatch.setattr(os, "posix_fallocate", fallocate)
    yield disk


class Interrupted(Exception):
    """Raised in a thread from outside, as on a cancel."""


def interrupt(thread: threading.Thread) -> None:
    assert thread.ident is not None
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(Interrupted))


class TestInterrupted:
    """A cancelled task's thread, or Ctrl-C, raises between any two bytecodes of an append."""

    @pytest.fixture(autouse=True)
    def collecting(self) -> Iterator[None]:
        yield
        gc.enable()

    @pytest.mark.parametrize("cap", [10**6, 4])
    def test_an_exception_raised_into_an_append_leaves_no_hole(self, make: MakeSpool, cap: int) -> None:
        spool = make(cap=cap)
        returned: dict[int, str] = {}
        count = itertools.count()
        dice = random.Random(7)

        def write(begun: threading.Event) -> None:
            with suppress(Interrupted):
                while True:
                    line = f"text {next(count)} " + "x" * 60
                    returned[log(spool, line)] = line
                    begun.set()

        gc.disable()  # a collector's callback would swallow the exception, and the thread go on for ever
        for _ in range(250):
            begun = threading.Event()
            thread = threading.Thread(target=write, args=(begun,))
            thread.start()
            begun.wait()
            time.sleep(dice.random() * 0.002)
            interrupt(thread)
            thread.join()
        last = log(spool, "after")
        spool._mend_at = 0.0
        spool.batch(last)
        kept, _ = account(spool.records(), last)
        stored = {n: text_of(body) for n, body in spool.records() if n in kept}
        assert all(stored[n] == line for n, line in returned.items() if n in kept)
        if cap > 4:
            assert set(returned) <= kept, "what append returned is there"
        account(read_spool(spool.folder)[1], last)
        if cap == 4:
            for _ in range(200):
                log(spool)
            left = len(list(spool.folder.iterdir()))
            assert left <= 4 + 3 + 15, "at most an empty file for each interrupted creation is left"

    @pytest.mark.timeout(30)
    def test_a_finalizer_that_prints_does_not_hang_the_append_it_interrupts(self, make: MakeSpool) -> None:
        spool = make()

        class Chatty:
            def __init__(self) -> None:
                self.myself = self

            def __del__(self) -> None:
                log(spool, "good bye")

        before = gc.get_threshold()
        gc.set_threshold(1, 1, 1)
        try:
            for _ in range(300):
                Chatty()
                log(spool, "hello")
                spool.batch(spool.last - 1)
        finally:
            gc.set_threshold(*before)
        gc.collect()
        log(spool, "end")
        _kept, _ = account(spool.records(), spool.last)
        texts = [text_of(body) for _, body in spool.records()]
        assert (texts.count("hello"), texts.count("good bye"), texts[-1]) == (300, 300, "end")

    def test_an_append_from_within_an_append_comes_next(self, make: MakeSpool) -> None:
        spool = make()

        def clock() -> float:
            if spool.last < 3:
                assert log(spool, "inner") == 0
            return 5.0

        spool._clock = clock
        assert log(spool, "outer") == 1
        texts = [text_of(body) for _, body in spool.records()]
        assert texts[0] == "outer"
        assert set(texts[1:]) == {"inner"}
        account(spool.records(), spool.last)


class TestAdopting:
    def dead(self, paths: DataPaths, count: int, new_id: Callable[[], str]) -> Path:
        """The spool of a process that was killed after *count* events."""
        spool = Spool.create(paths, header_for(new_id(), "default", 0.0))
        for _ in range(count):
            log(spool)
        spool._segments.close()
        spool._held.release()
        spool._closed = True
        return spool.folder

    @pytest.mark.parametrize("count", [0, 1, 50])
    def test_numbers_go_on_where_the_dead_one_stopped(
        self, paths: DataPaths, new_id: Callable[[], str], count: int
    ) -> None:
        folder = self.dead(paths, count, new_id)
        spool = adopt_spool(paths, folder.name)
        assert spool is not None
        assert end(spool) == count + 1
        spool.close()
        assert not is_locked(folder / "lock")
        account(read_spool(folder)[1], count + 1)

    def test_events_of_the_dead_producer_stay_whatever_the_adopter_does(
        self, paths: DataPaths, new_id: Callable[[], str]
    ) -> None:
        folder = self.dead(paths, 5, new_id)
        spool = adopt_spool(paths, folder.name)
        assert spool is not None
        spool.free(10**6)
        spool.close()
        account(read_spool(folder)[1], 5)

    def test_it_goes_on_behind_a_torn_record(self, paths: DataPaths, new_id: Callable[[], str]) -> None:
        folder = self.dead(paths, 5, new_id)
        (segment,) = folder.glob("*.seg")
        content = segment.read_bytes()
        segment.write_bytes(content[: content.rindex(b'"line') if b'"line' in content else 400] + bytes(9))
        left = len(read_spool(folder)[1])
        assert left < 5
        for more in (1, 2):
            spool = adopt_spool(paths, folder.name)
            assert spool is not None
            assert end(spool) == left + more
            spool.close()
        account(read_spool(folder)[1], left + 2)

    def test_one_that_a_holder_is_recovering_cannot_be_adopted(
        self, paths: DataPaths, new_id: Callable[[], str]
    ) -> None:
        folder = self.dead(paths, 5, new_id)
        lock = FileLock.acquire(folder / "lock")
        assert lock is not None
        assert adopt_spool(paths, folder.name) is None
        lock.release()

    def test_one_that_was_recovered_cannot_be_adopted(
        self, paths: DataPaths, new_id: Callable[[], str]
    ) -> None:
        assert adopt_spool(paths, new_id()) is None
        assert not paths.spools.exists()


class TestReading:
    @pytest.mark.parametrize("content", [None, b"", b"{}", b"[]", b"\xff", b'{"producer":1}'])
    def test_a_header_that_cannot_be_read_is_an_error(self, tmp_path: Path, content: bytes | None) -> None:
        if content is not None:
            (tmp_path / "spool.json").write_bytes(content)
        with pytest.raises(SpoolError, match=r"spool\.json cannot be read"):
            read_spool(tmp_path)

    def test_a_segment_that_is_freed_while_it_is_read_is_skipped(
        self, make: MakeSpool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        spool = make()
        for _ in range(200):
            log(spool)
        real = read_segment

        def read_late(path: Path) -> list[Record]:
            spool.free(100)
            return real(path)

        monkeypatch.setattr(folder_module, "read_segment", read_late)
        numbers = [n for n, _ in read_spool(spool.folder)[1]]
        assert numbers == list(range(spool.base, 201))


NURSERY = """
import json, mmap, os, random, signal, struct, sys, time
from pathlib import Path
from jupyter_agent.core.events import Log, State, TaskState
from jupyter_agent.system.locks import FileLock
from jupyter_agent.system.paths import DataPaths; from jupyter_agent.system.ids import new_id
from jupyter_agent.producer.spool import Spool
from jupyter_agent.producer.spool_folder import header_for
import msgspec

paths, cap, count, seed = DataPaths(Path(sys.argv[1])), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
task, dice = new_id(), random.Random(seed)

def write(shared):
    producer = new_id()
    folder = paths.spools / producer
    folder.mkdir(parents=True)
    (folder / "spool.json").write_bytes(msgspec.json.encode(header_for(producer, "default", 0.0)))
    spool = Spool(folder, FileLock.acquire(folder / "lock"), producer, cap=cap * 8192, size=8192)
    shared[8:34] = producer.encode()
    while True:
        n = spool.append(task, 1, "log", Log("stdout", "x" * 40))
        struct.pack_into("<Q", shared, 0, n)

for _ in range(count):
    shared = mmap.mmap(-1, 64)
    pid = os.fork()
    if pid == 0:
        write(shared)
    while not struct.unpack_from("<Q", shared)[0]:
        time.sleep(0)
    time.sleep(dice.random() * 0.03)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    print(json.dumps([shared[8:34].decode(), struct.unpack_from("<Q", shared)[0]]), flush=True)
"""


class TestKilled:
    @pytest.mark.parametrize("cap", [1_000_000, 4])
    def test_every_append_that_returned_is_there_exactly_once(self, paths: DataPaths, cap: int) -> None:
        with python(NURSERY, paths.root, cap, 15, 11) as nursery:
            assert nursery.stdout is not None
            killed = [json.loads(line) for line in nursery.stdout]
        assert len(killed) == 15
        for producer, returned in killed:
            header, records = read_spool(paths.spools / producer)
            assert header.producer == producer
            last = records[-1][0]
            assert returned <= last <= returned + 1
            numbers = [n for n, _ in records]
            assert numbers == sorted(set(numbers))
            kept, dropped = _covered(records)
            assert kept | dropped == set(range(1, last + 1))
            assert not dropped or cap == 4
            assert not is_locked(paths.spools / producer / "lock")


def _covered(records: list[Record]) -> tuple[set[int], set[int]]:
    """As `account`, but a kill in the middle of a compaction may leave what was to be dropped."""
    kept, dropped = set(), set()
    for n, body in records:
        data = decode_data(decode_event(body))
        if isinstance(data, Lost):
            dropped |= set(range(data.first, data.last + 1))
        else:
            kept.add(n)
    return kept, dropped


FORKING = """
import os, sys, threading
from pathlib import Path
from jupyter_agent.core.events import Log
from jupyter_agent.system.ids import new_id
from jupyter_agent.producer import producer as module

parent = module.current_producer()
task, stop = new_id(), threading.Event()

def write():
    while not stop.is_set():
        parent.emit(task, 1, "log", Log("stdout", "parent"))

threads = [threading.Thread(target=write) for _ in range(3)]
for thread in threads:
    thread.start()
for _ in range(20):
    pid = os.fork()
    if pid == 0:
        assert parent.muted and module.existing_producer() is None
        assert parent.emit(task, 1, "log", Log("stdout", "child")) == 0
        assert not parent.flush(0.0)
        parent.wake()
        parent.close()
        os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
stop.set()
for thread in threads:
    thread.join()
print(parent.id, parent.spool.last, flush=True)
sys.stdin.read()
"""


class TestForked:
    def test_a_child_emits_nothing_and_neither_hangs_nor_frees_its_parent(self, paths: DataPaths) -> None:
        with python(FORKING) as process:
            assert process.stdout is not None
            producer, last = process.stdout.readline().split()
            folder = paths.spools / producer
            assert is_locked(folder / "lock"), "a child's end does not end the parent's lock"
            _, records = read_spool(folder)
        _kept, dropped = account(records, int(last))
        assert not dropped
        assert all(b'"child"' not in body for _, body in records)
        assert PACKAGE_ROOT.is_dir()


@pytest.mark.parametrize("text", ["256MB", "", "-1", "0", "1e9"])
def test_a_size_of_the_spool_that_is_no_number_is_one_sentence(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_AGENT_SPOOL_BYTES", text)
    with pytest.raises(SpoolError, match=r"JUPYTER_AGENT_SPOOL_BYTES='.*' is not a number of bytes"):
        Producer(DataPaths(tmp_path))
