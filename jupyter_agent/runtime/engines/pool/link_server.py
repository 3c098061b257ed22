"""Server of links: processes of a pool ask it whether they may begin an attempt, and report to it.

It is this process that decides, since it has submitted the attempt: it says yes once. A process of a pool
keeps its link from its first attempt to its end, so the end of a link is the end of that process.
"""

from __future__ import annotations

import atexit
import logging
import os
import selectors
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol

import msgspec

from ....core.events import UNREADABLE
from ....core.task import Task
from ....errors import AgentError
from ....system.paths import data_paths
from ..pipes import CHUNK, LineReader
from .messages import Begin, FromPool, ToPool, line

log = logging.getLogger(__name__)

_ACCEPT_PAUSE = 0.1
"""Seconds between two attempts to accept a link where there are no more descriptors."""

_MAX_PATH = 100
"""Bytes of a socket's path that every system accepts."""


class Awaited(Protocol):
    """An attempt that a process of a pool may begin."""

    @property
    def run_here(self) -> Callable[[], None]:
        """Runs it in this process, where the executor does that."""

    def begin(self, link: Link, begin: Begin) -> bool:
        """Let that process begin it; false when another has, or it has ended."""

    def see(self, seen: Task) -> None:
        """Adopt a snapshot from the process that runs it."""

    def lose(self) -> None:
        """The process that runs it is gone."""


class Link:
    """One process of a pool."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.attempts: dict[str, Awaited] = {}
        """What it runs, by the id of the task."""

        self._lock = threading.Lock()

    def send(self, message: ToPool) -> None:
        """Send *message*, ignoring a process that has died: the thread that reads finds out."""
        try:
            with self._lock:
                self.connection.sendall(line(message))
        except OSError as error:
            log.debug("a process of a pool is gone: %s", error)


class LinkServer:
    """Accepts links on a socket in a folder that only this user can open."""

    def __init__(self) -> None:
        self._folder = _private_folder()
        self.address = str(self._folder / "link")
        self._awaited: dict[tuple[str, int], Awaited] = {}
        self._links: set[Link] = set()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.bind(self.address)
        self._socket.listen(128)
        self._pid = os.getpid()
        atexit.register(self._remove)
        threading.Thread(target=self._serve, name="jupyter-agent-pools", daemon=True).start()

    def expect(self, task: str, attempt: int, awaited: Awaited) -> None:
        """Let a process ask for this attempt."""
        self._awaited[task, attempt] = awaited

    def forget(self, task: str, attempt: int) -> None:
        """Refuse this attempt from now on. Idempotent."""
        self._awaited.pop((task, attempt), None)

    def awaited(self, task: str, attempt: int) -> Awaited | None:
        """Return the attempt, if it is expected."""
        return self._awaited.get((task, attempt))

    def close_in_child(self) -> None:
        """Close what a forked child has inherited, or the others would not notice that this process ended."""
        for connection in [self._socket, *(link.connection for link in self._links)]:
            connection.close()

    def _remove(self) -> None:
        if os.getpid() == self._pid:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _serve(self) -> None:
        """Serve all links in one thread: a pool may have work at the exit, when Python starts no thread."""
        # Unlike other selectors, this one has no descriptor that a fork copies.
        with selectors.PollSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    if key.data is None:
                        self._accept(selector)
                    else:
                        self._read(selector, *key.data)

    def _accept(self, selector: selectors.BaseSelector) -> None:
        try:
            connection, _ = self._socket.accept()
        except OSError as error:  # no more descriptors, until others are closed
            log.warning("a process of a pool cannot be reached yet: %s", error)
            time.sleep(_ACCEPT_PAUSE)
            return
        link = Link(connection)
        self._links.add(link)
        reader = LineReader(partial(self._on_line, link))
        selector.register(connection, selectors.EVENT_READ, (link, reader))

    def _read(self, selector: selectors.BaseSelector, link: Link, reader: LineReader) -> None:
        try:
            if reader(link.connection.recv(CHUNK)):
                return
        except OSError as error:
            log.debug("a link ended: %s", error)
        except Exception:  # of one attempt: it ends its own link, not those of all
            log.exception("a link to a process of a pool failed")
        selector.unregister(link.connection)
        self._links.discard(link)
        link.connection.close()
        for awaited in list(link.attempts.values()):
            _lose(awaited)

    def _on_line(self, link: Link, text: bytes) -> None:
        try:
            message = msgspec.json.decode(text, type=FromPool)
        except UNREADABLE as error:
            log.warning("a process of a pool sent something that cannot be read: %s", error)
            return
        if message.begin is not None:
            awaited = self.awaited(message.begin.task, message.begin.attempt)
            link.send(ToPool(may_begin=awaited is not None and awaited.begin(link, message.begin)))
        if message.seen is not None and (running := link.attempts.get(message.seen.id)) is not None:
            running.see(message.seen)


def _lose(awaited: Awaited) -> None:
    """Call its `lose`, which may take seconds, in a thread of its own, where Python still starts one."""
    try:
        threading.Thread(target=awaited.lose, name="jupyter-agent-pool-death", daemon=True).start()
    except RuntimeError:
        awaited.lose()


def _private_folder() -> Path:
    """Make a folder whose path leaves room for that of a socket.

    The temporary directory may be full, or deleted since this process began. Raises `AgentError` where no
    other place can take one, either.
    """
    trouble = "their paths are too long"
    for place in (None, "/tmp", data_paths().root):  # noqa: S108 - a new folder with a random name
        try:
            folder = Path(tempfile.mkdtemp(prefix="jupyter-agent-", dir=place))
        except OSError as error:
            trouble = str(error)
            continue
        if len(os.fsencode(folder)) <= _MAX_PATH - len("/link"):
            return folder
        folder.rmdir()
    raise AgentError(f"no folder can be made for a pool's processes ({trouble}); set TMPDIR to one that can")


_server: LinkServer | None = None
_guard = threading.Lock()


def link_server() -> LinkServer:
    """Return this process's server of links, made at the first call."""
    global _server
    with _guard:
        if _server is None:
            _server = LinkServer()
        return _server


def _after_fork_in_child() -> None:
    global _server, _guard
    _guard = threading.Lock()  # another thread of the parent may have held the old one at the fork
    if _server is not None:
        _server.close_in_child()
        _server = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
