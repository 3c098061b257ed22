"""Signal handlers of this package, which end where a process of the user's begins: at a fork or an exec."""

from __future__ import annotations

import os
import signal
from types import FrameType
from typing import Any

_PACKAGE = __name__.partition(".")[0] + "."
_DEFAULTS: dict[signal.Signals, Any] = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
}
"""How Python starts."""


def ignore(number: int, frame: FrameType | None) -> None:
    """Ignore a signal in this process only. A program that it starts would inherit SIG_IGN."""


def restore_default(number: signal.Signals) -> None:
    """Install what Python starts with. Main thread only."""
    signal.signal(number, _DEFAULTS.get(number, signal.SIG_DFL))


def _after_fork_in_child() -> None:
    # A forked child would raise what stops a task wherever its parent ends it, `multiprocessing.Pool` in the
    # middle of a semaphore's `__exit__`.
    for number in _DEFAULTS:
        if str(getattr(signal.getsignal(number), "__module__", "")).startswith(_PACKAGE):
            restore_default(number)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
