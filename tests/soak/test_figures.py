"""The arithmetic that decides whether something leaks."""

from __future__ import annotations

import math
import random

import pytest

from tests.soak.figures import MIB, Line, Sample, fit, holes, is_steep, repeats, rss_line

pytestmark = pytest.mark.timeout(20)


def test_a_straight_line_is_found_without_error() -> None:
    line = fit([0, 900, 1800, 3600], [5, 6, 7, 9])
    assert line.slope == pytest.approx(4)
    assert line.error == pytest.approx(0, abs=1e-6)


def test_noise_shows_in_the_error_and_the_slope_is_within_it() -> None:
    chance = random.Random(3)
    times = [3.0 * turn for turn in range(500)]
    line = fit(times, [100 + 12 * time / 3600 + chance.gauss(0, 2) for time in times])
    assert abs(line.slope - 12) < 3 * line.error
    assert 0 < line.error < 1


@pytest.mark.parametrize("times", [[], [1.0], [1.0, 2.0], [1.0, 1.0, 1.0]])
def test_too_little_to_fit_is_no_verdict(times: list[float]) -> None:
    line = fit(times, [7.0] * len(times))
    assert math.isinf(line.error)
    assert not is_steep(line)


def test_memory_is_fitted_in_mebibytes_an_hour() -> None:
    samples = [Sample(at, int((50 + at / 60) * MIB), 10, 3) for at in range(0, 600, 5)]
    assert rss_line(samples).slope == pytest.approx(60, rel=1e-3)


@pytest.mark.parametrize(
    ("line", "steep"), [(Line(40, 1), True), (Line(40, 5), False), (Line(-90, 1), False)]
)
def test_growth_is_called_so_only_beyond_doubt(line: Line, steep: bool) -> None:
    assert is_steep(line) is steep


def test_holes_are_what_is_neither_there_nor_named() -> None:
    assert holes([1, 2, 5, 6], 7) == 3
    assert holes([1, 2, 5, 6], 7, [(3, 4)]) == 1
    assert holes([], 0) == 0


def test_repeats_are_counted_each_time() -> None:
    assert repeats([1, 2, 2, 3, 3, 3]) == 3
