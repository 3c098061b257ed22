"""Waits for something else than a cancel: none of them is longer than an interrupt may be late."""

from __future__ import annotations

import pytest

from jupyter_agent.runtime.stopping.cancellation import POLL_INTERVAL, SIGNAL_INTERVAL, Cancellation


@pytest.mark.parametrize(("task", "most"), [("", SIGNAL_INTERVAL), ("a task", POLL_INTERVAL)])
@pytest.mark.parametrize("timeout", [None, 1e9])
def test_a_long_wait_begins_anew_so_that_no_interrupt_is_overlooked(
    task: str, most: float, timeout: float | None
) -> None:
    asked: list[float | None] = []

    def wait(seconds: float | None) -> bool:
        asked.append(seconds)
        return len(asked) == 3

    assert Cancellation(task).wait(wait, timeout)
    assert asked == [most] * 3


@pytest.mark.parametrize("task", ["", "a task"])
def test_a_short_wait_is_as_long_as_it_was_asked_for(task: str) -> None:
    asked: list[float] = []

    def wait(seconds: float | None) -> bool:
        asked.append(seconds or 0.0)
        return False

    assert not Cancellation(task).wait(wait, 0.05)
    assert len(asked) == 1
    assert 0.0 <= asked[0] <= 0.05
