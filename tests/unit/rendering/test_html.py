"""The static HTML of a task, and which clients get it."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from jupyter_agent.core.events import Error, Result, TaskState
from jupyter_agent.core.snapshots import MetricPoint, ProgressSnapshot, PromptSnapshot
from jupyter_agent.core.task import Task
from jupyter_agent.rendering.html import html, last_lines
from jupyter_agent.server.handlers.accept import wants_html, wants_page
from tests.support.builders import TASK


def task(state: TaskState = TaskState.RUNNING, **more: Any) -> Task:
    return Task(TASK, name="train", state=state, **more)


def words(drawn: str) -> str:
    """What is left of a picture where all tags are taken away, and what is hidden."""

    class Text(HTMLParser):
        text = ""
        hidden = 0

        def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
            self.hidden += bool(self.hidden) or "hidden" in dict(attributes)

        def handle_endtag(self, tag: str) -> None:
            self.hidden -= bool(self.hidden)

        def handle_data(self, data: str) -> None:
            self.text += "" if self.hidden else data + " "

    reader = Text()
    reader.feed(drawn)
    return re.sub(r"\s+", " ", reader.text).strip()


def test_without_any_style_it_can_still_be_read() -> None:
    now = task(
        attempt=2,
        started=10.0,
        updated=75.0,
        progress=ProgressSnapshot(21, 50, "warm"),
        metrics={"loss": MetricPoint(0.31, 20), "seen": MetricPoint(1234567, None)},
    )
    assert words(html(now)) == (
        "● train running · attempt 2 21 / 50 · 42% · 1m 05s · warm loss 0.31 · seen 1,234,567"
    )


def test_a_failure_is_told_in_a_line_and_its_traceback_is_folded() -> None:
    drawn = html(task(TaskState.FAILED, error=Error("ValueError", "no <data>", "Traceback\n  line 1")))
    assert "<details " in drawn
    assert "<details open" not in drawn
    assert "<summary><strong>ValueError: no &lt;data&gt;</strong></summary>" in drawn
    assert drawn.index("Traceback") > drawn.index("</summary>")


def test_lines_of_the_log_are_text_and_the_result_is_under_them() -> None:
    drawn = html(task(TaskState.COMPLETED, result=Result("7")), ["epoch <1>", "\x1b[31mred\x1b[0m & blue"])
    assert words(drawn).endswith("completed epoch <1> red & blue Result 7")
    assert "epoch &lt;1&gt;\nred &amp; blue" in drawn


def test_without_lines_there_is_no_room_for_them() -> None:
    assert "<pre" not in html(task())


def test_a_question_is_told_and_so_is_a_cancel_under_way() -> None:
    drawn = words(html(task(prompt=PromptSnapshot("p", "Go on?", ("yes",)), cancel_requested=True)))
    assert "train cancelling" in drawn
    assert "It asks: Go on?" in drawn


def test_of_many_metrics_the_first_dozen_is_shown_and_the_others_are_counted() -> None:
    many = task(metrics={f"m{n:03}": MetricPoint(n, None) for n in range(500)})
    assert words(html(many)).endswith("m011 11 · and 488 more")


@pytest.mark.parametrize("state", TaskState)
def test_every_state_is_named_and_nothing_in_the_picture_runs_or_loads(state: TaskState) -> None:
    drawn = html(task(state), ["x"])
    assert state.value in words(drawn)
    assert not re.search(r"<script|<style|<link|<img|url\(| on\w+=|class=|id=", drawn)


@pytest.mark.parametrize(
    ("texts", "lines"),
    [
        ([], []),
        ([""], []),
        (["\n\n"], []),
        (["one\n", "two\nthree\n"], ["one", "two", "three"]),
        (["no ", "end"], ["no end"]),
        (["a\n\nb\n\n"], ["a", "", "b"]),
        (["10%\r20%\r30%\ndone\r\n"], ["30%", "done"]),
        ([f"{n}\n" for n in range(100)], [str(n) for n in range(88, 100)]),
        (["x" * 501], ["x" * 500 + "…"]),
    ],
)
def test_the_last_lines_are_what_a_terminal_would_show(texts: list[str], lines: list[str]) -> None:
    assert last_lines(texts) == lines


BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("", False),
        ("*/*", False),
        ("application/json", False),
        ("application/json, text/html", False),
        ("application/json, text/html;q=0.9", False),
        ("text/html;q=0.5, */*", False),
        ("text/html;q=0", False),
        ("text/html;q=nonsense", False),
        ("text/html;q=nan", False),
        ("text/plain", False),
        ("text/htmlx", False),
        ("text/html", True),
        ("TEXT/HTML; charset=utf-8 ; q=0.7", True),
        ("text/html, */*; q=0.01", True),
        ("text/html, */*", True),
        ("text/html, application/json;q=0.9", True),
        ("text/html;q=0.2, application/json;q=0", True),
        (BROWSER, True),
        (";;;,,,=", False),
    ],
)
def test_html_is_sent_to_clients_that_accept_it_and_prefer_it(accept: str, wanted: bool) -> None:
    assert wants_html(accept) is wanted
    assert wants_page(accept) is (accept == BROWSER)
