"""Styles, levels and filters of log lines."""

from __future__ import annotations

import pytest
from msgspec import Raw

from jupyter_agent.core.events import Data, Event, Log, Message, encode_data
from jupyter_agent.core.logs.levels import severity, standard_level
from jupyter_agent.core.logs.line_filter import LineFilter
from jupyter_agent.core.logs.styles import MAX_RUNS, end_style, runs_within, split_styles, styled_after
from tests.support.builders import PRODUCER, TASK


@pytest.mark.parametrize(
    ("style", "values", "expected"),
    [
        ("", "31", "31"),
        ("31", "1", "1;31"),
        ("1;31", "0", ""),
        ("1;31", "", ""),
        ("1;31", "22;39", ""),
        ("1;2;31;44", "22;49", "31"),
        ("31", "92", "92"),
        ("", "38;5;208", "38;5;208"),
        ("", "38;5;999", "38;5;255"),
        ("", "48;2;1;2;300", "48;2;1;2;255"),
        ("", "38:2::9:8:7", "38;2;9;8;7"),
        ("", "4:3", "4"),
        ("", "38;5", ""),
        ("", "38", ""),
        ("", "58;5;1", "1"),
        ("31", "999;7;", ""),
    ],
)
def test_a_sequence_changes_a_style(style: str, values: str, expected: str) -> None:
    assert styled_after(style, values) == expected
    assert styled_after("", expected or "0") == expected


def test_text_and_styles_are_separated() -> None:
    text = "a\x1b[31mb\x1b[31mc\x1b[1md\x1b[0m👍\x1b[4me"
    assert split_styles(text) == ("abcd👍e", ((1, 3, "31"), (3, 4, "1;31"), (5, 6, "4")))
    assert split_styles("plain") == ("plain", ())
    assert end_style("a\x1b[31mb") == ("a\x1b[31mb\x1b[0m", "\x1b[31m")
    assert end_style("\x1b[31m") == ("", "\x1b[31m")


def test_styles_are_bounded_and_can_be_cut() -> None:
    plain, runs = split_styles("".join(f"\x1b[3{n % 2}mx" for n in range(MAX_RUNS + 10)))
    assert (len(plain), len(runs)) == (MAX_RUNS + 10, MAX_RUNS)
    assert runs_within(((1, 5, "31"), (7, 9, "32")), 3, 8) == ((0, 2, "31"), (4, 5, "32"))


def test_levels_have_numbers_also_those_of_others() -> None:
    names = ["DEBUG", "warn", "success", "Level 35", "trace", None, "odd"]
    assert [severity(name) for name in names] == [10, 30, 25, 35, 5, 20, 20]
    assert [standard_level(name) for name in names] == [
        *("debug", "warning", "info", "warning", "debug", "info", "info")
    ]


def event(data: Data, kind: str = "log", when: float = 100.0) -> Event:
    return Event(TASK, 1, PRODUCER, 1, when, kind, encode_data(data))


def test_a_filter_wants_what_fits_all_of_it() -> None:
    warned = event(Log("logging", "Slow \x1b[31mdisk\x1b[0m", "warning"))
    printed = event(Log("stdout", "slow disk\n"))
    said = event(Message("assistant", "slow", "m"), "message")
    assert [LineFilter("warning").wants(one) for one in (warned, printed, said)] == [True, False, False]
    assert not LineFilter("error").wants(warned)
    assert [LineFilter(text="SLOW DISK").wants(one) for one in (warned, printed, said)] == [True, True, False]
    assert LineFilter(text="slow").wants(said)
    assert [LineFilter(since=when).wants(warned) for when in (100.0, 100.1)] == [True, False]
    assert not LineFilter(text="x").wants(Event(TASK, 1, PRODUCER, 1, 1.0, "log", Raw(b"[1]")))
