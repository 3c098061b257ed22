"""Watching what was just added: to its end, or until somebody leaves it or cancels it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any

import click

from ..core.task import Task
from ..errors import NotNow
from .draw import console
from .journals import Journals
from .runs import watch_runs
from .said import plain
from .source import Added
from .watch import watch_one

LEFT = 130


def watch_added(journals: Journals, added: Added) -> int:
    """Watch the task, or the runs of the schedule until somebody has seen enough; the exit status."""
    if added.schedule is not None:
        asyncio.run(watch_runs(journals, added.schedule.id, console()))
    return watch_task(journals, added.task) if added.task is not None else 0


def watch_task(journals: Journals, task: Task) -> int:
    """Show *task* until it ends: 0 if it completed, else 1; 130 when it was left.

    Ctrl-C asks on a terminal whether to leave it or to cancel it, and leaves it anywhere else.
    """
    while True:
        try:
            return asyncio.run(watch_one(journals, task.id, console()))
        except KeyboardInterrupt:
            if not _wants_cancel():
                return _left(task)
        if not _run(_cancel(journals, task)):
            return _left(task)


def _wants_cancel() -> bool:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    try:
        while True:
            word = click.prompt("Detach or cancel? [d/c]", err=True, default="", show_default=False)
            if word.strip().lower() in ("c", "cancel", "d", "detach"):
                return word.strip().lower().startswith("c")
    except click.Abort:  # Ctrl-C once more, or the end of the input
        click.echo(err=True)
        return False


async def _cancel(journals: Journals, task: Task) -> None:
    try:
        await journals.command(task.id, "cancel")
    except NotNow:  # it has just ended, which watching it will show
        return


def _run(work: Coroutine[Any, Any, None]) -> bool:
    """Whether it came to its end; Ctrl-C leaves it."""
    try:
        asyncio.run(work)
    except KeyboardInterrupt:
        return False
    return True


def _left(task: Task) -> int:
    name = plain(task.name) or "the task"
    click.echo(f"Detached: {name} goes on. Watch it with: jupyter agent tasks watch {task.id}", err=True)
    return LEFT
