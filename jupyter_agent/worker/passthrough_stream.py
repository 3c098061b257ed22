"""Text stream of a worker whose file descriptors are captured; see `fd_capture`."""

from __future__ import annotations

import io
from typing import Protocol

from ..runtime.capture.recording import is_muted

_WITHIN_A_PRINT = (" ", "\n")
"""What `print` writes between and behind its arguments, in calls of their own."""


class Capture(Protocol):
    """What the stream needs of `FdCapture`."""

    def sync(self) -> None: ...

    def show(self, number: int, text: str) -> None: ...


class PassthroughStream(io.TextIOWrapper):
    """Unbuffered text stream on file descriptor *number*, for `sys.stdout` and `sys.stderr`.

    What the task writes is recorded by `runtime.capture`, which wraps this stream, and is only shown from
    here. Threads without a task and forked children write through it into the pipe.
    """

    def __init__(self, number: int, capture: Capture) -> None:
        raw = open(number, "wb", buffering=0, closefd=False)  # noqa: SIM115 - never closed
        super().__init__(raw, "utf-8", "backslashreplace", write_through=True)
        self._number = number
        self._capture = capture

    def write(self, text: str, /) -> int:
        # Bytes are refused as by any text stream: that is how click tells which streams are for text.
        if not (is_muted() and isinstance(text, str)):
            return super().write(text)
        if text not in _WITHIN_A_PRINT:
            self._capture.sync()  # what C code has written before comes before it
        self._capture.show(self._number, text)
        return len(text)
