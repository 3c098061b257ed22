"""Pace: the size of a step follows the time that steps take."""

from __future__ import annotations

import pytest

from jupyter_agent.journal.operations.pace import STEP_SECONDS, Pace


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("seconds_each", "expected"),
    [(STEP_SECONDS / 100, 100), (STEP_SECONDS / 1000, 1000), (1e-9, 1000), (STEP_SECONDS * 5, 2)],
    ids=["as many as fit", "exactly the most", "never more", "never fewer"],
)
def test_a_step_takes_as_long_as_it_should(seconds_each: float, expected: int) -> None:
    clock = Clock()
    pace = Pace(16, 1000, smallest=2, clock=clock)
    for _ in range(12):
        with pace.step() as size:
            clock.now += size * seconds_each
    assert pace.size == pytest.approx(expected, abs=1)


def test_a_step_that_took_long_makes_the_next_one_small_at_once() -> None:
    clock = Clock()
    pace = Pace(1000, 1000, clock=clock)
    with pace.step():
        clock.now += 1.0
    assert pace.size == 1000 * STEP_SECONDS
