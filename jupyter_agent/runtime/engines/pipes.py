"""Reading and writing the pipes of a child process."""

from __future__ import annotations

import codecs
import fcntl
import logging
import math
import os
import struct
import subprocess
import termios
import time
from collections.abc import Callable
from typing import IO, Any

log = logging.getLogger(__name__)
CHUNK = 1 << 16
"""Bytes that are read at once."""

LAST_OUTPUT = 1.5
"""Seconds for which what a program has written before its end is read, where other processes write on."""

_PIPE_SIZE = 1 << 20
"""Bytes that a pipe for output holds, where the system lets it. What C code writes beyond that, while it
keeps the interpreter's lock, waits for another process; see `overflow`."""


def open_output_pipe() -> tuple[int, int]:
    """Return a new large pipe: the end to read from, the end to write to."""
    reading, writing = os.pipe()
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        try:
            fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, _PIPE_SIZE)
        except OSError as error:  # this user has many pipes
            log.debug("a pipe keeps its size: %s", error)
    return reading, writing


def capacity(fd: int) -> int:
    """Return how many bytes a pipe can hold, or less."""
    return fcntl.fcntl(fd, fcntl.F_GETPIPE_SZ) if hasattr(fcntl, "F_GETPIPE_SZ") else 1 << 14


def waiting_bytes(fd: int) -> int:
    """Return how many bytes a pipe holds."""
    (count,) = struct.unpack("i", fcntl.ioctl(fd, termios.FIONREAD, b"\0" * 4))
    return int(count)


def write_all(fd: int, data: bytes) -> None:
    """Write *data*, ignoring that it is read no more."""
    try:
        while data:
            data = data[os.write(fd, data) :]
    except BrokenPipeError:
        return


class LastOutput:
    """Tells when enough is read of a program that has ended: a process that it started may write on."""

    def __init__(self) -> None:
        self._deadline = math.inf

    def is_read(self, *, has_ended: bool, has_more: bool) -> bool:
        """Return whether to stop: the program *has_ended* before the last look, which *has_more* found."""
        if not has_ended:
            return False
        now = time.monotonic()
        self._deadline = min(self._deadline, now + LAST_OUTPUT)
        return not has_more or now >= self._deadline


class LineReader:
    """Calls *on_line* with each complete line of the data it is called with; returns false at the end."""

    def __init__(self, on_line: Callable[[bytes], None]) -> None:
        self._on_line = on_line
        self._rest = b""

    def __call__(self, data: bytes) -> bool:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._on_line(line)
        return bool(data)


class TextRelay:
    """Writes the data it is called with to a text stream; returns false at the end.

    *find_stream* gives the stream, or ``None``, anew for each piece: it may be redirected meanwhile. That
    a stream fails (a full disk, ``| head``, one of the user's) is said once: the data is read all the same.
    """

    def __init__(self, find_stream: Callable[[], Any]) -> None:
        self._find_stream = find_stream
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._has_failed = False

    def __call__(self, data: bytes) -> bool:
        text = self._decode(data, not data)
        stream = self._find_stream() if text else None
        if stream is not None:
            self._show(stream, text)
        return bool(data)

    def _show(self, stream: Any, text: str) -> None:
        try:
            _write_encodable(stream, text)
            stream.flush()
        except Exception as error:  # noqa: BLE001 - whatever it is, the task goes on and must end
            if not self._has_failed:
                self._has_failed = True
                log.warning("what a task prints cannot be shown, and is in its log only: %s", error)


def _write_encodable(stream: Any, text: str) -> None:
    """Write *text*, with escapes for the characters that the encoding of *stream* does not have."""
    try:
        stream.write(text)
    except UnicodeEncodeError:
        stream.write(text.encode(stream.encoding, "backslashreplace").decode(stream.encoding))


def write_to_child(stream: IO[bytes], data: bytes) -> None:
    """Write *data*, ignoring a child that has died: the thread that waits for it finds out how."""
    try:
        stream.write(data)
        stream.flush()
    except BrokenPipeError:
        return


def close_pipes(process: subprocess.Popen[bytes]) -> None:
    """Close this side of all pipes of *process*."""
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()
    if process.stdin is not None:
        try:
            process.stdin.close()
        except BrokenPipeError:
            return
