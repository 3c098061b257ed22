"""Recording by the streams themselves, for code that kept one from before the first task.

loguru's default sink and handlers of `logging.basicConfig` do.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from .recording import muted, recording_context, write_unrecorded

log = logging.getLogger(__name__)

_HEAP_TYPE, _IMMUTABLE_TYPE = 1 << 9, 1 << 8
"""Flags of a class: made at run time; its attributes cannot be set."""

_names: dict[int, tuple[Any, str]] = {}
"""The streams that record, by id, and their names."""


def record(stream: Any, name: str) -> None:
    """Have *stream* record what tasks write to it directly. Idempotent."""
    if stream is None or id(stream) in _names:
        return
    owner: Any = next((cls for cls in type(stream).__mro__ if "write" in vars(cls)), None)
    if owner is None:
        return
    _names[id(stream)] = (stream, name)
    # In the class, where that can be: IPython sets the stream's own `write` for each cell, and restores it.
    if owner.__flags__ & _HEAP_TYPE and not owner.__flags__ & _IMMUTABLE_TYPE:
        if type(vars(owner)["write"]) is not _RecordedWrite:
            owner.write = _RecordedWrite(vars(owner)["write"])
        return
    try:
        stream.write = _Recorder(stream, stream.write)
    except AttributeError as error:
        log.debug("what tasks write to a kept %r is not recorded: %s", stream, error)


def unrecorded_write(stream: Any) -> Callable[[str], int]:
    """Return a function that writes to *stream* without recording, by the `write` that it has then."""
    own = getattr(stream, "__dict__", {})
    plain: Callable[[str], int] = _without_recorder(stream.write)
    # Looked up each time: IPython replaces the stream's own `write` for each cell, a terminal's bars do, too.
    if "write" in own:
        plain = getattr(type(stream), "write", plain).__get__(stream)

    def write(text: str) -> int:
        present = own.get("write", plain)
        count: int = (present.write if type(present) is _Recorder else present)(text)
        return count

    return write


def _without_recorder(write: Any) -> Any:
    return write.write if type(write) is _Recorder else write


class _RecordedWrite:
    """Attribute `write` of a class of streams. It has precedence over the attribute of an instance."""

    def __init__(self, write: Any) -> None:
        self._write = write

    def __get__(self, stream: Any, owner: Any = None) -> Any:
        if stream is None:
            return self._write
        write = vars(stream).get("write") or self._write.__get__(stream, owner)
        return _Recorder(stream, write) if id(stream) in _names else write

    def __set__(self, stream: Any, write: Any) -> None:
        vars(stream)["write"] = _without_recorder(write)

    def __delete__(self, stream: Any) -> None:
        del vars(stream)["write"]


class _Recorder:
    """A stream's method *write*, which also records what a task writes."""

    __slots__ = ("_stream", "write")

    def __init__(self, stream: Any, write: Callable[..., Any]) -> None:
        self._stream = stream
        self.write = write

    def __call__(self, text: Any, *args: Any, **kwargs: Any) -> Any:
        context = recording_context()
        write = partial(self.write, *args, **kwargs) if args or kwargs else self.write
        if context is None:
            return write_unrecorded(self._stream, write, text)
        context.screen.expect_output()
        with muted:
            count = context.outlets.write(self._stream, write, text)
        if isinstance(text, str):
            context.stream(_names[id(self._stream)][1]).write(text)
        return count
