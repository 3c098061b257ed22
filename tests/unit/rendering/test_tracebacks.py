"""Tracebacks for people: the table of cases that the front-end's tests read as well, and terminals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jupyter_agent.rendering.tracebacks import blocks_of, folded_lines

CASES = json.loads((Path(__file__).parents[2] / "tracebacks.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES)
def test_frames_of_libraries_in_a_row_are_one_block(case: dict[str, object]) -> None:
    blocks = blocks_of(str(case["text"]))
    shown = [[one.kind, one.lines[0], one.summary if one.kind == "library" else ""] for one in blocks]
    assert shown == case["blocks"]


@pytest.mark.parametrize("case", CASES)
def test_no_line_is_lost(case: dict[str, str]) -> None:
    lines = [line for block in blocks_of(case["text"]) for line in block.lines]
    assert lines == case["text"].rstrip("\n").split("\n")


def test_a_terminal_shows_the_frames_of_the_user() -> None:
    assert list(folded_lines(CASES[0]["text"])) == [
        ("text", "Traceback (most recent call last):"),
        ("user", "  Cell [8], line 6, in load"),
        ("source", "    frame = read(path)"),
        ("source", "            ^^^^^^^^^^"),
        ("folded", "  … 3 frames in pandas, numpy, Python"),
        ("error", "ValueError: no"),
    ]
