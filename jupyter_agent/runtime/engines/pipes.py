"""Reading and writing the pipes of a child process."""

from __future__ import annotations

import codecs
import subprocess
from collections.abc import Callable
from typing import IO, Any


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

    *find_stream* gives the stream, or ``None``, anew for each piece: it may be redirected meanwhile.
    """

    def __init__(self, find_stream: Callable[[], Any]) -> None:
        self._find_stream = find_stream
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode

    def __call__(self, data: bytes) -> bool:
        text = self._decode(data, not data)
        stream = self._find_stream() if text else None
        if stream is not None:
            stream.write(text)
            stream.flush()
        return bool(data)


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
