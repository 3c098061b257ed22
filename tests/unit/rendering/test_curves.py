"""Curves of metrics in bounded memory."""

from __future__ import annotations

import math

from jupyter_agent.rendering.curves import MAX_POINTS, Curve, Curves


def only(curves: Curves) -> Curve:
    [curve] = curves
    return curve


def test_a_short_curve_has_all_its_values() -> None:
    curves = Curves()
    for n in range(5):
        curves.add("loss", n * n, n, 10.0 + n)
    assert [point.value for point in only(curves).points] == [0, 1, 4, 9, 16]
    assert (only(curves).count, only(curves).has_steps) == (5, True)


def test_a_long_curve_keeps_its_highest_its_lowest_and_its_last_value_in_order() -> None:
    curves = Curves()
    for n in range(100_003):
        curves.add("loss", {77_777: 50.0, 33_333: -50.0}.get(n, math.sin(n)), n, float(n))
    curve = only(curves)
    assert len(curve.points) <= MAX_POINTS + 2
    values = [point.value for point in curve.points]
    assert (min(values), max(values)) == (-50.0, 50.0)
    assert curve.last == math.sin(100_002)
    steps = [point.step or 0 for point in curve.points]
    assert steps == sorted(steps)
    assert curve.count == 100_003


def test_what_is_no_number_is_left_out_and_a_value_without_a_step_makes_a_curve_without_steps() -> None:
    curves = Curves()
    curves.add("a", None, 1, 0.0)
    assert list(curves) == []
    curves.add("a", 1, 1, 0.0)
    curves.add("a", 2, None, 1.0)
    assert only(curves).has_steps is False


def test_the_number_of_curves_is_bounded_and_a_new_attempt_begins_with_none() -> None:
    curves = Curves()
    for n in range(500):
        curves.add(f"m{n}", 1, 1, 0.0)
    assert len(list(curves)) == 50
    curves.clear()
    assert list(curves) == []


def test_the_number_of_points_can_be_chosen_and_the_newest_value_is_known() -> None:
    curves = Curves(1000)
    for n in range(1000):
        curves.add("all", n, n, float(n))
    assert [point.value for point in only(curves).points] == list(range(1000))
    for n in range(1000, 100_000):
        curves.add("all", n, n, float(n))
    points = only(curves).points
    assert 400 < len(points) <= 1002
    assert (points[0].value, only(curves).newest.value, only(curves).count) == (0, 99_999, 100_000)
