"""Watching the runs of a schedule, as they come."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from rich.console import Console

from ...protocol.subscriber import Apply, Restart
from ..backends.journals import Journals
from ..backends.schedules import list_firings
from .model import WatchModel
from .view import FEW_LINES, screen, take

SCAN_LIMIT = 50
"""Newest firings among which a task's may be."""

SHOWN = 5
"""Ended runs that stay in view."""


async def watch_runs(journals: Journals, ident: str, terminal: Console) -> None:
    """Show every task that the schedule *ident* begins or has going on, until cancelled."""
    board = WatchModel()
    with screen(board, terminal, FEW_LINES) as view:
        async with aclosing(_news(journals, ident)) as news:
            async for item in news:
                await take(journals.task, board, journals.scheduling, item, view)
                _forget_old(board)


async def _news(journals: Journals, ident: str) -> AsyncGenerator[Restart | Apply]:
    """What is new of the schedule's tasks. A task's firing is recorded before the task is."""
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


def _forget_old(board: WatchModel) -> None:
    ended = [ident for ident, row in sorted(board.rows.items()) if row.task.state.ended]
    for ident in ended[:-SHOWN]:
        del board.rows[ident]
