from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jupyter_agent.core.backoff import Backoff


def test_the_ceiling_doubles_from_a_quarter_of_a_second_to_fifteen() -> None:
    backoff = Backoff()
    ceilings = [backoff.next(1.0) for _ in range(9)]
    assert ceilings == [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0]


def test_the_jitter_is_full() -> None:
    assert Backoff().next(0.0) == 0.0
    assert Backoff().next(0.5) == 0.125


def test_a_connection_that_worked_starts_over() -> None:
    backoff = Backoff()
    for _ in range(5):
        backoff.next(0.5)
    backoff.reset()
    assert backoff.next(1.0) == 0.25


@given(st.integers(0, 10**9), st.floats(0, 1, exclude_max=True))
def test_no_number_of_failures_leaves_the_bounds(failures: int, random: float) -> None:
    backoff = Backoff(attempts=failures)
    assert 0.0 <= backoff.next(random) <= 15.0
    assert backoff.attempts == failures + 1
