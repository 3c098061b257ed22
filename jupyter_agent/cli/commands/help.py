"""Examples at the end of a command's ``--help``."""

from __future__ import annotations

ID = "01K5Y4C9D6QW8V0T2N3B4M5X6Z"
"""An id for examples."""


def examples(*commands: str) -> str:
    """Return an epilog with *commands*, one on each line."""
    lines = "\n".join(f"  jupyter agent {command}" for command in commands)
    return f"\b\nExamples:\n{lines}"
