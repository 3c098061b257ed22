"""What one attempt prints and displays, as the output area of a cell has it: it can be cleared."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ...core.sanitize import strip_controls
from .displays import CELL, Displays, Record
from .line_buffer import LineBuffer


class Screen:
    """The streams and displays of an attempt. Thread-safe.

    *write* gets the text of a stream, *record* a display. *name* is that of no other attempt of the task.
    """

    def __init__(self, write: Callable[[str, str], None], record: Record, name: str) -> None:
        self.before_output: Callable[[], None] | None = None
        """To be called before the next output appears, by `expect_output`."""
        self.section: str | None = None
        """The cell of a notebook that the output is from."""
        self._write = write
        self._streams: dict[str, LineBuffer] = {}
        self._displays = Displays(record, name)
        self._was_cleared = False

    def renew_locks(self) -> None:
        """See `LockOwner`; its attempt calls this."""
        self._displays.renew_locks()
        for stream in self._streams.values():
            stream.renew_locks()

    def stream(self, name: str) -> LineBuffer:
        """Return the buffer of what the attempt writes to *name* (``stdout`` or ``stderr``)."""
        buffer = self._streams.get(name)
        if buffer is None:
            buffer = self._streams.setdefault(name, LineBuffer(partial(self._write, name)))
            if self._was_cleared:
                buffer.clear()
        return buffer

    def show(
        self,
        data: dict[str, Any],
        metadata: dict[str, Any],
        display_id: str | None = None,
        area: str = CELL,
    ) -> None:
        """Record a display; one that is nothing but text, and cannot be replaced, as text."""
        if display_id is None and set(data) <= {"text/plain"}:
            if text := strip_controls(str(data.get("text/plain", ""))):
                self.stream("stdout").write(text + "\n")
        else:
            self._displays.show(data, metadata, display_id, area)

    def expect_output(self) -> None:
        """Do what was to be done before the next output appears."""
        before, self.before_output = self.before_output, None
        if before is not None:
            before()

    def clear(self, area: str = CELL) -> None:
        """Drop what was printed and displayed in *area*."""
        self._displays.clear(area)
        if area == CELL:
            self._was_cleared = True
            for stream in list(self._streams.values()):
                stream.clear()

    def sample(self) -> None:
        """Pass on what has waited long enough."""
        self._displays.sample()
        for stream in list(self._streams.values()):
            stream.flush_waiting()

    def settle(self) -> None:
        """Pass on everything; a clear from now on concerns only what comes after it."""
        self.before_output = None
        self.flush()
        self._displays.settle()
        self._streams.clear()
        self._was_cleared = False

    def end_thread(self) -> None:
        """Pass on the lines that this thread, which ends now, has not ended."""
        for stream in list(self._streams.values()):
            stream.end_thread()

    def flush(self) -> None:
        """Pass on everything."""
        for stream in list(self._streams.values()):
            stream.flush()
        self._displays.sample(is_last=True)
