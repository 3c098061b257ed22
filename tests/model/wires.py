"""One connection: two queues of frames, cut at any point, each end noticing in its own time."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .servers import ModelSocket


@dataclass(frozen=True, slots=True)
class Closing:
    """A close frame."""

    code: int


@dataclass(eq=False, slots=True)
class Wire:
    """``up`` is under way to the server, ``down`` to the client. ``held``: the client reads nothing."""

    client: Any
    socket: ModelSocket | None = None
    up: deque[bytes] = field(default_factory=deque)
    down: deque[bytes | Closing] = field(default_factory=deque)
    client_open: bool = True
    server_open: bool = True
    held: bool = False
    _stuck: list[tuple[bytes, asyncio.Future[None]]] = field(default_factory=list)

    @property
    def is_over(self) -> bool:
        return not (self.client_open or self.server_open)

    def send(self, frame: bytes) -> bool:
        """The client's write; false once it knows that the connection is gone."""
        if self.client_open and self.server_open:
            self.up.append(frame)
        return self.client_open

    def write(self, frame: bytes) -> asyncio.Future[None] | None:
        """The server's write: leaves at once, or, while the client reads nothing, waits in line."""
        if not self.server_open:
            raise ConnectionError("the peer is gone")
        if self.held:
            assert self.socket is not None
            left: asyncio.Future[None] = self.socket.server.loop.create_future()
            self._stuck.append((frame, left))
            return left
        if self.client_open:
            self.down.append(frame)
        return None

    def release(self) -> None:
        """The client reads again."""
        self.held = False
        stuck, self._stuck = self._stuck, []
        for frame, left in stuck:
            if self.client_open:
                self.down.append(frame)
            if not left.done():
                left.set_result(None)

    def cut_client(self) -> None:
        """The client notices that it is gone; what it sent may still arrive."""
        self.client_open = False

    def cut_server(self) -> None:
        """The server notices that it is gone; what left it may still arrive, what was sent does not."""
        self.server_open = False
        self.up.clear()
        stuck, self._stuck = self._stuck, []
        for _, left in stuck:
            if not left.done():
                left.set_exception(ConnectionError("the peer is gone"))
                left.exception()  # the waiting writer may be gone, too
