"""Messages between a process that submits and one of a pool: JSON lines over a Unix socket."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import Struct

from ....core.task import Task
from ....system.host import boot, host, is_this_host


class Begin(Struct, frozen=True):
    """The process *pid*, which is *producer*, wants to begin an attempt."""

    task: str
    attempt: int
    producer: str
    pid: int


class FromPool(Struct, frozen=True, omit_defaults=True):
    """A line from a process of the pool: the attempt that it wants to begin, or how far one is."""

    begin: Begin | None = None
    seen: Task | None = None


class ToPool(Struct, frozen=True, omit_defaults=True):
    """A line to a process of the pool: whether it may begin, or a command for its attempt."""

    may_begin: bool | None = None
    command: str = ""
    task: str = ""
    attempt: int = 0
    now: bool = False
    text: str = ""
    prompt_id: str | None = None


def line(message: FromPool | ToPool) -> bytes:
    """Return *message* as one line."""
    return msgspec.json.encode(message) + b"\n"


@dataclass(frozen=True, slots=True)
class PoolSpec:
    """What travels with the pickled function: whose attempt it is, and how that process is reached.

    ``timeout`` and ``grace`` are seconds; ``cells`` are `Cell` as JSON; ``address`` is the path of its
    socket; ``root`` and ``journal`` say which spools and which journal are its own.
    """

    task: str
    attempt: int
    name: str
    timeout: float | None
    grace: float
    cells: list[dict[str, Any]]
    address: str
    root: str
    journal: str
    pid: int
    host: str
    boot: str

    @property
    def is_from_this_host(self) -> bool:
        """Whether the process that submitted it runs on this machine."""
        return is_this_host(self.host, self.boot)

    @property
    def is_from_this_process(self) -> bool:
        """Whether this process submitted it: its executor pickles, and runs here all the same."""
        return self.is_from_this_host and self.pid == os.getpid()


def here() -> dict[str, Any]:
    """Return the part of a `PoolSpec` that says which process this is."""
    return {"pid": os.getpid(), "host": host(), "boot": boot()}


@dataclass(frozen=True, slots=True)
class Returned:
    """What an attempt returns through the executor: its last snapshot, and the value or exception itself."""

    seen: bytes
    value: Any = None
    exception: BaseException | None = None


@dataclass(frozen=True, slots=True)
class Plain:
    """What a function returned that ran without a context, on another machine."""

    value: Any


@dataclass(frozen=True, slots=True)
class NotBegun:
    """The process has not begun the attempt: it may not, or, for a reason *why*, it could not ask."""

    why: str = ""
