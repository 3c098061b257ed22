"""Redrawn text: its last state is kept, what is not redrawn is kept at once, and no control sequences are."""

from __future__ import annotations

import pytest

from jupyter_agent.core.logs.styles import split_styles
from jupyter_agent.runtime.output.line_buffer import SETTLE_AFTER, LineBuffer

UP = "\r\x1b[2K\x1b[1A\x1b[2K"
"""How rich goes back to the first of two rows."""


def lines_of(*writes: str) -> list[str]:
    out: list[str] = []
    buffer = LineBuffer(out.append)
    for text in writes:
        buffer.write(text)
    buffer.flush()
    return split_styles("".join(out))[0].splitlines()


@pytest.mark.parametrize(
    ("writes", "expected"),
    [
        (["\x1b[31mred\x1b[0m \x1b]8;;https://x.org\x07link\x1b]8;;\x07\n"], ["red link"]),
        (["\x1b[1", ";31mcut\x1b", "[0m\n"], ["cut"]),
        (["\x1b]0;ti", "tle\x07text\n"], ["text"]),
        (["|\b", "/\b", "-\b", "ok\n"], ["ok"]),
        (["50%\x1b[3D51%\x1b[3D52%\n"], ["52%"]),
        (["old text\x1b[1Gnew\n"], ["new"]),
        (["old\x1b[2K\rnew\n"], ["new"]),
        (["a\x1b[3Cb\n"], ["a   b"]),
        (["\x1b[?25l", "a 0\nb 0", UP + "a 1\nb 1", UP + "a 2\nb 2", "\n", "\x1b[?25h"], ["a 2", "b 2"]),
        (["\x1b[?25l", "a 0\nb 0", UP + "said\na 1\nb 1", UP + "a 2\nb 2", "\n"], ["said", "a 2", "b 2"]),
        (
            ["\x1b[?25l", "a\nb", UP + "a\nb", "\n", "\x1b[?25h", "\r" + "\x1b[1A\x1b[2K" * 2, "end\n"],
            ["end"],
        ),
        (["\x1b[2J\x1b[Hone\ntwo\n", "\x1b[2J\x1b[Hthree\nfour\n"], ["three", "four"]),
        (["\x1b[2;1Hbar 1\x1b[H", "\x1b[2;1Hbar 2"], ["bar 2"]),
        (["line\n\x1b7\x1b[9;1Hbar 1\x1b8", "next\n", "\x1b7\x1b[9;1Hbar 2\x1b8"], ["line", "next", "bar 2"]),
        (["\r10%\nplain\n"], ["10%", "plain"]),
        (["\x1b[999999999A\x1b[999999999Bx\x1b[99999999Cy\n"], [f"x{' ' * 999}y"]),
    ],
)
def test_what_is_redrawn_is_kept_as_it_was_last(writes: list[str], expected: list[str]) -> None:
    assert lines_of(*writes) == expected


def test_a_flood_of_pictures_is_one_and_what_is_said_between_them_is_passed_on_meanwhile() -> None:
    out: list[str] = []
    buffer = LineBuffer(out.append)
    buffer.write("\x1b[?25la\nb")
    for n in range(1000):
        buffer.write(UP + (f"said {n}\n" if n % 100 == 0 else "") + f"a {n}\nb {n}")
    assert "".join(out).splitlines() == [f"said {n}" for n in range(0, 1000, 100)]
    buffer.flush()
    assert "".join(out).splitlines()[10:] == ["a 999", "b 999"]


def test_coloured_lines_are_passed_on_at_once() -> None:
    out: list[str] = []
    buffer = LineBuffer(out.append)
    buffer.write("\x1b[32mone\x1b[0m\n")
    assert out == ["\x1b[32mone\x1b[0m\n"]
    buffer.write("two\n")
    assert out[1:] == ["two\n"]


@pytest.mark.parametrize(
    ("writes", "expected"),
    [
        (["\x1b[31mred\x1b[0m \x1b[1mbold\n"], [("red bold\n", ((0, 3, "31"), (4, 8, "1")))]),
        (
            ["\x1b[31mone\n", "two\x1b[0m three\n"],
            [("one\n", ((0, 3, "31"),)), ("two three\n", ((0, 3, "31"),))],
        ),
        (["a\x1b[38;5;208mb\x1b[48;2;1;2;3mc\rxy\n"], [("xy\n", ((0, 2, "38;5;208;48;2;1;2;3"),))]),
        (["\x1b[32mold text\x1b[0m\x1b[4Gnew\n"], [("oldnew\n", ((0, 3, "32"),))]),
        (["\x1b[1;31ma\x1b[22mb\x1b[39mc\n"], [("abc\n", ((0, 1, "1;31"), (1, 2, "31")))]),
    ],
)
def test_colours_are_kept_beside_the_text_that_is_left(writes: list[str], expected: list[object]) -> None:
    out: list[str] = []
    buffer = LineBuffer(out.append)
    for text in writes:
        buffer.write(text)
    buffer.flush()
    assert [split_styles(piece) for piece in out] == expected


def test_an_unfinished_coloured_line_is_passed_on_and_its_colour_goes_on() -> None:
    out: list[str] = []
    buffer = LineBuffer(out.append)
    for text in ("\x1b[31mloading", " more\n", "next\x1b[0m end\n"):
        buffer.write(text)
        buffer.flush_waiting()
        buffer.flush_waiting()
    expected = [("loading", ((0, 7, "31"),)), (" more\n", ((0, 5, "31"),)), ("next end\n", ((0, 4, "31"),))]
    assert [split_styles(piece) for piece in out] == expected
    buffer.flush()
    assert len(out) == 3


def test_what_is_drawn_is_over_with_the_next_plain_line() -> None:
    out: list[str] = []
    buffer = LineBuffer(out.append)
    for text in ("\x1b[?25la\nb", UP + "a\nb", "\n", "\x1b[?25h", "after\n"):
        buffer.write(text)
    assert "".join(out) == "a\nb\nafter\n"


def test_a_picture_that_is_drawn_once_is_passed_on_a_second_later() -> None:
    out: list[str] = []
    buffer = LineBuffer(out.append)
    buffer.write("\x1b[?25la\nb\n")
    for _ in range(SETTLE_AFTER):
        assert out == []
        buffer.flush_waiting()
    assert out == ["a\nb\n"]


def test_more_rows_than_a_screen_has_are_passed_on() -> None:
    out: list[str] = []
    buffer = LineBuffer(out.append)
    buffer.write("\x1b[H")
    for n in range(1000):
        buffer.write(f"{n}\n")
    assert "".join(out).splitlines()[:5] == ["0", "1", "2", "3", "4"]
    buffer.flush()
    assert "".join(out).splitlines() == [str(n) for n in range(1000)]


def test_cleared_text_is_gone_and_the_text_after_it_waits_for_the_next_clear() -> None:
    out: list[str] = []
    buffer = LineBuffer(out.append)
    buffer.write("before\n")
    for n in range(3):
        buffer.write(f"state {n}\nunfinished")
        buffer.clear()
    buffer.write("last\n")
    assert out == ["before\n", "state 0\n"]
    for _ in range(SETTLE_AFTER):
        buffer.flush_waiting()
    assert out == ["before\n", "state 0\n", "last\n"]
