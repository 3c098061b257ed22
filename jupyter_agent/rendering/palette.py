"""Palettes: the color of each task state, on terminals and in HTML."""

from __future__ import annotations

from ..core.events import TaskState

TERMINAL_COLORS = {
    TaskState.QUEUED: "bright_black",
    TaskState.RUNNING: "cyan",
    TaskState.COMPLETED: "green",
    TaskState.FAILED: "red",
    TaskState.CANCELLED: "yellow",
    TaskState.INTERRUPTED: "magenta",
}
"""Names of ANSI colors, as rich spells them."""

HTML_COLORS = {
    TaskState.QUEUED: "#6b7480",
    TaskState.RUNNING: "#1f7ae0",
    TaskState.COMPLETED: "#2e8b57",
    TaskState.FAILED: "#d64545",
    TaskState.CANCELLED: "#6b7480",
    TaskState.INTERRUPTED: "#c77700",
}
"""CSS colors, each with a contrast of at least 3:1 against a white and against a dark page."""
