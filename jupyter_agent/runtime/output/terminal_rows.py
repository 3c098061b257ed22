"""Text as a terminal shows it: rows that carriage returns and cursor movements redraw, in their last state.

Text that replaces a part of a row replaces the rest of it, too: what is left of a longer old state is not
worth reading. Titles and links are dropped. Of colours, only canonical sequences are left in the text that is
passed on (see `core.logs.styles`), and each piece of it begins and ends without any.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from ...core.logs.styles import change_style, styled_after

CONTROL = re.compile("[\x08\r\x1b\x90\x98\x9b\x9d-\x9f]")
"""What a text without any is as it looks."""

MAX_ROWS = 100
"""Maximum number of rows that are kept because they may be redrawn; the first of more is final."""

MAX_COLUMN = 1000
"""Maximum column that the cursor is moved to."""

_TOKEN = re.compile(
    r"(?:\x1b\[|\x9b)(?P<values>[0-?]*)[ -/]*(?P<control>[@-~])"
    r"|(?:\x1b[]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)"  # titles, links
    r"|\x1b[ -/]*(?P<escape>[0-~])"
    r"|(?P<plain>\r*\n|[\r\b])"
)
_PART = re.compile(
    r"(?:(?:\x1b\[|\x9b)[0-?]{0,80}[ -/]*|\x1b"
    r"|(?:\x1b[]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]{0,4000}\x1b?)\Z"
)
"""A sequence that ends with the text, and may go on with the next one."""


class _Row:
    __slots__ = ("is_redrawn", "styles", "text")

    def __init__(self, *, is_redrawn: bool = False) -> None:
        self.text = ""
        self.is_redrawn = is_redrawn
        self.styles: list[tuple[int, str]] = []
        """The columns where another style begins."""

    @property
    def is_gone(self) -> bool:
        """Whether nothing is left of what was drawn."""
        return self.is_redrawn and not self.text.strip()

    def put(self, column: int, text: str, style: str) -> None:
        """Replace everything from *column* on with *text*."""
        self.text = self.text[:column].ljust(column) + text
        if style or self.styles:
            self.styles = [known for known in self.styles if known[0] < column]
            if style != self.last_style:
                self.styles.append((column, style))

    def cut(self, column: int) -> None:
        """Erase everything from *column* on."""
        self.text = self.text[:column]
        self.styles = [known for known in self.styles if known[0] < column]

    @property
    def last_style(self) -> str:
        return self.styles[-1][1] if self.styles else ""

    def drawn(self) -> str:
        """Return the text with the sequences that style it; the last style goes on behind it."""
        parts, begin, before = [], 0, ""
        for column, style in self.styles:
            parts += [self.text[begin:column], change_style(before, style)]
            begin, before = column, style
        return "".join([*parts, self.text[begin:]])


class TerminalRows:
    """The rows that may still be redrawn; *emit* gets the others, whole lines in one piece.

    At first, a row is final once its line ends. A program that moves the cursor up keeps so many rows open;
    one that hides the cursor keeps all until it redraws something, one that puts the cursor anywhere all.
    """

    def __init__(self, emit: Callable[[str], None]) -> None:
        self._emit = emit
        self._moves: dict[str, Callable[[int], None]] = {
            "A": self._up, "F": self._up_to_begin, "B": self._down, "E": self._down_to_begin,
            "C": self._forward, "D": self._back, "G": self._to_column, "J": self._erase_below,
            "K": self._erase_right, "s": self._save, "u": self._restore,
        }  # fmt: skip
        self.begin("")

    def begin(self, text: str) -> None:
        """Begin with a line that is not ended yet, as `line` has returned it."""
        self._rows = [_Row()]
        self._row, self._column = 0, 0
        self._style = ""
        self._saved = (0, 0)
        self._origin: int | None = None
        """The row that is the first one of the screen, for a program that puts the cursor anywhere."""
        self._depth = 0
        """How many rows above the last one are redrawn."""
        self._is_held = False
        self._is_returned = False
        self._ended = 0
        """Line ends of the present piece of text, which may all be of one picture."""
        self._is_ordinary = True
        self._has_text = False
        self._part = ""
        if text:
            self.write(text)

    @property
    def line(self) -> str | None:
        """The last line, when that is all there is and it was never redrawn; ``None`` otherwise.

        The style at its end goes on behind it.
        """
        is_special = self._depth or self._is_held or self._is_returned or self._part
        row = self._rows[0]
        if is_special or len(self._rows) > 1 or row.is_redrawn or self._column < len(row.text):
            return None
        return row.drawn() + change_style(row.last_style, self._style)

    def write(self, text: str) -> None:
        """Add written text."""
        text = self._part + text
        part = _PART.search(text)
        self._part = part[0] if part else ""
        text = text[: len(text) - len(self._part)]
        self._is_ordinary, self._has_text, self._ended = True, False, 0
        begin = 0
        for token in _TOKEN.finditer(text):
            self._put(text[begin : token.start()])
            self._do(token)
            begin = token.end()
        self._put(text[begin:])
        if self._is_ordinary and self._has_text and not self._is_held:
            self._depth = 0  # below what was drawn so far; it is over
        self._pass_on()

    def settle(self) -> None:
        """Pass on what is final if nothing more comes for now."""
        self._ended, self._is_held = 0, False
        self._pass_on()

    def flush(self) -> None:
        """Pass on everything."""
        last = self._rows[-1]
        text = _text(self._rows[:-1]) + ("" if last.is_gone else _whole(last))
        self.begin("")
        if text:
            self._emit(text)

    def _put(self, text: str) -> None:
        if not text:
            return
        row = self._rows[self._row]
        row.is_redrawn |= self._column < len(row.text) or self._is_returned
        row.put(self._column, text, self._style)
        self._column = len(row.text)
        self._is_returned = False
        self._has_text |= not text.isspace()

    def _do(self, token: re.Match[str]) -> None:
        match token["control"] or token["escape"] or token["plain"]:
            case "m" if token["control"]:
                self._style = styled_after(self._style, token["values"])
                return
            case None | "m":  # titles, links
                return
            case "\r":
                self._to_column(1)
            case "\b":
                self._back(1)
            case "7" if token["escape"]:
                self._save(1)
                return
            case "8" if token["escape"]:
                self._restore(1)
            case control if token["plain"]:
                self._end_line()
                return
            case control if token["control"]:
                self._control(control, token["values"])
        self._is_ordinary = False

    def _control(self, control: str, values: str) -> None:
        if control in "hl":
            self._is_held = values == "?25" and control == "l"
            return
        if control in "Hf":
            numbers = [int(value[:6] or 1) for value in values.split(";") if value.isdigit() or not value]
            self._to_place(*[*numbers, 1, 1][:2])
        elif control in self._moves and (values.isdigit() or not values):
            self._moves[control](int(values[:6] or -1))
        self._is_held = False

    def _end_line(self) -> None:
        self._row += 1
        self._ended += 1
        self._column, self._is_returned = 0, False
        if self._row == len(self._rows):
            self._rows.append(_Row())
            # A line end alone comes at the end of a picture, which may be cleared after it.
            self._depth += self._depth > 0 and not self._has_text
        self._pass_on()

    def _pass_on(self) -> None:
        """Emit the rows above those that may be redrawn."""
        if all(row.is_gone for row in self._rows[self._row + 1 :]):
            del self._rows[self._row + 1 :]
        count = min(self._row, len(self._rows) - 1 - min(self._kept(), MAX_ROWS))
        if count <= 0:
            return
        final, self._rows = self._rows[:count], self._rows[count:]
        self._row -= count
        self._saved = (max(0, self._saved[0] - count), self._saved[1])
        if self._origin is not None:
            self._origin -= count
        if text := _text(final):
            self._emit(text)

    def _kept(self) -> int:
        """Return how many rows above the last one may still be redrawn."""
        if self._is_held:
            return MAX_ROWS
        if not self._is_ordinary:
            return max(self._depth, self._ended)
        return self._depth

    def _up(self, count: int) -> None:
        self._row -= max(1, count)
        if self._row < 0:  # where final rows were, there are other ones from now on
            self._rows[:0] = [_Row(is_redrawn=True) for _ in range(min(-self._row, MAX_ROWS))]
            self._row = 0
        self._depth = max(self._depth, len(self._rows) - 1 - self._row)

    def _up_to_begin(self, count: int) -> None:
        self._up(count)
        self._to_column(1)

    def _down(self, count: int) -> None:
        self._row = min(len(self._rows) - 1, self._row + max(1, count))

    def _down_to_begin(self, count: int) -> None:
        self._down(count)
        self._to_column(1)

    def _forward(self, count: int) -> None:
        self._column = min(MAX_COLUMN, self._column + max(1, count))

    def _back(self, count: int) -> None:
        self._column = max(0, self._column - max(1, count))

    def _to_column(self, column: int) -> None:
        self._column, self._is_returned = min(MAX_COLUMN, max(1, column)) - 1, True
        self._is_held = False

    def _to_place(self, row: int, column: int) -> None:
        if self._origin is None:
            if self._rows[-1].text:
                self._rows.append(_Row())
            self._origin = len(self._rows) - 1
            self._rows[-1].is_redrawn = True
        self._depth = MAX_ROWS
        self._row = max(0, self._origin + min(MAX_ROWS, max(1, row)) - 1)
        missing = self._row + 1 - len(self._rows)
        self._rows += [_Row(is_redrawn=True) for _ in range(missing)]
        self._to_column(column)

    def _erase_right(self, kind: int) -> None:
        row = self._rows[self._row]
        row.cut(0 if kind > 0 else self._column)
        row.is_redrawn = True

    def _erase_below(self, kind: int) -> None:
        for row in self._rows if kind > 0 else self._rows[self._row + 1 :]:
            row.cut(0)
            row.is_redrawn = True
        self._erase_right(kind)

    def _save(self, _: int) -> None:
        self._saved = self._row, self._column

    def _restore(self, _: int) -> None:
        self._row, self._column = min(self._saved[0], len(self._rows) - 1), self._saved[1]


def _text(rows: list[_Row]) -> str:
    return "".join(_whole(row) + "\n" for row in rows if not row.is_gone)


def _whole(row: _Row) -> str:
    """Return the row as it is drawn, without a style at its end."""
    return row.drawn() + change_style(row.last_style, "")
