"""Watching the runs of a schedule as they start."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from rich.console import Console

from ...protocol.subscriber import Apply, Restart
from ..backends.journals import Journals
from ..backends.schedules import list_firings
from .model import WatchModel
from .screen import FEW_LINES, open_screen
from .view import show_item

SCAN_LIMIT = 50
"""Number of newest firings among which a task's is looked for."""

MAX_ENDED = 5
"""Maximum number of ended runs that stay in view."""


async def watch_runs(journals: Journals, ident: str, terminal: Console) -> None:
    """Show the running tasks of the schedule *ident*, and every task that it starts, until cancelled."""
    model = WatchModel()
    with open_screen(model, terminal, FEW_LINES) as screen:
        async with aclosing(_items(journals, ident)) as items:
            async for item in items:
                await show_item(journals.task, model, journals.scheduling, item, screen)
                _forget_old(model)


async def _items(journals: Journals, ident: str) -> AsyncGenerator[Restart | Apply]:
    """Yield what concerns the schedule's tasks.

    A task's firing is recorded before the task is, so that a task without one belongs to another schedule.
    """
    runs: set[str] = set()
    others: set[str] = set()
    async with aclosing(journals.follow(journals.scheduling, "*")) as items:
        async for item in items:
            named = _named(item)
            if named - runs - others:
                runs |= {
                    firing.task for firing in await list_firings(journals, ident, SCAN_LIMIT) if firing.task
                }
                others |= named - runs
            yield _only(item, runs)


def _named(item: Restart | Apply) -> set[str]:
    if isinstance(item, Restart):
        return {task.id for task in item.tasks}
    return {event.task for event in item.events}


def _only(item: Restart | Apply, runs: set[str]) -> Restart | Apply:
    if isinstance(item, Restart):
        return replace(item, tasks=[task for task in item.tasks if task.id in runs])
    return replace(item, events=[event for event in item.events if event.task in runs])


def _forget_old(model: WatchModel) -> None:
    ended = [ident for ident, row in sorted(model.rows.items()) if row.task.state.ended]
    for ident in ended[:-MAX_ENDED]:
        del model.rows[ident]
