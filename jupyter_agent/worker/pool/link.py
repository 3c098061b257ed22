"""Link to the process that submits: asks it whether an attempt may begin, reports, and gets commands."""

from __future__ import annotations

import logging
import os
import socket
import threading
from queue import SimpleQueue
from typing import Protocol

import msgspec

from ...core.task import Task
from ...runtime.engines.pipes import CHUNK, LineReader
from ...runtime.engines.pool.messages import Begin, FromPool, ToPool, line

log = logging.getLogger(__name__)


class Commanded(Protocol):
    """An attempt that runs here."""

    def command(self, message: ToPool) -> None:
        """Carry out a command for it."""


class Link:
    """One connection for as long as both processes live. Raises `OSError` when the other one is gone."""

    def __init__(self, address: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.connect(address)
        except OSError:
            self._socket.close()
            raise
        self.is_open = True
        self._sending, self._asking = threading.Lock(), threading.Lock()
        self._answers: SimpleQueue[bool] = SimpleQueue()
        self._running: dict[tuple[str, int], Commanded] = {}
        threading.Thread(target=self._read, name="jupyter-agent-pool-link", daemon=True).start()

    def may_begin(self, begin: Begin, runs: Commanded) -> bool:
        """Ask whether this process may begin an attempt, whose commands *runs* gets then."""
        with self._asking:
            self._running[begin.task, begin.attempt] = runs
            if not self._send(FromPool(begin)):
                return False
            if self._answers.get():
                return True
        self.forget(begin.task, begin.attempt)
        return False

    def report(self, seen: Task) -> None:
        """Send a snapshot; one that is not read any more does not matter."""
        self._send(FromPool(seen=seen))

    def forget(self, task: str, attempt: int) -> None:
        """The attempt gets no further command. Idempotent."""
        self._running.pop((task, attempt), None)

    def close_in_child(self) -> None:
        """Close it in a forked child: the end of the link is to be the end of this process."""
        self._socket.close()

    def _send(self, message: FromPool) -> bool:
        try:
            with self._sending:
                self._socket.sendall(line(message))
        except OSError as error:
            log.debug("the process that submitted this task is gone: %s", error)
            return False
        return True

    def _read(self) -> None:
        reader = LineReader(self._on_line)
        try:
            while reader(self._socket.recv(CHUNK)):
                pass
        except OSError as error:
            log.debug("a link ended: %s", error)
        finally:
            self.is_open = False
            self._answers.put(False)  # for an attempt that waits to begin: nothing expects it any more

    def _on_line(self, text: bytes) -> None:
        message = msgspec.json.decode(text, type=ToPool)
        if message.may_begin is not None:
            self._answers.put(message.may_begin)
        elif (runs := self._running.get((message.task, message.attempt))) is not None:
            runs.command(message)


_links: dict[str, Link] = {}
_guard = threading.Lock()


def link_to(address: str) -> Link:
    """Return the link to the process that listens at *address*. Raises `OSError` when it is gone."""
    with _guard:
        link = _links.get(address)
        if link is None or not link.is_open:
            link = _links[address] = Link(address)
        return link


def _after_fork_in_child() -> None:
    global _guard
    _guard = threading.Lock()  # another thread of the parent may have held the old one at the fork
    for link in _links.values():
        link.close_in_child()
    _links.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
