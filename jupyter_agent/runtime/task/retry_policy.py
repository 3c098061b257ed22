"""Retry policy of a task: how many attempts may still follow a failure, and after which delay."""

from __future__ import annotations

from ...core.events import Error
from ...core.retry import retry_pause, retry_reason


class RetryPolicy:
    """Counts down the automatic retries of one task. The task's lock guards it."""

    def __init__(self, retries: int) -> None:
        self._retries = retries
        self._left = retries

    @property
    def allows_retry(self) -> bool:
        """Whether another attempt may follow a failed one."""
        return self._left > 0

    def restart(self) -> None:
        """Allow all retries again: a person retried the task."""
        self._left = self._retries

    def give_up(self) -> None:
        """Allow no further retry, however the present attempt ends."""
        self._left = 0

    def next(self, failed: int, error: Error | None, random: float) -> tuple[float, str]:
        """Use up one retry after attempt number *failed*; its delay in seconds and the reason to record.

        *random* is uniform in [0, 1).
        """
        self._left -= 1
        seconds = retry_pause(self._retries - self._left, random)
        coming = failed + 1
        return seconds, retry_reason(coming, coming + self._left, seconds, error)
