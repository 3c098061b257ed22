"""Examples at the end of a command's ``--help``."""

from __future__ import annotations


def examples(*commands: str) -> str:
    """An epilog with what a person may type, each line of it as it stands."""
    lines = "\n".join(f"  jupyter agent {command}" for command in commands)
    return f"\b\nExamples:\n{lines}"
