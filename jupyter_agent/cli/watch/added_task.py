"""Watching what was just added: to its end, or until the user detaches or cancels."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Coroutine
from typing import Any

import click

from ...core.sanitize import to_single_line
from ...core.task import Task
from ...errors import NotNow
from ...journal.operations.schedules import ScheduleView
from ..backends.base import AddResult
from ..backends.journals import Journals
from ..output import console
from .schedule_runs import watch_runs
from .view import watch_one

DETACHED = 130
"""Exit status of a watch that the user left."""


def watch_added(journals: Journals, added: AddResult) -> int:
    """Watch the task to its end, or the runs of the schedule until Ctrl-C; the exit status."""
    if added.schedule is not None:
        return _watch_schedule(journals, added.schedule)
    return watch_task(journals, added.task) if added.task is not None else 0


def _watch_schedule(journals: Journals, schedule: ScheduleView) -> int:
    try:
        asyncio.run(watch_runs(journals, schedule.id, console()))
    except KeyboardInterrupt:
        name, command = to_single_line(schedule.name), f"jupyter agent schedule delete {schedule.id}"
        click.echo(f"Detached: {name} continues; delete the schedule with: {command}", err=True)
    return DETACHED


def watch_task(journals: Journals, task: Task) -> int:
    """Show *task* until it ends: 0 if it completed, else 1; 130 when the user detached.

    On a terminal Ctrl-C asks whether to detach or to cancel the task; elsewhere it detaches.
    """
    while True:
        try:
            return asyncio.run(watch_one(journals, task.id, console()))
        except KeyboardInterrupt:
            if not _wants_cancel():
                return _detach(task)
        if not _finishes(_cancel(journals, task)):
            return _detach(task)


def _wants_cancel() -> bool:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    try:
        return asyncio.run(_choice())
    except KeyboardInterrupt:  # a second Ctrl-C detaches
        return False
    finally:
        click.echo(err=True)


async def _choice() -> bool:
    """Return whether the user at the terminal wants to cancel; the end of the input detaches."""
    while True:
        click.echo("Detach or cancel? [d/c] ", err=True, nl=False)
        line = await _line()
        word = line.strip().lower()
        if word in ("c", "cancel"):
            return True
        if not line or word in ("d", "detach"):
            return False


async def _line() -> str:
    """Return the next line that is typed. (`input` may sleep through a Ctrl-C.)"""
    loop, typed = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), typed.set)
    try:
        await typed.wait()
    finally:
        loop.remove_reader(sys.stdin.fileno())
    return os.read(sys.stdin.fileno(), 4096).decode(errors="replace")


async def _cancel(journals: Journals, task: Task) -> None:
    try:
        await journals.command(task.id, "cancel")
    except NotNow:  # it has just ended; the watch shows it
        return


def _finishes(work: Coroutine[Any, Any, None]) -> bool:
    """Run *work*; false when Ctrl-C stopped it."""
    try:
        asyncio.run(work)
    except KeyboardInterrupt:
        return False
    return True


def _detach(task: Task) -> int:
    name = to_single_line(task.name) or "the task"
    click.echo(f"Detached: {name} continues. Watch it with: jupyter agent tasks watch {task.id}", err=True)
    return DETACHED
