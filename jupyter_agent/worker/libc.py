"""Calls of the C library: its own ``stdout``, which buffers where that is no terminal, and ``poll``."""

from __future__ import annotations

import ctypes
import select
import sys
from collections.abc import Iterable

_BY_THE_LINE = 1  # _IOLBF


def write_stdout_by_the_line() -> None:
    """Have it written with each line, as on a terminal; before anything was printed."""
    ctypes.CDLL(None).setvbuf(_stdout(), None, _BY_THE_LINE, 0)


def flush_stdout() -> None:
    """Write what it still holds."""
    ctypes.CDLL(None).fflush(_stdout())


def _stdout() -> ctypes.c_void_p:
    name = "__stdoutp" if sys.platform == "darwin" else "stdout"
    return ctypes.c_void_p.in_dll(ctypes.CDLL(None), name)


class _PollFd(ctypes.Structure):
    _fields_ = (("fd", ctypes.c_int), ("events", ctypes.c_short), ("revents", ctypes.c_short))


class PendingInput:
    """Tells whether any of some descriptors has something to read.

    It keeps the interpreter's lock, unlike `select.poll`: beside a busy thread, getting it back takes long.
    """

    def __init__(self, fds: Iterable[int]) -> None:
        entries = [_PollFd(fd, select.POLLIN, 0) for fd in fds]
        self._entries = (_PollFd * len(entries))(*entries)
        self._count = ctypes.c_ulong(len(entries))
        self._poll = ctypes.PyDLL(None).poll

    def __call__(self) -> bool:
        return self._poll(self._entries, self._count, 0) > 0 and any(
            entry.revents & select.POLLIN for entry in self._entries
        )
