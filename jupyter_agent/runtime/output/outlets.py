"""The streams of a kernel that a task writes to: their messages name the task.

A front-end that draws the task thereby knows which text its view has already. ipykernel, since 7, keeps apart
what is written in answer to different messages, so the name is one more field of the header that is answered.
Other streams are written to as ever.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from functools import partial
from typing import Any

from .whole_lines import keep_whole

TASK_FIELD = "jupyter_agent_task"
"""The field of a stream message's ``parent_header`` with the id of the task that wrote the text."""


class Outlets:
    """The kernel's streams that one attempt of the task *task_id* has written to. Thread-safe."""

    def __init__(self, task_id: str) -> None:
        self._task_id = task_id
        self._streams: dict[int, Any] = {}
        self._last: tuple[Any, Any, Any, dict[str, Any]] = (None, None, None, {})
        """A stream, its variable, its header, and that header with the name: most text is for the same."""

    def write(self, stream: Any, write: Callable[[str], int], text: str) -> int:
        """Call *write*, which writes *text* to *stream*, in the task's name."""
        last, variable, header, named = self._last
        if last is not stream or stream.parent_header is not header:
            variable = _header_variable(stream)
            header = stream.parent_header if variable is not None else None
            if variable is None or not header or TASK_FIELD in header:
                return write(text)
            named = self._name(stream, header)
            self._last = stream, variable, header, named
        token = variable.set(named)
        try:
            return write(text)
        finally:
            variable.reset(token)

    def _name(self, stream: Any, header: dict[str, Any]) -> dict[str, Any]:
        """Return *header* with the name of the task, which writes to *stream* from now on."""
        if id(stream) not in self._streams:
            # Texts of two writers wait apart: what the cell printed before the task must leave before it.
            lines = keep_whole(stream)
            (lines.flush_lines if lines else stream.flush)()
            self._streams[id(stream)] = stream
        return {**header, TASK_FIELD: self._task_id}

    def named(self, stream: Any) -> Any:
        """Return *stream*, or what writes to it in the task's name from any thread."""
        return stream if _header_variable(stream) is None else _NamedStream(self, stream)

    def flush_of(self, stream: Any) -> Callable[[], None]:
        """Return what sends the text that the task has written to *stream*."""
        lines = keep_whole(stream) if id(stream) in self._streams else None
        if lines is not None:
            return partial(lines.flush_named, (TASK_FIELD, self._task_id))
        flush: Callable[[], None] = stream.flush
        return flush

    def flush(self) -> None:
        """Send everything: what the cell prints when the task is over must come after it."""
        for stream in list(self._streams.values()):
            if not stream.closed:
                self.flush_of(stream)()


class _NamedStream:
    def __init__(self, outlets: Outlets, stream: Any) -> None:
        self._outlets = outlets
        self._stream = stream

    def write(self, text: str) -> int:
        return self._outlets.write(self._stream, self._stream.write, text)

    def flush(self) -> None:
        self._outlets.flush_of(self._stream)()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _header_variable(stream: Any) -> ContextVar[dict[str, Any]] | None:
    """Return ipykernel's variable with the header that what is written here answers; ``None`` without one."""
    variable = getattr(stream, "_parent_header", None)
    return variable if isinstance(variable, ContextVar) and hasattr(stream, "_buffers") else None
