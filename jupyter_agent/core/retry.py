"""Retry of a failed task: the delay before it, and the reason shown meanwhile."""

from __future__ import annotations

from .backoff import Backoff
from .events import Error

FIRST_DELAY, MAX_DELAY = 1.0, 60.0
"""Upper bounds of the delay before the first retry, and before any, in seconds."""

_MAX_SENTENCE = 200
"""Maximum number of characters of the error in a reason."""


def retry_pause(retry: int, random: float) -> float:
    """Return the seconds before retry number *retry* (from 1); *random* is uniform in [0, 1).

    Full jitter: uniform between 0 and 1, 2, 4, ... at most 60 seconds, so that tasks that failed together do
    not come back together.
    """
    return Backoff(FIRST_DELAY, MAX_DELAY, attempts=retry - 1).next(random)


def retry_reason(attempt: int, last: int, seconds: float, error: Error | None) -> str:
    """Format why and when a queued task starts: ``attempt 2 of 4 in 1.8s, after ValueError: no``."""
    after = f", after {_on_one_line(error)}" if error else ""
    return f"attempt {attempt} of {last} in {seconds:.1f}s{after}"


def _on_one_line(error: Error) -> str:
    text = " ".join(f"{error.type}: {error.message}".split()).removesuffix(":")
    return text if len(text) <= _MAX_SENTENCE else f"{text[: _MAX_SENTENCE - 1]}…"
