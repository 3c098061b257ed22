"""The pauses between retries, and what is said of them."""

from __future__ import annotations

import pytest

from jupyter_agent.core.events import Error
from jupyter_agent.core.retry import retry_pause, retry_reason


def test_the_pauses_double_up_to_a_minute() -> None:
    longest = [retry_pause(retry, 1.0) for retry in range(1, 10)]
    assert longest == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert retry_pause(10_000, 1.0) == 60


def test_a_pause_is_any_part_of_the_longest() -> None:
    assert [retry_pause(3, chance) for chance in (0.0, 0.25, 0.5)] == [0, 1, 2]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (Error("ValueError", "no such file", ""), "attempt 2 of 4 in 1.8s, after ValueError: no such file"),
        (Error("KeyError", "", ""), "attempt 2 of 4 in 1.8s, after KeyError"),
        (Error("E", "a\n  b\tc", ""), "attempt 2 of 4 in 1.8s, after E: a b c"),
        (None, "attempt 2 of 4 in 1.8s"),
    ],
)
def test_a_reason_says_which_attempt_when_and_why(error: Error | None, said: str) -> None:
    assert retry_reason(2, 4, 1.76, error) == said


def test_a_long_error_is_cut() -> None:
    said = retry_reason(2, 4, 1.0, Error("E", "x" * 1000, ""))
    assert said.endswith("x…")
    assert len(said) < 250
