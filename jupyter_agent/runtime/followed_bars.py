"""Progress bars that the user's code makes in one attempt, and which of them is the attempt's progress."""

from __future__ import annotations

from typing import Protocol

from ..core.events import Number

Values = tuple[Number | None, Number | None, str | None]
"""Done, total and message."""


class Bar(Protocol):
    """A progress bar of another library, looked at from outside."""

    @property
    def is_scoped(self) -> bool:
        """Whether it ends with a loop or a ``with`` block, so that it cannot be left open by mistake."""

    def values(self) -> Values:
        """Return how far it is, of how much, and its description."""

    @property
    def is_over(self) -> bool:
        """Whether it has ended, or is gone."""

    def last_line(self) -> str:
        """Return the line that it leaves; empty when it leaves none."""


class FollowedBars:
    """The open bars, the first made first. Its owner's lock guards it.

    The outermost bar is the progress. A bar that is neither a loop's nor of a ``with`` block may have been
    left open and must not silence the next one: it yields to later bars when it stood still since they began,
    unless it has moved between them before, as the bar of an outer loop does.
    """

    def __init__(self) -> None:
        self._bars: list[_Followed] = []
        self._applied: Values | None = None

    def open_ones(self) -> list[Bar]:
        """Return the bars that have not ended."""
        return [followed.bar for followed in self._bars]

    def begin(self, bar: Bar, *, is_inner: bool) -> None:
        """Add *bar*; *is_inner*: it was made inside a tracked loop."""
        for earlier in self._bars:
            earlier.note_next()
        self._bars.append(_Followed(bar, is_inner))

    def end(self, bar: Bar, *, is_tracked: bool) -> bool:
        """Remove *bar*; whether its last values are the progress: no other bar and no tracked loop is."""
        place = next(place for place, followed in enumerate(self._bars) if followed.bar is bar)
        followed, earlier = self._bars.pop(place), self._bars[:place]
        for each in earlier:
            each.note_end_of_next()
        if followed.was_left_open or any(each.counts(is_tracked) for each in earlier):
            return False
        return not (is_tracked and followed.is_below_track)

    def outermost(self, *, is_tracked: bool) -> Bar | None:
        """Return the bar that is the progress; ``None``: none, or the tracked loop is."""
        bars = list(self._bars)
        chosen = next((followed for followed in bars if followed.counts(is_tracked)), None)
        return None if chosen is None else chosen.bar

    def moved(self, values: Values, bar: Bar) -> Values:
        """Return *values* with those of *bar*, if these have changed since they were taken last."""
        seen = bar.values()
        if seen == self._applied:
            return values
        stale = self._applied is not None and values[2] == self._applied[2]
        self._applied = seen
        return seen[0], seen[1], seen[2] or (None if stale else values[2])


class _Followed:
    """One bar, and whether it yields to those made after it."""

    def __init__(self, bar: Bar, is_inner: bool) -> None:
        self.bar = bar
        self._is_inner = is_inner
        self._first = bar.values()[0]
        self._mark: Number | None = None
        """Where it stood when a later bar began; ``None``: there is none, or it has moved since."""
        self._is_outer = False
        self._yields = False

    @property
    def is_below_track(self) -> bool:
        """Whether a tracked loop is the progress rather than this bar, while there is one."""
        return self._is_inner or not self.bar.is_scoped

    @property
    def was_left_open(self) -> bool:
        """Whether it stood still while later bars ended, and had never moved between such."""
        self._look()
        return self._yields and not self._is_outer and not self.bar.is_scoped

    def counts(self, is_tracked: bool) -> bool:
        """Return whether it can be the progress now."""
        if is_tracked and self.is_below_track:
            return False
        self._look()
        return self.bar.is_scoped or not self._yields

    def note_next(self) -> None:
        """A later bar begins."""
        self._look()
        done, total, _ = self.bar.values()
        is_done = total is not None and (done or 0) >= total
        self._yields = is_done or (done != self._first and not self._is_outer)
        self._mark = done

    def note_end_of_next(self) -> None:
        """A later bar has ended."""
        self._look()
        self._yields |= self._mark is not None

    def _look(self) -> None:
        if self._mark is not None and self.bar.values()[0] != self._mark:
            self._mark, self._is_outer, self._yields = None, True, False
