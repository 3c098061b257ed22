from __future__ import annotations

import errno
import os
import stat
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_agent.producer.segment import OVERHEAD, START, Segment, damaged_end, preallocate, read_segment

SIZE = 4096


def body(n: int) -> bytes:
    return b'{"task":"%d","data":"%s"}' % (n, b"x" * (n % 7))


def written(path: Path, count: int, *, first: int = 1) -> list[tuple[int, bytes]]:
    segment = Segment(path, first, SIZE)
    records = [(n, body(n)) for n in range(first, first + count)]
    for n, content in records:
        assert segment.append(n, content)
    segment.close()
    return records


def test_what_was_appended_is_read_back(tmp_path: Path) -> None:
    records = written(tmp_path / "a.seg", 20)
    assert read_segment(tmp_path / "a.seg") == records


def test_it_is_readable_while_it_is_written(tmp_path: Path) -> None:
    segment = Segment(tmp_path / "a.seg", 1, SIZE)
    for n in range(1, 10):
        segment.append(n, body(n))
        assert len(read_segment(tmp_path / "a.seg")) == n
    segment.close()


def test_what_does_not_fit_is_refused_and_leaves_no_trace(tmp_path: Path) -> None:
    segment = Segment(tmp_path / "a.seg", 1, SIZE)
    exactly = SIZE - START - OVERHEAD
    assert not segment.append(1, b"x" * (exactly + 1))
    assert (segment.end, segment.last) == (START, 0)
    assert segment.append(1, b"x" * exactly)
    assert segment.end == SIZE
    assert not segment.append(2, b"")
    segment.close()
    assert read_segment(tmp_path / "a.seg") == [(1, b"x" * exactly)]


def test_reading_goes_on_from_a_position(tmp_path: Path) -> None:
    segment = Segment(tmp_path / "a.seg", 5, SIZE)
    for n in range(5, 9):
        segment.append(n, body(n))
    everything = list(segment.records(START))
    assert [n for _, n, _ in everything] == [5, 6, 7, 8]
    assert list(segment.records(everything[1][0])) == everything[2:]
    assert list(segment.records(segment.end)) == []
    segment.close()


def test_the_file_is_private_and_has_all_its_bytes(tmp_path: Path) -> None:
    written(tmp_path / "a.seg", 1)
    status = (tmp_path / "a.seg").stat()
    assert stat.S_IMODE(status.st_mode) == 0o600
    assert status.st_size == SIZE
    assert status.st_blocks * 512 >= SIZE, "a sparse file would be a SIGBUS on a full disk"


def test_a_disk_without_room_is_an_error_and_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(fd: int, start: int, size: int) -> None:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(os, "posix_fallocate", full)
    descriptors = len(os.listdir("/proc/self/fd"))
    with pytest.raises(OSError, match="no space"):
        preallocate(tmp_path / "a.seg", SIZE)
    assert not (tmp_path / "a.seg").exists()
    assert len(os.listdir("/proc/self/fd")) == descriptors


def test_it_replaces_what_an_interrupted_attempt_left(tmp_path: Path) -> None:
    written(tmp_path / "a.seg", 9)
    records = written(tmp_path / "a.seg", 2, first=30)
    assert read_segment(tmp_path / "a.seg") == records


def test_beginning_again_forgets_everything(tmp_path: Path) -> None:
    segment = Segment(tmp_path / "a.seg", 1, SIZE)
    for n in range(1, 9):
        segment.append(n, body(n))
    segment.restart(40)
    assert (segment.first, segment.last) == (40, 39)
    segment.append(40, body(40))
    segment.close()
    assert read_segment(tmp_path / "a.seg") == [(40, body(40))]


@pytest.mark.parametrize("content", [b"", b"JASPOOL", b"x" * 100, bytes(SIZE)])
def test_what_is_no_segment_has_no_records(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.seg").write_bytes(content)
    assert read_segment(tmp_path / "a.seg") == []


@pytest.mark.parametrize("cut", range(1, OVERHEAD + len(body(5)) + 1))
def test_a_torn_last_record_is_not_there_and_the_others_are(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "a.seg"
    records = written(path, 5)
    content = path.read_bytes()
    end = START + sum(OVERHEAD + len(content) for _, content in records)
    for torn in (content[: end - cut], content[: end - cut] + bytes(cut)):
        path.write_bytes(torn)
        assert read_segment(path) == records[:-1]


@given(place=st.integers(0, SIZE * 8 - 1))
def test_a_flipped_bit_costs_at_most_its_own_record(tmp_path: Path, place: int) -> None:
    path = tmp_path / "a.seg"
    records = written(path, 60)
    content = bytearray(path.read_bytes())
    content[place // 8] ^= 1 << place % 8
    path.write_bytes(content)
    hit, position = None, START
    for index, (_, stored) in enumerate(records):
        if position <= place // 8 < position + OVERHEAD + len(stored):
            hit = index
        position += OVERHEAD + len(stored)
    assert read_segment(path) == [record for index, record in enumerate(records) if index != hit]


@given(
    st.lists(st.tuples(st.integers(0, SIZE - 1), st.binary(min_size=1, max_size=30)), min_size=1, max_size=8)
)
def test_any_damage_leaves_true_records_only(tmp_path: Path, damages: list[tuple[int, bytes]]) -> None:
    path = tmp_path / "a.seg"
    records = written(path, 60)
    content = bytearray(path.read_bytes())
    for place, junk in damages:
        content[place : place + len(junk)] = junk
    path.write_bytes(content[:SIZE])
    found = read_segment(path)
    assert set(found) <= set(records)
    assert found == sorted(found)


def test_a_wrong_length_hides_no_other_record(tmp_path: Path) -> None:
    path = tmp_path / "a.seg"
    records = written(path, 10)
    for lie in (0, 1, 50, 3000, 0xFFFFFFFF):
        content = bytearray(path.read_bytes())
        struct.pack_into("<I", content, START, lie)
        other = tmp_path / "b.seg"
        other.write_bytes(content)
        assert read_segment(other) == records[1:]


@pytest.mark.parametrize("count", [1, 2, 5, 9])
def test_damage_at_the_very_end_is_known_by_number(tmp_path: Path, count: int) -> None:
    path = tmp_path / "4.seg"
    records = written(path, 9, first=4)
    content = bytearray(path.read_bytes())
    position = START
    for n, text in records:
        if n > 12 - count:
            content[position + OVERHEAD] ^= 1
        position += OVERHEAD + len(text)
    path.write_bytes(content)
    assert read_segment(path) == records[:-count]
    assert damaged_end(path) == 12


def test_a_sound_segment_and_one_cut_short_by_a_kill_have_no_damaged_end(tmp_path: Path) -> None:
    path = tmp_path / "1.seg"
    written(path, 9)
    assert damaged_end(path) == 0
    content = bytearray(path.read_bytes())
    end = content.rindex(b"}") + 1
    content[end + OVERHEAD : end + OVERHEAD + 5] = b"begun"
    path.write_bytes(content)
    assert damaged_end(path) == 0
    content[end : end + OVERHEAD] = bytes(range(1, OVERHEAD + 1))
    path.write_bytes(content)
    assert damaged_end(path) == 0, "garbage that does not go on with the numbers is no record"


@given(content=st.binary(max_size=300))
def test_any_bytes_are_read_without_an_error(
    content: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "1.seg"
    path.write_bytes(content)
    assert damaged_end(path) >= 0
