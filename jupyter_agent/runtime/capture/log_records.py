"""`logging` records of tasks: kept once each, with their level, after the user's filters have seen them.

A record is kept when a handler has accepted it, and as the handlers' filters have left it; without any
handler, when its logger has. What handlers write meanwhile is that record again, and not recorded as text.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from typing import Any

from ..context import TaskContext, set_current
from .recording import Unmuted, muted, open_context
from .wrapping import wrap_method


class _State(threading.local):
    pending: _Pending | None = None
    """The record whose handlers this thread calls."""


_state = _State()


def install() -> None:
    """Observe loggers and handlers. Idempotent."""
    wrap_method(logging.Logger, "callHandlers", _call_handlers)
    wrap_method(logging.Handler, "handle", _handle)
    wrap_method(logging.Handler, "handleError", _handle_error)


class _Pending:
    """A record on its way through the handlers."""

    def __init__(self, record: logging.LogRecord) -> None:
        self.record = record
        self.is_accepted = False

    def note(self, verdict: Any) -> None:
        """Note what a handler's filters said: false, true, or a record in place of the one they got."""
        if verdict:
            self.is_accepted = True
            if isinstance(verdict, logging.LogRecord):
                self.record = verdict


def _call_handlers(method: Callable[..., None], logger: logging.Logger, record: logging.LogRecord) -> None:
    context = open_context()
    if context is None:
        method(logger, record)
        return
    before, _state.pending = _state.pending, _Pending(record)
    pending = _state.pending
    try:
        method(logger, record)
    finally:
        _state.pending = before
        if pending.is_accepted or not _has_handlers(logger):
            _keep(context, pending.record)


def _has_handlers(logger: logging.Logger | None) -> bool:
    """Return whether there is a handler that could have accepted a record of *logger*."""
    while logger is not None:
        # One with its own `handle`, such as a `NullHandler`, says nothing about what it accepts.
        if any(type(handler).handle is logging.Handler.handle for handler in logger.handlers):
            return True
        logger = logger.parent if logger.propagate else None
    return False


def _handle(method: Callable[..., Any], handler: logging.Handler, record: logging.LogRecord) -> Any:
    context = open_context()
    if context is None:
        return method(handler, record)
    if _is_own(record):
        return _handle_outside(method, handler, record)
    with muted:
        verdict = method(handler, record)
    if _state.pending is not None:
        _state.pending.note(verdict)
    elif verdict and record.process not in (None, os.getpid()):
        # A listener hands on what another process logged; what this one logs was kept where it was logged.
        _keep(context, verdict if isinstance(verdict, logging.LogRecord) else record)
    return verdict


def _is_own(record: logging.LogRecord) -> bool:
    """Return whether this package logs *record*: it is in no task's log."""
    return record.name is not None and record.name.startswith("jupyter_agent.")


def _handle_outside(method: Callable[..., Any], handler: logging.Handler, record: logging.LogRecord) -> Any:
    before = set_current(None)
    try:
        return method(handler, record)
    finally:
        set_current(before)


def _handle_error(method: Callable[..., None], handler: logging.Handler, record: logging.LogRecord) -> None:
    with Unmuted():  # what a handler cannot write it says on the standard error, and that is no record
        method(handler, record)


def _keep(context: TaskContext, record: logging.LogRecord) -> None:
    if _is_own(record):
        return
    try:
        text = record.getMessage()
    except Exception:  # noqa: BLE001 - arguments that do not fit, a bad `__str__`: the handlers have said so
        return
    trace = record.exc_text  # a handler's formatter keeps it here, and a filter may have redacted it
    if not trace and record.exc_info and record.exc_info[0] is not None:
        trace = logging.Formatter().formatException(record.exc_info)
    text = "\n".join(filter(None, (text, trace, record.stack_info)))
    context.write_log("logging", text, logging.getLevelName(record.levelno).lower(), record.name)
