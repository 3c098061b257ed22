"""What the kernel tells its widgets of a running task, for browsers that hear nothing from a server.

A widget's view says, when it is drawn, whether it hears of the task from the server. Where something else
draws the task no view ever says so, and only the first and the last snapshot go out. But while cells run, a
kernel does not hear what its page says: silence means something after it has been at rest for a while.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from ...core.task import Task

UPDATE_EVERY = 0.25
"""Seconds between two snapshots that the kernel sends to a widget."""

LINGER = 1.0
"""Seconds after an end in which a new attempt may still follow by itself."""

DRAW_TIMEOUT = 5.0
"""Seconds that a kernel at rest waits for a view to be drawn."""


class Widget(Protocol):
    """``live`` says that the browser hears of the task from the server."""

    live: bool
    snapshot: Any

    def on_msg(self, callback: Callable[[object, object, object], None]) -> None:
        """Call *callback* with each message of a view."""


W = TypeVar("W", bound=Widget)


class Rest:
    """How long the kernel has been at rest. Begins in a cell."""

    def __init__(self, events: Any, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._since: float | None = None
        events.register("pre_run_cell", self._begin)
        events.register("post_run_cell", self._end)

    @property
    def seconds(self) -> float:
        """0 while a cell runs."""
        since = self._since
        return 0.0 if since is None else self._clock() - since

    def _begin(self, *_: object) -> None:
        self._since = None

    def _end(self, *_: object) -> None:
        self._since = self._clock()


class View(Generic[W]):
    """A widget, and whether anybody draws it."""

    def __init__(self, widget: W, rest: Rest) -> None:
        self.widget = widget
        self._rest = rest
        self._is_drawn: bool | None = None
        widget.on_msg(self._heard)

    @property
    def wants_news(self) -> bool:
        """Whether a snapshot is for somebody; also while nobody could have said so yet."""
        if self._is_drawn is None and self._rest.seconds > DRAW_TIMEOUT:
            self._is_drawn = False
        return self._is_drawn is not False and not self.widget.live

    def _heard(self, _widget: object, content: object, _buffers: object) -> None:
        if isinstance(content, dict) and "live" in content:
            self._is_drawn = True


class WidgetSync(Generic[W]):
    """Copies a running task into its widget; called often, from the forwarder's thread.

    A widget's message goes out through IPython's own output thread, so any thread may send it.
    """

    def __init__(
        self,
        view: View[W],
        look: Callable[[], Task],
        clock: Callable[[], float],
        stop: Callable[[], None],
    ) -> None:
        self._view = view
        self._look = look
        self._clock = clock
        self._stop = stop
        self._next = clock()
        self._until: float | None = None

    def __call__(self) -> None:
        if self._clock() < self._next:
            return
        self._next = self._clock() + UPDATE_EVERY
        task = self._look()
        if task.state.ended or self._view.wants_news:
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
    """The task's snapshot, as JSON has it."""
    value: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(task))
    return value
