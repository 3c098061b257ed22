"""`forward_to`: sending events to another program's WebSocket.

Where a server holds the journal, it keeps and runs the forward, which outlives this process. Without a
server, a thread of this process sends its own events, read from its spool.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol, Self

from ..forwarding.spec import redacted_url
from ..forwarding.spec_parser import read_forward_spec
from ..producer.producer import current_producer
from ..rendering.signatures import readable
from .forwards.local_forward import LocalForward
from .forwards.server_forward import ServerForward


@readable
def forward_to(
    url: str,
    *,
    task: Any = None,
    types: Iterable[str] | None = None,
    headers: dict[str, str] | None = None,
    format: str = "json",
    from_start: bool = False,
) -> Forward:
    """Send events to the WebSocket at *url*, one JSON text frame each, at least once, until `Forward.close`.

    *task*: one task only, as a handle or an id, from its first event; else everything from now on
    (*from_start*: from the oldest event there is). *types*: some event types only. *format*: ``"json"`` as
    HTTP gives events, or ``"cloudevents"``. The server keeps it, also without this kernel; the same forward
    requested again is that one, with the *headers* given now. Without a server, this process sends the events
    of its own tasks, beginning with the oldest in its spool, as long as it runs.

    Raises `ValueError` for an invalid address, type or header.
    """
    given = {"url": url, "types": None if types is None else list(types), "headers": headers or {}}
    named = getattr(task, "id", task)
    spec = read_forward_spec({**given, "task": named, "format": format, "from_start": from_start})
    producer = current_producer()
    address = producer.locate()
    runner = LocalForward(producer, spec) if address is None else ServerForward(producer, address, spec)
    return Forward(url, runner)


class Runner(Protocol):
    """What runs a forward: a server, or a thread of this process."""

    id: str

    def delivered(self) -> int: ...

    def wait(self, timeout: float | None) -> bool: ...

    def close(self) -> None: ...


@readable
class Forward:
    """A handle of one forward. As a context manager it closes the forward at the end."""

    def __init__(self, url: str, runner: Runner) -> None:
        self.url = url
        self._runner = runner

    @property
    def id(self) -> str:
        """Its id, also in ``jupyter agent forward list``."""
        return self._runner.id

    @property
    def delivered(self) -> int:
        """How many events the peer has acknowledged; an event that was sent twice counts twice."""
        return self._runner.delivered()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until everything emitted so far has arrived; false after *timeout* seconds, or once closed."""
        return self._runner.wait(timeout)

    def close(self) -> None:
        """End it for good. Idempotent."""
        self._runner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Forward to {redacted_url(self.url)}>"
