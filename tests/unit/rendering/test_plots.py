"""Plots of metrics in the static HTML of a task."""

from __future__ import annotations

import re
from html import escape
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from jupyter_agent.core.events import TaskState
from jupyter_agent.core.snapshots import MetricPoint
from jupyter_agent.core.task import Task
from jupyter_agent.rendering.curves import Curves
from jupyter_agent.rendering.html import html
from tests.support.builders import TASK

from .test_html import words

_ELEMENTS = """
h1 h2 h3 h4 h5 h6 h7 h8 br b i strong em a pre code img tt div ins del sup sub p ol ul table thead tbody tfoot
blockquote dl dt dd kbd q samp var hr ruby rt rp li tr td th s strike summary details caption figure
figcaption abbr bdo cite dfn mark small span time wbr"""
ALLOWED_BY_GITHUB = frozenset(_ELEMENTS.split())
"""The elements in ``SanitizationFilter::ALLOWLIST`` of the gem html-pipeline 2.14, GitHub's filter as it has
published it. Of the attributes in our pictures it allows ``aria-hidden``, ``aria-label`` and ``open``, and no
``style``, ``hidden`` or ``role``; the text in elements that it removes stays."""


class Sanitizer(HTMLParser):
    """Keeps what GitHub keeps of an output's HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.kept = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag in ALLOWED_BY_GITHUB:
            named = [f' {name}="{value}"' for name, value in attributes if name in ("aria-hidden", "open")]
            self.kept += f"<{tag}{''.join(named)}>"

    def handle_endtag(self, tag: str) -> None:
        if tag in ALLOWED_BY_GITHUB:
            self.kept += f"</{tag}>"

    def handle_data(self, data: str) -> None:
        self.kept += escape(data)


def on_github(drawn: str) -> str:
    sanitizer = Sanitizer()
    sanitizer.feed(drawn)
    sanitizer.close()
    return sanitizer.kept


def curves(**series: list[float]) -> Curves:
    made = Curves()
    for name, values in series.items():
        for step, value in enumerate(values):
            made.add(name.replace("__", "/"), value, step, 100.0 + step)
    return made


def picture(drawn: Curves, **metrics: MetricPoint) -> str:
    return html(Task(TASK, name="train", state=TaskState.COMPLETED, metrics=metrics), (), drawn)


def lines(drawn: str) -> list[list[tuple[float, float]]]:
    """The points of each line, in the picture's own units."""
    found = re.findall(r'<polyline points="([^"]*)"', drawn)
    return [[tuple(map(float, spot.split(","))) for spot in points.split()] for points in found]  # type: ignore[misc]


def test_a_picture_says_the_last_and_the_best_value_beside_its_curve() -> None:
    drawn = picture(curves(loss=[3.0, 1.0, 2.0]), loss=MetricPoint(2.0, 2), final=MetricPoint(0.5, None))
    assert words(drawn) == "● train completed final 0.5 loss 2 best 1 at 1 1 to 3 · step 0 to 2"
    [line] = lines(drawn)
    assert [x for x, _ in line] == [0.0, 120.0, 240.0]
    assert line[1][1] > line[2][1] > line[0][1], "low values are at the bottom"
    assert 'aria-label="Plot of loss"' in drawn


def test_on_github_name_state_values_and_curves_are_left() -> None:
    falling, rising = [float(n) for n in range(64, 0, -1)], [float(n) for n in range(8)]
    drawn = picture(curves(train__loss=falling, val__loss=[32.0] * 64, acc=rising))
    assert words(drawn) == words(on_github(drawn).replace('<div aria-hidden="true">', "<div hidden>"))
    left = words(on_github(drawn))
    assert left.startswith("● train completed ")
    for text in ("train 1 best 1 at 63", "val 32", "acc 7 best 7 at 7", "1 to 64 · step 0 to 63"):
        assert text in left
    assert "████▇▇▇▇▆▆▆▆▅▅▅▅▄▄▄▄▃▃▃▃▂▂▂▂▁▁▁▁" in left
    assert "▄" * 32 in left
    assert "▁▁▁▁▂▂▂▂▂▃▃▃▃▄▄▄▄▄▅▅▅▅▆▆▆▆▆▇▇▇▇█" in left


def test_a_curve_of_few_points_is_drawn_as_far_as_they_go_and_a_constant_one_in_the_middle() -> None:
    made = curves(loss=[1.0] * 2)
    made.add("late/loss", 2.0, 1, 100.0)
    made.add("late/loss", 3.0, 2, 101.0)
    left = on_github(picture(made))
    assert re.findall(r"<code>(.*?)</code>", left) == ["▁" * 32, "\N{NO-BREAK SPACE}" * 16 + "▅" * 15 + "█"]


def test_metrics_with_the_same_last_part_are_in_one_picture() -> None:
    drawn = picture(curves(train__loss=[3.0, 1.0], lr=[5.0, 5.0], val__loss=[4.0, 2.0]))
    assert drawn.count("<svg ") == 2
    assert "loss ● train 1 best 1 at 1 ● val 2 best 2 at 1 1 to 4 · step 0 to 1 lr 5" in words(drawn)
    assert len(set(re.findall(r'<polyline .*? stroke="([^"]*)"', drawn))) == 2


def test_a_curve_over_three_powers_of_ten_is_logarithmic() -> None:
    drawn = picture(curves(lr=[1000.0, 10.0, 0.1]))
    [line] = lines(drawn)
    assert line[1][1] == pytest.approx((line[0][1] + line[2][1]) / 2)
    assert "0.1 to 1,000 · log scale · step 0 to 2" in words(drawn)


def test_without_steps_the_time_is_across() -> None:
    made = Curves()
    for at in (0.0, 30.0, 90.0):
        made.add("speed", at, None, at)
    drawn = picture(made)
    assert [x for x, _ in lines(drawn)[0]] == [0.0, 80.0, 240.0]
    assert "1m 30s" in words(drawn)


@pytest.mark.parametrize(
    "values", [[1.0, 1.0], [1e308, -1e308], [5e-324, 1e-323], [0.0, -0.0], [10**400, 1, 2]]
)
def test_any_values_have_a_place_in_the_picture(values: list[Any]) -> None:
    for line in lines(picture(curves(x=values))):
        assert all(0 <= x <= 240 and 0 <= y <= 80 for x, y in line)


def test_a_last_value_that_is_not_a_number_is_told() -> None:
    made = curves(loss=[3.0, 1.0])
    made.add("loss", None, 2, 102.0)
    assert "loss - best 1 at 1" in words(picture(made))


def test_a_single_value_has_no_picture() -> None:
    assert "<svg" not in picture(curves(loss=[1.0]), loss=MetricPoint(1.0, 0))
    assert "loss 1" in words(picture(curves(loss=[1.0]), loss=MetricPoint(1.0, 0)))


def test_of_many_metrics_the_first_dozen_is_drawn() -> None:
    many = {f"m{n}": [1.0, 2.0] for n in range(20)}
    drawn = picture(curves(**many), **{name: MetricPoint(2.0, 1) for name in many})
    assert drawn.count("<svg ") == 12
    assert "m12 2 · m13 2" in words(drawn)


def test_names_are_text_and_nothing_in_a_picture_runs_or_loads() -> None:
    made = Curves()
    for step in range(2):
        made.add('"><script>evil()</script>\x1b[31m', step, step, 0.0)
    drawn = picture(made)
    assert not re.search(r"<script|<style|<link|<img|url\(| on\w+=|class=|id=|\x1b", drawn)
    for svg in re.findall(r"<svg.*?</svg>", drawn):
        ET.fromstring(svg)
