"""Styles of text: colours and fonts, as ``m`` sequences of a terminal set them (SGR).

A *style* is what is set, in one canonical form, such as ``1;31`` (bold, red); it is empty for none. The
browser's counterpart is ``frontend/src/model/log/styles.ts``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice

Run = tuple[int, int, str]
"""A styled part of a text: the index of its first character, that after its last one, and its style."""

MAX_RUNS = 2000
"""Maximum number of styled parts of one text; the rest is plain."""

_RESET = "\x1b[0m"

_SEQUENCE = re.compile(r"\x1b\[([0-9;:]*)m")
_FONTS = (1, 2, 3, 4, 7, 9)
"""Bold, dim, italic, underlined, inverse, struck."""

_ENDED_FONTS = {21: (1,), 22: (1, 2), 23: (3,), 24: (4,), 27: (7,), 29: (9,)}
_MAX_VALUES = 40


class _Pen:
    """What is set while sequences are read."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self._fonts: set[int] = set()
        self._colors = {"3": "", "4": ""}
        """The text's colour and the ground's, by the digit that their values begin with."""

    @property
    def style(self) -> str:
        return ";".join(filter(None, [*map(str, sorted(self._fonts)), *self._colors.values()]))

    def apply(self, values: str) -> None:
        codes = iter(values.split(";")[:_MAX_VALUES])
        for code in codes:
            number, *details = [int(part[:4] or 0) for part in code.split(":")]
            if number in (38, 48):
                color = _color(details[-3:] if details[:1] == [2] else details, codes)
                self._colors[code[0]] = f"{number};{color}" if color else ""
            else:
                self._set(0 if (number, details) == (4, [0]) else number)

    def _set(self, number: int) -> None:
        if number == 0:
            self.reset()
        elif number in _FONTS:
            self._fonts.add(number)
        elif number in _ENDED_FONTS:
            self._fonts.difference_update(_ENDED_FONTS[number])
        elif number // 10 in (3, 9, 4, 10) and number % 10 < 8:
            self._colors["3" if number // 10 in (3, 9) else "4"] = str(number)
        elif number in (39, 49):
            self._colors[str(number)[0]] = ""


def _color(details: Sequence[int], codes: Iterator[str]) -> str:
    """Return ``5;N`` or ``2;R;G;B``, read from *details* (after a colon) or else from the next *codes*."""
    if not details:
        kind = next(codes, "")
        count = {"5": 1, "2": 3}.get(kind, 0)
        details = [int(code[:4]) if code.isdigit() else 0 for code in islice(codes, count)]
    elif details[0] == 5:
        details = details[1:2]
    shown = [str(min(255, value)) for value in details]
    return {1: f"5;{shown[0]}", 3: ";".join(["2", *shown])}.get(len(shown), "") if shown else ""


@lru_cache(2048)
def styled_after(style: str, values: str) -> str:
    """Return what an ``m`` sequence with these *values* makes of *style*."""
    pen = _Pen()
    if style:
        pen.apply(style)
    pen.apply(values)
    return pen.style


def change_style(before: str, style: str) -> str:
    """Return the sequences that set *style* behind text that has the style *before*."""
    if before == style:
        return ""
    return (_RESET if before else "") + (f"\x1b[{style}m" if style else "")


def end_style(text: str) -> tuple[str, str]:
    """Return *text* without a style at its end, and what sets that style again; empty for no text."""
    style = ""
    for match in _SEQUENCE.finditer(text):
        style = styled_after(style, match[1])
    begun = change_style("", style)
    return ("" if text == begun else text + change_style(style, "")), begun


def split_styles(text: str) -> tuple[str, tuple[Run, ...]]:
    """Return *text* without ``m`` sequences, and what they style."""
    if "\x1b[" not in text:
        return text, ()
    parts: list[str] = []
    runs: list[Run] = []
    size, style = 0, ""
    for piece, values in _pieces(text):
        if piece and style and len(runs) < MAX_RUNS:
            start = runs.pop()[0] if runs and runs[-1][1:] == (size, style) else size
            runs.append((start, size + len(piece), style))
        parts.append(piece)
        size += len(piece)
        if values is not None:
            style = styled_after(style, values)
    return "".join(parts), tuple(runs)


def runs_within(runs: Sequence[Run], start: int, end: int) -> tuple[Run, ...]:
    """Return the styled parts of ``text[start:end]``, with indices into that."""
    cut = ((max(run[0], start) - start, min(run[1], end) - start, run[2]) for run in runs)
    return tuple(run for run in cut if run[0] < run[1])


def _pieces(text: str) -> Iterator[tuple[str, str | None]]:
    """Yield each piece of plain text and the values of the sequence behind it; ``None`` for the last."""
    begin = 0
    for match in _SEQUENCE.finditer(text):
        yield text[begin : match.start()], match[1]
        begin = match.end()
    yield text[begin:], None
