"""Overflow of output pipes: what a stuck reader does not read is taken, and read before the pipe."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from jupyter_agent.runtime.engines import overflow
from jupyter_agent.runtime.engines.child_output import ChildOutput
from jupyter_agent.runtime.engines.pipes import waiting_bytes


@pytest.fixture
def output(monkeypatch: pytest.MonkeyPatch) -> Iterator[ChildOutput]:
    monkeypatch.setattr(overflow, "STUCK_AFTER", 0.0)
    output = ChildOutput()
    yield output
    output.close()


def fill(output: ChildOutput, pipe: int = 0, letter: bytes = b"x") -> int:
    writing, size = output.pipes[pipe][1], 0
    os.set_blocking(writing, False)
    try:
        while True:
            size += os.write(writing, letter * 4096)
    except BlockingIOError:
        return size


def unread(output: ChildOutput) -> list[tuple[int, bytes]]:
    return list(output.overflow.unread())


def test_a_full_pipe_is_taken_but_for_one_byte_in_the_order_of_its_data(output: ChildOutput) -> None:
    size = fill(output)
    assert output.rescuer.look()
    assert waiting_bytes(output.pipes[0][0]) == 1
    os.write(output.pipes[0][1], b"yz")
    assert output.rescuer.look()  # full or not, while the same reader is stuck
    found = b"".join(data for _, data in unread(output))
    assert found == b"x" * size + b"y"
    assert os.read(output.pipes[0][0], 9) == b"z"


def test_a_pipe_that_is_not_full_is_its_readers(output: ChildOutput) -> None:
    os.write(output.pipes[1][1], b"an error\n")
    assert not output.rescuer.look()
    assert not output.overflow.is_pending


def test_a_reader_that_reads_is_not_stuck(output: ChildOutput, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overflow, "STUCK_AFTER", 1e9)
    fill(output, 1)
    assert not output.rescuer.look()
    monkeypatch.setattr(overflow, "STUCK_AFTER", 0.0)
    assert output.rescuer.look()
    output.overflow.begin_read()
    assert {pipe for pipe, _ in unread(output)} == {1}
    assert not output.rescuer.look()
    assert not output.overflow.is_pending


def test_what_is_taken_at_the_readers_own_moment_is_nothing(output: ChildOutput) -> None:
    fill(output)
    real = output.overflow.set_taking

    def reads_first(*, taking: bool) -> None:
        real(taking=taking)
        output.overflow._numbers[0] += 1

    output.overflow.set_taking = reads_first  # type: ignore[method-assign]
    output.rescuer.look()
    assert unread(output) == []


def test_the_file_has_an_end_and_says_so(output: ChildOutput, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overflow, "MAX_OVERFLOW", 1 << 20)
    for _ in range(3):
        fill(output)
        assert output.rescuer.look()
    found = b"".join(data for _, data in unread(output))
    assert found.endswith(b"x\n[more than 64 MiB were written without a pause; what follows is left out]\n")
    assert len(found) < 1 << 20
    output.overflow.begin_read()
    fill(output, 0, b"y")
    assert output.rescuer.look()  # all is read: there is room again
    assert {data[-1:] for _, data in unread(output)} == {b"y"}


def test_a_rescuer_that_was_killed_while_it_took_something_holds_up_no_reader(
    output: ChildOutput, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overflow, "TAKE_TIMEOUT", 0.0)
    output.overflow.set_taking(taking=True)
    output.overflow.begin_read()
    assert not output.overflow.is_pending


def test_a_reader_of_a_long_backlog_is_not_stuck(output: ChildOutput) -> None:
    fill(output)
    assert output.rescuer.look()
    reads = output.overflow.reads
    assert len(unread(output)) > 1
    assert output.overflow.reads > reads + 1


def test_what_a_reader_takes_meanwhile_is_not_waited_for(output: ChildOutput) -> None:
    fill(output)
    reading, _ = output.pipes[0]
    os.read(reading, waiting_bytes(reading) - 9)
    output.rescuer._take([1 << 20, 0])
    assert waiting_bytes(reading) == 1


def test_characters_that_the_parts_of_the_output_cut_stay_whole(output: ChildOutput) -> None:
    size = fill(output, 0, "é".encode())
    assert output.rescuer.look()
    assert "".join(text for _, text in output.rest()) == "é" * (size // 2)


def test_what_a_dead_child_left_in_both_is_found(output: ChildOutput) -> None:
    size = fill(output)
    assert output.rescuer.look()
    os.write(output.pipes[1][1], b"at the end")
    output.started()
    rest = output.rest()
    text = {name: "".join(part for stream, part in rest if stream == name) for name in ("stdout", "stderr")}
    assert text == {"stdout": "x" * size, "stderr": "at the end"}
