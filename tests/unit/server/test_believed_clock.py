"""The clock that schedules follow: steps are believed when they last."""

from __future__ import annotations

import pytest

from jupyter_agent.server.background.believed_clock import PATIENCE, TOLERATED, BelievedClock

NOW = 1_700_000_000.0
JUMPS = [40 * 86_400.0, 3600.0, -3600.0, 1e9 - NOW]


class Machine:
    """A wall clock that can be set, and a clock of the boot, which counts also while it sleeps."""

    def __init__(self) -> None:
        self.wall, self.steady = NOW, 50.0
        self.clock = BelievedClock(lambda: self.wall, lambda: self.steady)

    def after(self, seconds: float, jump: float = 0.0) -> float:
        """Return what the clock says *seconds* later, the wall clock being set by *jump* in between."""
        self.wall += seconds + jump
        self.steady += seconds
        return self.clock()


@pytest.fixture
def machine() -> Machine:
    return Machine()


def test_time_goes_on_and_small_steps_are_followed_at_once(machine: Machine) -> None:
    assert machine.after(10) == NOW + 10
    assert machine.after(10, TOLERATED) == NOW + 20 + TOLERATED
    assert machine.after(10, -TOLERATED) == NOW + 30
    assert machine.after(8 * 3600) == NOW + 30 + 8 * 3600, "a machine that slept"


@pytest.mark.parametrize("jump", JUMPS)
def test_a_clock_that_is_wrong_for_a_moment_is_not_believed(machine: Machine, jump: float) -> None:
    assert machine.after(10, jump) == NOW + 10
    assert machine.after(PATIENCE - 1) == NOW + 9 + PATIENCE
    assert machine.after(1, -jump) == NOW + 10 + PATIENCE
    assert machine.after(10, jump) == NOW + 20 + PATIENCE, "and the next time is another time"
    assert machine.after(PATIENCE - 1) == NOW + 19 + 2 * PATIENCE


@pytest.mark.parametrize("jump", JUMPS)
def test_a_clock_that_was_set_for_good_is_followed_after_a_while(machine: Machine, jump: float) -> None:
    machine.after(10, jump)
    assert machine.after(PATIENCE) == NOW + 10 + PATIENCE + jump
    assert machine.after(10) == NOW + 20 + PATIENCE + jump


def test_a_clock_that_is_set_again_and_again_is_followed_once_it_is_left_alone(machine: Machine) -> None:
    for _ in range(5):
        machine.after(PATIENCE / 2, 1000.0)
    assert machine.clock() == NOW + 5 * PATIENCE / 2
    assert machine.after(PATIENCE) == NOW + 7 * PATIENCE / 2 + 5000
