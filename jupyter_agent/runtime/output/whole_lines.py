"""Whole lines in a kernel's stream, where a cell and its tasks write to it at the same time.

ipykernel, since 7, collects the text of each header apart, and sends it when a timer or any thread flushes
the stream. `print` writes a line in pieces, so another thread's flush would send the first of them alone, and
what that thread has printed would stand within the line. Such a piece waits for the line's end, as long as
the timer takes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from io import StringIO
from time import monotonic
from typing import Any

_USED = (
    "_buffers",
    "_buffer_lock",
    "_rotate_buffers",
    "_schedule_flush",
    "_is_master_process",
    "flush_interval",
)
"""What is used of ipykernel's stream. Without one of these its lines stay as they are."""

Header = frozenset[tuple[str, Any]]


class WholeLines:
    """What has to be known of one stream. Thread-safe."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._send: Callable[[], None] = stream.flush
        self._due: set[Header] = set()
        """The headers whose text is sent as it is: their own thread has flushed the stream."""
        self._due_items: set[tuple[str, Any]] = set()
        """The same by one item of the header."""
        self._since: dict[Header, float] = {}
        """When the unfinished lines that wait were first to be sent."""

    def install(self) -> None:
        """Let the stream flush by this."""
        self._stream.flush = self.flush
        self._stream._rotate_buffers = self.take  # noqa: SLF001

    def flush(self) -> None:
        """Send what this thread has written, and the whole lines of all others."""
        with self._stream._buffer_lock:  # noqa: SLF001
            self._due.add(frozenset(self._stream.parent_header.items()))
        self._send()

    def flush_lines(self) -> None:
        """Send the whole lines of all writers."""
        self._send()

    def flush_named(self, item: tuple[str, Any]) -> None:
        """Send what is written with *item* in its header, and the whole lines of all others."""
        with self._stream._buffer_lock:  # noqa: SLF001
            self._due_items.add(item)
        self._send()

    def take(self) -> dict[Header, StringIO]:
        """Return what is to be sent now, and keep the rest for the next time."""
        stream = self._stream
        kept: dict[Header, StringIO] = defaultdict(StringIO)
        with stream._buffer_lock:  # noqa: SLF001
            taken: dict[Header, StringIO] = stream._buffers  # noqa: SLF001
            stream._buffers = kept  # noqa: SLF001
            if stream._is_master_process():  # noqa: SLF001 - in a forked child nothing sends the rest
                for header, buffer in taken.items():
                    self._keep_rest(header, buffer, kept)
            now = monotonic()
            self._since = {header: self._since.get(header, now) for header in kept}
            self._due, self._due_items = set(), set()
        if kept:
            stream._schedule_flush()  # noqa: SLF001
        return taken

    def _keep_rest(self, header: Header, buffer: StringIO, kept: dict[Header, StringIO]) -> None:
        """Move the unfinished line at the end of *buffer*, unless it is due."""
        text = buffer.getvalue()
        end = text.rfind("\n") + 1
        if end > 0:
            self._since.pop(header, None)
        if end == len(text) or self._is_due(header):
            return
        kept[header].write(text[end:])
        buffer.seek(end)
        buffer.truncate()

    def _is_due(self, header: Header) -> bool:
        if header in self._due or not header.isdisjoint(self._due_items):
            return True
        now = monotonic()
        return bool(now - self._since.get(header, now) >= self._stream.flush_interval)


_streams: dict[int, WholeLines] = {}
"""The streams that are kept whole, by id; none of them goes away before."""


def keep_whole(stream: Any) -> WholeLines | None:
    """Keep the lines of ipykernel's *stream* whole from now on. Idempotent; ``None`` where that cannot be."""
    lines = _streams.get(id(stream))
    if lines is None and all(hasattr(stream, name) for name in _USED):
        lines = _streams.setdefault(id(stream), WholeLines(stream))
        lines.install()
    return lines
