"""Exceptions that a thread handles now, in a handler or a clean-up, as this interpreter shows them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

MAX_CONTEXT = 50
"""Exceptions of a chain that are looked at: each was raised while the next one was handled."""


def handled_exception(thread: int) -> BaseException | None:
    """Return the exception that a handler in *thread* handles now, if this interpreter shows it."""
    current: Callable[[], dict[int, Any]] = getattr(sys, "_current_exceptions", dict)
    found = current().get(thread)
    error = found[1] if isinstance(found, tuple) else found  # a tuple before Python 3.12
    return error if isinstance(error, BaseException) else None


def handles_interrupt(thread: int) -> bool:
    """Return whether *thread* handles a `KeyboardInterrupt`, or cleans up after one."""
    error = handled_exception(thread)
    for _ in range(MAX_CONTEXT):
        if error is None or isinstance(error, KeyboardInterrupt):
            break
        error = error.__context__
    return error is not None and isinstance(error, KeyboardInterrupt)
