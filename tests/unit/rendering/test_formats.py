"""Formats of numbers and times: the table of cases that the front-end's tests read as well."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from jupyter_agent.core.trigger_parser import described, parse_cron
from jupyter_agent.rendering.formats import age, duration, moment, number, percent, rate, share
from jupyter_agent.rendering.humanize import size

CASES: dict[str, list[list[Any]]] = json.loads(
    (Path(__file__).parents[2] / "formats.json").read_text(encoding="utf-8")
)


@pytest.mark.parametrize(("seconds", "measured", "changing"), CASES["duration"])
def test_a_duration_has_two_units_at_most(seconds: float | None, measured: str, changing: str) -> None:
    assert (duration(seconds), duration(seconds, whole=True)) == (measured, changing)


@pytest.mark.parametrize(("seconds", "words"), CASES["age"])
def test_an_age_is_coarse(seconds: float, words: str) -> None:
    assert age(seconds) == words


@pytest.mark.parametrize(("value", "words"), CASES["number"])
def test_a_number_is_whole_or_has_four_digits(value: float | None, words: str) -> None:
    assert number(value) == words


@pytest.mark.parametrize(("done", "total", "words"), CASES["percent"])
def test_a_percent_is_rounded_down(done: float | None, total: float | None, words: str) -> None:
    assert percent(share(done, total)) == words


@pytest.mark.parametrize(("per_second", "words"), CASES["rate"])
def test_a_rate_has_a_prefix_and_a_slow_one_is_a_time(per_second: float, words: str) -> None:
    assert rate(per_second) == words


@pytest.mark.parametrize(("count", "words"), CASES["size"])
def test_a_size_is_in_powers_of_1024(count: int, words: str) -> None:
    assert size(count) == words


@pytest.mark.parametrize(("when", "words"), CASES["moment"])
def test_a_moment_is_local_time(when: float | None, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    try:
        assert moment(when) == words
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(("expression", "words"), CASES["schedule"])
def test_a_schedule_is_read_aloud(expression: str, words: str) -> None:
    assert described(parse_cron(expression, "UTC")) == words


def test_what_json_cannot_say_is_no_number() -> None:
    inf, nan = float("inf"), float("nan")
    assert [number(nan), number(inf), number(10**400)] == ["-", "very many", "very many"]
    assert [duration(nan), duration(inf), age(nan), age(-inf), rate(nan)] == [""] * 5
