"""How the command line says sizes and what tasks print, and reads times."""

from __future__ import annotations

import msgspec
import pytest

from jupyter_agent.cli.watch.model import Row
from jupyter_agent.core.events import Event, Log, Message, Progress, encode_data
from jupyter_agent.core.sanitize import to_single_line
from jupyter_agent.core.task import Task
from jupyter_agent.rendering.humanize import parse_moment, resources_text
from jupyter_agent.rendering.transcript import event_text
from tests.support.builders import event


def test_what_processes_use_is_one_line() -> None:
    values = {"sys/cpu": 142.4, "sys/memory": 1 << 30, "sys/gpu": 87.0, "sys/gpu_memory": 3 << 29}
    assert resources_text(values) == "CPU 142% · 1.0 GiB · GPU 87%, 1.5 GiB"
    assert resources_text({"sys/memory": 512}, "its kernel:") == "its kernel: 512 B"


def test_a_time_is_a_date_or_an_age() -> None:
    assert parse_moment("2h", 10_000.0) == 2800.0
    assert parse_moment("1970-01-02T00:00:00+00:00", 0.0) == 86_400.0
    for text in ("", "tomorrow", "7 moons", "-3h"):
        with pytest.raises(ValueError, match="is not a time; give a date"):
            parse_moment(text, 0.0)


def test_text_for_a_view_is_one_line_without_controls() -> None:
    assert to_single_line("a\x1b[31mb\x1b[0m\tc\nd\x07\x9b\x1b]0;title\x07e") == "ab    c de"


def _event(data: Log | Message | Progress, kind: str, n: int = 1) -> Event:
    return msgspec.structs.replace(event(n + 1, kind, encode_data(data), time=1000.0 + n), offset=n + 1)


def test_what_is_said_keeps_printed_text_and_ends_logged_lines() -> None:
    assert event_text(_event(Log("stdout", "half"), "log")) == "half"
    assert event_text(_event(Log("logging", "whole", "INFO"), "log")) == "whole\n"
    assert event_text(_event(Message("assistant", "hi", "m"), "message")) == "assistant: hi\n"
    assert event_text(_event(Message("assistant", "h", "m", delta=True), "message")) == "h"
    assert event_text(event(1, "log", b'{"no":"log"}')) == ""


def test_lines_of_a_row_join_halves_and_heed_carriage_returns() -> None:
    row = Row(Task("0" * 26), "default")
    for n, text in enumerate(["half ", "a line\nnext\n", "10 %\r20 %", "\r30 %\n", "end"], 1):
        row.apply(_event(Log("stdout", text), "log", n))
    assert list(row.lines) == ["half a line", "next", "30 %", "end"]


def test_the_rate_is_of_the_last_half_minute_and_needs_some_time() -> None:
    row = Row(Task("0" * 26), "default")
    row.apply(_event(Progress(0, 1000), "progress", 0))
    assert row.rate() is None
    for n in range(1, 101):
        row.apply(_event(Progress(n * 2, 1000), "progress", n))
    assert row.rate() == pytest.approx(2.0)
    assert row.remaining() == pytest.approx(400.0)
    row.apply(_event(Progress(1000, 1000), "progress", 101))
    assert row.remaining() is None
