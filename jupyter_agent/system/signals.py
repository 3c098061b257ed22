"""Signal handlers of this package, which end where a process of the user's begins: at a fork or an exec."""

from __future__ import annotations

import os
import signal
import threading
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


def has_own_handler(number: signal.Signals) -> bool:
    """Return whether the handler of a signal is this package's."""
    return str(getattr(signal.getsignal(number), "__module__", "")).startswith(_PACKAGE)


def _own_handlers() -> list[signal.Signals]:
    return [number for number in _DEFAULTS if has_own_handler(number)]


class _Fork(threading.local):
    mask: set[int] | None = None
    """What this thread blocked before the fork that is under way."""


_fork = _Fork()


def _before_fork() -> None:
    # A signal to a child that still has the handler of its parent is lost, because Python forgets at a fork
    # what came: `multiprocessing.Pool` would wait for ever for the end of a child that it has just made.
    if own := _own_handlers():
        _fork.mask = signal.pthread_sigmask(signal.SIG_BLOCK, own)


def _after_fork_in_parent() -> None:
    mask, _fork.mask = _fork.mask, None
    if mask is not None:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _after_fork_in_child() -> None:
    # A forked child would raise what stops a task wherever its parent ends it, `multiprocessing.Pool` in the
    # middle of a semaphore's `__exit__`.
    for number in _own_handlers():
        restore_default(number)
    _after_fork_in_parent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )
