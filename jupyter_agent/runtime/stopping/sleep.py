"""`time.sleep` that wakes on a cancel, in the threads of a task.

The built-in one cannot be interrupted outside the main thread. It is replaced when the first thread of a task
starts, also in the modules that have imported it by its name; outside tasks the replacement calls the
built-in.
"""

from __future__ import annotations

import copyreg
import sys
import threading
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

from ..context import current

SHORT = 0.05
"""Seconds up to which the built-in sleeps, which is exact and cheap; a cancel is noticed after it."""

_builtin = time.sleep


def sleep(seconds: float, /) -> None:
    """Delay execution for a given number of seconds; in a task, until it is cancelled at most."""
    context = current()
    if not context.id or threading.current_thread() is threading.main_thread():
        _builtin(seconds)
    elif isinstance(seconds, (int, float)) and SHORT < seconds <= threading.TIMEOUT_MAX:
        if not context.cancellation.sleep(seconds):
            _builtin(seconds)
    else:
        _builtin(seconds)
        context.cancellation.check_once()


sleep.__module__, sleep.__qualname__ = "time", "sleep"  # it is pickled by this name


def install() -> None:
    """Replace `time.sleep`, unless something else has replaced it. Idempotent."""
    if time.sleep is _builtin:
        copyreg.pickle(type(_builtin), _reduce)
        time.sleep = sleep  # type: ignore[assignment]
        for module in list(sys.modules.values()):
            _replace_in(module)


def _replace_in(module: object) -> None:
    if issubclass(type(module), ModuleType):
        names = object.__getattribute__(module, "__dict__")  # a lazy module is not to be loaded by this
        if names.get("sleep") is _builtin:
            names["sleep"] = sleep


def waking(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return what to call for *function*: the built-in may have been submitted before it was replaced."""
    return sleep if function is _builtin else function


def _reduce(function: Any) -> Any:
    """Pickle the built-in, which some module may hold, although its name means another function now."""
    return (eval, ("__import__('time').sleep",)) if function is _builtin else function.__reduce__()
