"""Capture of the stdout, stderr, logging and tqdm output of tasks as events.

The output still reaches its usual destination. Three hooks are installed once, when the first task starts.
``sys.stdout`` and ``sys.stderr`` are wrapped, not replaced: everything but `write` is the stream's own.
`logging` records are captured by the record factory, once each and with their level (a handler on the root
logger would silence `logging.basicConfig` and the last-resort handler), and what a logging handler then
writes to the streams is not captured again. tqdm bars at the outermost position become the task's progress,
and their last state a log line.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from types import FrameType
from typing import Any, TextIO

from ..system.orphaned_locks import renew_at_finalization
from .context import TaskContext, current

_guard = threading.Lock()
_pid = 0
"""The process whose tasks are captured. In a forked child output only goes to its usual destination."""

_ending = False
"""Whether exit handlers have run: what a finalizer prints may meet locks of threads that are gone."""


def _after_fork_in_child() -> None:
    global _guard
    _guard = threading.Lock()  # another thread of the parent may have held the old one at the fork


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)


def install() -> None:
    """Install the hooks that are missing. Idempotent."""
    global _pid
    with _guard:
        _pid = os.getpid()
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name)
            if stream is not None and type(stream) is not Tee:
                setattr(sys, name, Tee(stream, name))
        _hook_logging()
        hook_tqdm()


def expect_finalization() -> None:
    """This process ends: from now on, look whether the interpreter is being finalized."""
    global _ending
    _ending = True


def untee(stream: Any) -> Any:
    """Return the wrapped stream of a `Tee`; any other stream as it is."""
    return stream._stream if type(stream) is Tee else stream  # noqa: SLF001


class Tee:
    """A stream that also records what a task writes to it as events of that task."""

    def __init__(self, stream: TextIO, name: str) -> None:
        object.__setattr__(self, "_stream", stream)
        object.__setattr__(self, "_name", name)

    def write(self, text: str) -> int:
        count: int = self._stream.write(text)
        context = current()
        if context.id and isinstance(text, str) and not _is_captured_elsewhere(sys._getframe(1)):  # noqa: SLF001
            _capture(context, self._name, text)
        return count

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        """The class of the wrapped stream, for `isinstance`."""
        return type(self._stream)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def __setattr__(self, name: str, value: Any) -> None:
        # While a cell runs, IPython replaces `write` by a function that calls the previous one: this one.
        if name == "write":
            object.__setattr__(self, name, value)
        else:
            setattr(self._stream, name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self._stream, name)

    def __iter__(self) -> Any:
        return iter(self._stream)

    def __enter__(self) -> Any:
        return self._stream.__enter__()

    def __exit__(self, *details: object) -> Any:
        return self._stream.__exit__(*details)

    def __repr__(self) -> str:
        return repr(self._stream)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self._stream.__reduce_ex__(protocol)


def _is_captured_elsewhere(writer: FrameType | None) -> bool:
    """Return whether *writer* is a logging handler or a tqdm bar, whose text the other two hooks capture."""
    while writer is not None and writer.f_globals.get("__name__") == "IPython.core.interactiveshell":
        writer = writer.f_back
    if writer is None:
        return False
    return writer.f_globals is logging.__dict__ or writer.f_globals.get("__name__") == "tqdm.utils"


def _capture(context: TaskContext, stream: str, text: str) -> None:
    if os.getpid() == _pid:
        if _ending:
            renew_at_finalization()
        context.stream(stream).write(text)


def _hook_logging() -> None:
    before = logging.getLogRecordFactory()
    if getattr(before, "of_jupyter_agent", False):
        return

    def factory(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = before(*args, **kwargs)
        context = current()
        if context.id and os.getpid() == _pid and not record.name.startswith("jupyter_agent."):
            context.write_log("logging", _message(record), record.levelname.lower())
        return record

    factory.of_jupyter_agent = True  # type: ignore[attr-defined]
    logging.setLogRecordFactory(factory)


def _message(record: logging.LogRecord) -> str:
    try:
        text = record.getMessage()
    except Exception:  # noqa: BLE001 - bad arguments: logging itself reports them to the user
        text = str(record.msg)
    if record.exc_info and record.exc_info[0] is not None:
        text += "\n" + logging.Formatter().formatException(record.exc_info)
    return text


def hook_tqdm() -> None:
    """Install the tqdm hook, if tqdm is imported. Idempotent."""
    module = sys.modules.get("tqdm.std")
    bar = getattr(module, "tqdm", None)
    if bar is None or getattr(bar, "_jupyter_agent", False):
        return
    refresh, close = bar.refresh, bar.close

    def refresh_too(self: Any, *args: Any, **kwargs: Any) -> Any:
        _follow_bar(self)
        return refresh(self, *args, **kwargs)

    def close_too(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not getattr(self, "disable", True):
            _close_bar(self)
        return close(self, *args, **kwargs)

    bar.refresh, bar.close, bar._jupyter_agent = refresh_too, close_too, True  # noqa: SLF001


def _follow_bar(bar: Any) -> None:
    context = current()
    if context.id and os.getpid() == _pid and not bar.disable and not bar.pos:
        context.progress(bar.n, bar.total, str(bar.desc).rstrip(": ") or None)


def _close_bar(bar: Any) -> None:
    context = current()
    if context.id and os.getpid() == _pid:
        _follow_bar(bar)
        if bar.leave or (bar.leave is None and not bar.pos):
            context.write_log("stderr", str(bar) + "\n")
