"""Panels of metrics: the same as in the front-end, whose tests read the same cases."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jupyter_agent.rendering.panels import better_side, first_parts, panels, wants_logarithm

CASES: dict[str, Any] = json.loads((Path(__file__).parents[2] / "fold" / "panels.json").read_text("utf-8"))


@pytest.mark.parametrize(("names", "grouped"), CASES["panels"])
def test_metrics_with_the_same_last_part_share_a_panel(names: list[str], grouped: list[Any]) -> None:
    assert [[title, group] for title, group in panels(names)] == grouped


@pytest.mark.parametrize(("name", "side"), CASES["better"])
def test_a_name_may_tell_which_values_are_better(name: str, side: str | None) -> None:
    assert better_side(name) == side


def test_what_distinguishes_the_metrics_of_a_panel_is_all_but_the_last_part() -> None:
    assert [first_parts(name) for name in ("train/loss", "a/b/loss", "loss", "end/")] == [
        "train",
        "a/b",
        "",
        "",
    ]


@pytest.mark.parametrize(
    ("values", "wanted"),
    [([1, 1000], True), ([1, 999], False), ([0, 1000], False), ([-1, 1000], False), ([], False)],
)
def test_positive_values_over_three_powers_of_ten_are_drawn_logarithmically(
    values: list[float], wanted: bool
) -> None:
    assert wants_logarithm(values) is wanted
