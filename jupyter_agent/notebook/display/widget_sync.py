"""Snapshots of a running task for its widget, for browsers that cannot reach the Jupyter server.

A widget's view reports, when it is drawn, whether it gets the task's events from the server. Where another
renderer draws the task, no view ever reports, and only the first and the last snapshot are sent. A kernel
does not receive messages while a cell runs, so only silence while the kernel is idle means that no view
was drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from ...core.task import Task

UPDATE_EVERY = 0.25
"""Minimum number of seconds between two snapshots sent to a widget."""

LINGER = 1.0
"""Seconds after an end in which a retry may still follow by itself."""

DRAW_TIMEOUT = 5.0
"""Seconds that an idle kernel waits for a view to report that it is drawn."""


class Widget(Protocol):
    """``live``: the browser gets the task's events from the server."""

    live: bool
    snapshot: Any

    def on_msg(self, callback: Callable[[object, object, object], None]) -> None:
        """Call *callback* with each message of a view."""


W = TypeVar("W", bound=Widget)


class IdleTime:
    """Measures how long the kernel has been idle. Created in a running cell."""

    def __init__(self, events: Any, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._since: float | None = None
        events.register("pre_run_cell", self._begin)
        events.register("post_run_cell", self._end)

    @property
    def seconds(self) -> float:
        """Seconds since the last cell ended; 0 while a cell runs."""
        since = self._since
        return 0.0 if since is None else self._clock() - since

    def _begin(self, *_: object) -> None:
        self._since = None

    def _end(self, *_: object) -> None:
        self._since = self._clock()


class View(Generic[W]):
    """A widget, and whether a front-end draws it (``None``: not known yet)."""

    def __init__(self, widget: W, idle: IdleTime) -> None:
        self.widget = widget
        self._idle = idle
        self._is_drawn: bool | None = None
        widget.on_msg(self._on_message)

    @property
    def wants_updates(self) -> bool:
        """Whether snapshots should be sent; true as long as it is not known whether a view is drawn."""
        if self._is_drawn is None and self._idle.seconds > DRAW_TIMEOUT:
            self._is_drawn = False
        return self._is_drawn is not False and not self.widget.live

    def _on_message(self, _widget: object, content: object, _buffers: object) -> None:
        if isinstance(content, dict) and "live" in content:
            self._is_drawn = True


class WidgetSync(Generic[W]):
    """Copies a running task into its widget; a sampler, called often from the forwarder's thread.

    A widget's message is sent by IPython's own output thread, so any thread may assign a snapshot.
    """

    def __init__(
        self,
        view: View[W],
        snapshot: Callable[[], Task],
        clock: Callable[[], float],
        stop: Callable[[], None],
    ) -> None:
        self._view = view
        self._snapshot = snapshot
        self._clock = clock
        self._stop = stop
        self._next = clock()
        self._until: float | None = None

    def __call__(self) -> None:
        if self._clock() < self._next:
            return
        self._next = self._clock() + UPDATE_EVERY
        task = self._snapshot()
        if task.state.ended or self._view.wants_updates:
            self._copy(task)
        self._linger(task.state.ended)

    def _copy(self, task: Task) -> None:
        try:
            self._view.widget.snapshot = as_json(task)
        except Exception:
            self._stop()
            raise

    def _linger(self, ended: bool) -> None:
        if not ended:
            self._until = None
        elif self._until is None:
            self._until = self._clock() + LINGER
        elif self._clock() >= self._until:
            self._stop()


def as_json(task: Task) -> dict[str, Any]:
    """Return the task's snapshot as plain JSON values."""
    value: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(task))
    return value
