"""Source code as text: its syntax tree, the text of a node, the comments beside lines."""

from __future__ import annotations

import ast
import tokenize
import warnings
from contextlib import suppress
from io import StringIO

from ...errors import BadTarget

MAX_SOURCE = 512 * 1024
"""Bytes of source that are parsed; more would keep the server busy for longer than a request may."""


class Source:
    """Python source, parsed. Raises `BadTarget` if it is none; *what* names it in the error."""

    def __init__(self, text: str, what: str) -> None:
        if len(text) > MAX_SOURCE:
            raise BadTarget(f"{what} is too long to be read for its parameters")
        self.tree = _parse(text, what)
        self._lines = text.encode(errors="replace").splitlines(keepends=True)

    def text_of(self, node: ast.expr) -> str:
        """Return the text of *node*, in one line."""
        last = (node.end_lineno or node.lineno) - 1
        lines = self._lines[node.lineno - 1 : last + 1]
        lines[-1] = lines[-1][: node.end_col_offset]
        lines[0] = lines[0][node.col_offset :]
        return " ".join(b"".join(lines).decode(errors="replace").split())

    def comments(self, first: int, last: int) -> dict[int, str]:
        """Return the comments of the lines from *first* to *last*, by line, counted from 1."""
        text = b"".join(self._lines[first - 1 : last]).decode(errors="replace")
        found = {}
        with suppress(tokenize.TokenError, SyntaxError):  # these lines alone need not be complete
            for token in tokenize.generate_tokens(StringIO(text).readline):
                if token.type == tokenize.COMMENT:
                    found[token.start[0] + first - 1] = token.string.lstrip("#").strip()
        return found

    def is_comment(self, line: int) -> bool:
        """Return True if the line has nothing but a comment."""
        return 1 <= line <= len(self._lines) and self._lines[line - 1].lstrip().startswith(b"#")


def _parse(text: str, what: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about escapes in the user's source
            return ast.parse(text)
    except SyntaxError as error:
        raise BadTarget(f"{what}, line {error.lineno or 1}: {error.msg}") from error
    except (ValueError, RecursionError, MemoryError) as error:  # null bytes; nested too deeply
        raise BadTarget(f"{what} cannot be read as Python") from error
