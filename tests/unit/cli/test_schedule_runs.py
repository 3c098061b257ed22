"""Watching the runs of a schedule: its tasks and no others, as they come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Any

import pytest
from msgspec.structs import replace
from rich.console import Console

from jupyter_agent.cli.watch import schedule_runs
from jupyter_agent.cli.watch.schedule_runs import MAX_ENDED, watch_runs
from jupyter_agent.core.events import Event, TaskState
from jupyter_agent.core.task import Task, fold
from jupyter_agent.journal.records import Firing
from jupyter_agent.protocol.subscriber import Apply, Restart
from tests.support.builders import event, state, task_id

OWN, OTHER, ANOTHER = task_id(1), task_id(2), task_id(3)
SCHEDULE = task_id(4)


class FakeJournals:
    """A journal that sends *items*; the schedule has fired for *runs*."""

    scheduling = "default"

    def __init__(self, runs: Sequence[str], items: Sequence[Restart | Apply]) -> None:
        self.runs = runs
        self.items = items
        self.asked = 0

    async def follow(self, _slot: str, _tasks: str) -> AsyncGenerator[Restart | Apply]:
        for item in self.items:
            yield item

    async def use(self, _slot: str, action: Callable[[Any], Awaitable[Any]]) -> Any:
        return await action(self)

    async def firings(self, ident: str, _limit: int) -> list[Firing]:
        self.asked += 1
        return [Firing(ident, 0.0, 0.0, "queued", run) for run in self.runs]

    async def task(self, _slot: str, ident: str) -> Task:
        return Task(ident, name="tick")


def shown_lines(journals: FakeJournals, capsys: pytest.CaptureFixture[str]) -> list[str]:
    asyncio.run(watch_runs(journals, SCHEDULE, Console(force_terminal=False)))  # type: ignore[arg-type]
    return [line.partition(" ")[2] for line in capsys.readouterr().out.splitlines()]


def story_of(task: str) -> list[Event]:
    events = [
        state(1, TaskState.QUEUED, about="tick", task=task),
        state(2, TaskState.RUNNING, task=task),
        event(3, task=task),
        state(4, TaskState.COMPLETED, task=task),
    ]
    return [replace(one, offset=one.n) for one in events]


def test_its_runs_are_shown_and_other_tasks_are_not(capsys: pytest.CaptureFixture[str]) -> None:
    running = fold(OTHER, story_of(OTHER)[:2])
    items: list[Restart | Apply] = [
        Restart(1, [running], False),
        Apply(1, story_of(OTHER)),
        Apply(1, story_of(OWN)),
    ]
    journals = FakeJournals([OWN], items)
    lines = shown_lines(journals, capsys)
    assert lines == ["tick | queued", "tick | running", "tick | line 3", "tick | completed"]


def test_the_history_is_asked_for_tasks_that_were_not_seen_only(capsys: pytest.CaptureFixture[str]) -> None:
    stories = zip(*map(story_of, (OTHER, ANOTHER, OWN)), strict=True)
    items = [Apply(1, [one]) for at_once in stories for one in at_once]
    journals = FakeJournals([OWN], items)
    shown_lines(journals, capsys)
    assert journals.asked == 2


def test_only_the_last_ended_runs_stay_in_view(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [task_id(number) for number in range(MAX_ENDED + 3)]
    journals = FakeJournals(runs, [Apply(1, story_of(run)) for run in runs])
    seen: list[int] = []
    forget = schedule_runs._forget_old

    def forget_and_count(model: Any) -> None:
        forget(model)
        seen.append(len(model.rows))

    monkeypatch.setattr(schedule_runs, "_forget_old", forget_and_count)
    asyncio.run(watch_runs(journals, SCHEDULE, Console(force_terminal=False)))  # type: ignore[arg-type]
    assert max(seen) == MAX_ENDED
