"""Which task records what is written here and now, and the extents in which nothing is recorded."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

from ...system.orphaned_locks import renew_at_finalization
from ..context import TaskContext, current


class _State(threading.local):
    depth = 0


_state = _State()
_enabled = True
_ending = False
"""Whether exit handlers have run: what a finalizer prints may meet locks of threads that are gone."""


def enable() -> None:
    """Record in this process; a forked child records nothing until it starts a task itself."""
    global _enabled
    _enabled = True


def expect_finalization() -> None:
    """This process ends: from now on, look whether the interpreter is being finalized."""
    global _ending
    _ending = True


def open_context() -> TaskContext | None:
    """Return the context of the task that this code runs in; ``None`` outside, after its end, in a child."""
    context = current()
    return context if context.id and _enabled and not context.closed else None


def recording_context() -> TaskContext | None:
    """Return the context that records what is written here; ``None`` where it is muted, too."""
    if _ending:
        renew_at_finalization()
    return None if _state.depth else open_context()


def write_unrecorded(stream: Any, write: Callable[[str], int], text: str) -> int:
    """Write, by *write*, to *stream* what is recorded elsewhere or, outside a task, not at all."""
    context = open_context()
    return write(text) if context is None else context.outlets.write(stream, write, text)


def is_muted() -> bool:
    """Return whether what this thread writes is recorded elsewhere."""
    return _state.depth > 0


class Muted:
    """Context manager: what this thread writes inside is recorded by whoever opened it. Re-entrant."""

    def __enter__(self) -> None:
        _state.depth += 1

    def __exit__(self, *details: object) -> None:
        _state.depth -= 1


class Unmuted:
    """Context manager: the opposite of `Muted`, inside of it."""

    def __init__(self) -> None:
        self._depth = 0

    def __enter__(self) -> None:
        self._depth, _state.depth = _state.depth, 0

    def __exit__(self, *details: object) -> None:
        _state.depth = self._depth


muted = Muted()


def _after_fork_in_child() -> None:
    global _enabled
    _enabled = False


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
