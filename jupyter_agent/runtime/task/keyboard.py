"""Questions outside a task: asked in the terminal or in the cell, by `input`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ..conversation import Conversation
from ..origin import kernel_shell


class Keyboard(Conversation):
    """A conversation with the person who runs this program: they type, and nothing is recorded.

    Timeouts do not count: `input` has none.
    """

    def ask(
        self, text: str, choices: Sequence[str] | None, _timeout: float | None, default: str | None
    ) -> str:
        """Return the line that a person types; *default* for an empty line.

        Where nothing can be typed, the answer is *default*; without one: raises `RuntimeError`.
        """
        hints = ["/".join(choices)] if choices else []
        if default is not None:
            hints.append(f"Enter for {default}")
        line = _typed(f"{text} ({', '.join(hints)}) " if hints else f"{text} ")
        if line is None and default is None:
            raise RuntimeError(_unheard("ask", ", or give ask a default"))
        return line or default or ""

    def receive(self, _timeout: float | None) -> str:
        """Return the next line that a person types. Raises `RuntimeError` where nothing can be typed."""
        line = _typed("")
        if line is None:
            raise RuntimeError(_unheard("receive"))
        return line


def _typed(prompt: str) -> str | None:
    """Return a line from the keyboard; ``None`` without a terminal, and in a kernel that cannot ask."""
    if kernel_shell() is None and not _is_terminal():
        return None
    try:
        return input(prompt)
    except NotImplementedError:  # what runs this kernel has no field to type in, as nbconvert
        return None


def _is_terminal() -> bool:
    return sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty()


def _unheard(word: str, way: str = "") -> str:
    return (
        f"{word} outside a task needs a terminal or a cell to type in, and there is none here; "
        f"start the function with submit{way}"
    )
