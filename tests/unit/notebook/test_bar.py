"""Bars: the present item of a loop is not done yet, and a rate is a recent one."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from jupyter_agent.core.events import TaskState
from jupyter_agent.core.snapshots import MetricPoint, ProgressSnapshot
from jupyter_agent.core.task import Task
from jupyter_agent.notebook.progress.bar import LINGER, Bar
from jupyter_agent.notebook.progress.pace import MIN_RATE_TIME, Pace
from jupyter_agent.notebook.progress.positions import TrackedPosition, positioned


@dataclass
class Place:
    taken: int = 0
    total: int | None = 100
    name: str = ""
    initial: int = 0

    def values(self) -> tuple[int, int | None]:
        return self.taken, self.total


@dataclass
class LocalTask:
    options: Any = field(default_factory=lambda: SimpleNamespace(name="fit"))
    fold: Task = field(default_factory=lambda: Task("0" * 26, name="fit"))


def test_the_item_that_the_loop_is_at_is_not_done() -> None:
    place = Place()
    pace = Pace(place, 0.0)
    assert pace.text() == "  0%  0/100  0.0s"
    place.taken = 100
    pace.sample(9.9)
    assert pace.text() == " 99%  99/100  10.0/s  0.1s left"
    pace.sample(10.0, over=True)
    assert pace.final_text(TaskState.COMPLETED, []) == "100%  100/100  10.0/s  in 10s"


@pytest.mark.parametrize(
    ("every", "items", "words"),
    [
        (0.001, 20_000, "19,999/100,000  1.0k/s  1m 20s left"),
        (0.5, 50, "49/100,000  2.0/s  13h 52m left"),
        (3.0, 4, "3/100,000  3.0s each  3d 11h left"),
        (3600.0, 3, "2/100,000  1h 00m each  4,166d left"),
    ],
)
def test_rates_and_times_are_written_for_people(every: float, items: int, words: str) -> None:
    place = Place(total=100_000)
    pace = Pace(place, 0.0)
    for place.taken in range(1, items + 1):
        pace.sample(every * (place.taken - 1))
    assert pace.text().endswith(words)


def test_the_time_left_runs_down_while_a_slow_item_is_worked_on_and_up_when_it_is_overdue() -> None:
    place = Place(total=10)
    pace = Pace(place, 0.0)

    def left(now: float) -> str:
        pace.sample(now)
        return pace.text().split("  ")[-1]

    assert left(50.0) == "50s"
    place.taken = 2
    assert left(100.0) == "15m 00s left"
    assert left(160.0) == "14m 00s left"
    assert left(200.0) == "13m 20s left"
    assert left(250.0) == "16m 40s left"


def test_no_rate_is_shown_from_too_few_seconds() -> None:
    place = Place(taken=50)
    pace = Pace(place, 0.0)
    place.taken = 60
    pace.sample(MIN_RATE_TIME / 2)
    assert "/s" not in pace.text()


@pytest.mark.parametrize(
    ("state", "done", "words"),
    [
        (TaskState.CANCELLED, 42, "5.3/s  cancelled after"),
        (TaskState.FAILED, 41, "5.1/s  failed after"),
        (TaskState.COMPLETED, 42, "5.3/s  in"),
    ],
)
def test_the_last_line_says_how_it_ended(state: TaskState, done: int, words: str) -> None:
    line = Bar(LocalTask(), [Place(taken=42)], 0.0).last_line(state, 8.0)  # type: ignore[arg-type]
    assert (line.name, line.share, line.state) == ("fit", done / 100, state)
    assert line.text == f" {done}%  {done}/100  {words} 8.0s"


def test_what_the_body_reports_stands_at_the_end() -> None:
    task = LocalTask()
    task.fold.metrics = {name: MetricPoint(value, 1) for name, value in (("loss", 0.123456), ("none", None))}
    task.fold.progress = ProgressSnapshot(1, 2, "epoch 1\x1b[2J")
    (line,) = Bar(task, [Place()], 0.0).lines(1.0)  # type: ignore[arg-type]
    assert line.text.endswith("1.0s  loss 0.1235  epoch 1")


def test_inner_loops_get_a_line_after_a_while_and_keep_it_a_while() -> None:
    positions: list[Any] = [Place()]
    bar = Bar(LocalTask(), positions, 0.0)  # type: ignore[arg-type]

    def names(now: float) -> list[str]:
        return [line.name for line in bar.lines(now)]

    inner = positioned(range(10), None)[1]
    inner.name = "batches"
    assert isinstance(inner, TrackedPosition)
    positions.append(inner)
    assert names(1.0) == ["fit"]
    assert names(1.0 + MIN_RATE_TIME) == ["fit", "  batches"]
    positions[1] = positioned(range(10), None)[1]  # the next epoch's
    assert names(2.0) == ["fit", "  "]
    del positions[1]
    assert names(2.0 + LINGER / 2) == ["fit", "  "]
    assert names(2.0 + 2 * LINGER) == ["fit"]


def test_quick_inner_loops_have_none() -> None:
    positions: list[Any] = [Place()]
    bar = Bar(LocalTask(), positions, 0.0)  # type: ignore[arg-type]
    for turn in range(100):
        positions[1:] = [Place()]
        assert len(bar.lines(turn * 0.1)) == 1
