"""Shared parts of the targets: finds, folders, and a log that must stay silent."""

from __future__ import annotations

import logging
import resource
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple

from .dice import Dice

Feed = Callable[[Dice], None]
"""Feeds one input to the code under test; raises `Found` (or anything else) on a find."""


class Found(AssertionError):
    """Something that no input may bring about."""


class Target(NamedTuple):
    """*opened* gives the function that feeds one input; *share* is its part of all inputs."""

    name: str
    opened: Callable[[Path], AbstractContextManager[Feed]]
    share: float
    needs_server: bool = False
    """Whether it runs against a real server."""


def expect(true: object, sentence: str) -> None:
    """Raise `Found` with *sentence* unless *true*."""
    if not true:
        raise Found(sentence)


class _Loud(logging.Handler):
    def __init__(self, expected: tuple[str, ...]) -> None:
        super().__init__(logging.WARNING)
        self._expected = expected
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info or not any(part in record.getMessage() for part in self._expected):
            self.lines.append(f"{record.levelname} {record.name}: {record.getMessage()}")


@contextmanager
def quiet(*expected: str) -> Iterator[Callable[[], None]]:
    """Nothing at WARNING or above, but lines that contain one of *expected* (and no traceback).

    Gives a function that raises `Found` for what was logged since it was last asked.
    """
    loud = _Loud(expected)
    root = logging.getLogger()
    root.addHandler(loud)

    def check() -> None:
        lines, loud.lines = loud.lines, []
        expect(not lines, f"the log said: {lines[:3]}")

    try:
        yield check
        check()
    finally:
        root.removeHandler(loud)


@contextmanager
def at_most(extra: int) -> Iterator[None]:
    """No more than *extra* bytes of address space over what is in use now: a mutated length stays a
    `MemoryError` and takes no other process's memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + extra, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
