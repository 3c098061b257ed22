"""Report of a stop: what views are told while an attempt that was asked to stop still runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from ...core.events import Stopping
from .course import FROM_KEYBOARD, StopCourse
from .place import place_of

REPORT_DELAY = 0.5
"""Seconds after which an attempt that still runs says so: most have ended by then."""

LOOK_INTERVAL = 3.0
"""Seconds between two looks at where it is. An event is emitted only when something has changed."""


class Reported(Protocol):
    """What a report needs of the engine of an attempt.

    ``reports``: false where another process of the attempt says how a stop goes. ``kills``: the grace's end
    ends the work in any case; otherwise ``note`` says what ends it. ``thread`` is where the work runs in this
    process; ``None``: elsewhere, or that is not known. ``interrupted``: it handles an interrupt from the
    keyboard, or cleans up after one.
    """

    @property
    def reports(self) -> bool: ...

    @property
    def kills(self) -> bool: ...

    @property
    def note(self) -> str | None: ...

    @property
    def thread(self) -> int | None: ...

    @property
    def interrupted(self) -> bool: ...


class Placed(Protocol):
    """The context of the attempt: where its work is that another process does."""

    place: Callable[[], str | None] | None


class StopReport:
    """What is due to be said about one stop. Does nothing before the stop has begun."""

    def __init__(self, course: StopCourse, context: Placed) -> None:
        self._course = course
        self._context = context
        self._next = 0.0
        self._where: str | None = None
        self._since: float | None = None
        self._said: tuple[object, ...] | None = None

    def due(self, engine: Reported | None, late: str | None) -> Stopping | None:
        """Return the event to emit; ``None`` while views know it already. *late*: which timeout passed."""
        course, now = self._course, time.monotonic()
        if course.why is None:
            return self._resumed()
        if now < course.began + REPORT_DELAY:
            return None
        if engine is not None and not engine.reports:
            return None
        if now >= self._next:
            self._next = now + LOOK_INTERVAL
            self._look(engine)
        note = self._note(engine, late)
        facts = (course.why, course.again, self._where, note)
        if facts == self._said:
            return None
        self._said = facts
        return Stopping(course.why, course.left, self._where, self._since, note)

    def _resumed(self) -> Stopping | None:
        if self._said is None:
            return None
        self._said, self._where, self._next = None, None, 0.0
        return Stopping("cancel", resumed=True)

    def _look(self, engine: Reported | None) -> None:
        thread = None if engine is None else engine.thread
        elsewhere = self._context.place
        where = elsewhere() if elsewhere else None if thread is None else place_of(thread)
        if where != self._where:
            self._where, self._since = where, None if where is None else time.time()

    def _note(self, engine: Reported | None, late: str | None) -> str | None:
        if self._course.forced and engine is not None and not engine.kills:
            return engine.note
        if self._course.by_keyboard:
            return FROM_KEYBOARD
        return late if self._course.why == "timeout" else None
