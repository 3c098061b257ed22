"""`tasks watch`: one task until it ends, or everything that runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import aclosing

from rich.console import Console

from ...core.events import TaskState
from ...core.ids import Cursor
from ...core.task import Task
from ...errors import UnknownTask
from ...protocol.subscriber import Apply, Restart
from ..backends.follow_all import follow_all
from ..backends.journals import Journals
from .model import MAX_LINES, WatchModel
from .screen import FEW_LINES, Screen, open_screen


async def watch_one(journals: Journals, task_id: str, terminal: Console) -> int:
    """Show one task until it ends; 0 if it completed, else 1. Raises `UnknownTask`."""
    slot, task = await journals.find(task_id)
    model = WatchModel()

    async def answer(prompt_id: str, text: str) -> None:
        await journals.command(task.id, "input", {"text": text, "prompt_id": prompt_id})

    with open_screen(model, terminal, MAX_LINES // 2, answer) as screen:
        async with aclosing(journals.follow(slot, [task.id], tail=MAX_LINES)) as items:
            async for item in items:
                await show_item(journals.task, model, slot, item, screen, show_ended=True)
                row = model.rows.get(task.id)
                if row is None:
                    raise UnknownTask(f"task {task.id} was deleted", task_id=task.id)
                row.ended_before = False  # the user named it: show it even if it had ended
                ended = row.task.state.ended and _is_caught_up(item, row.task)
                if ended and not await _has_next_attempt(journals, slot, row.task):
                    screen.end(row)
                    return int(row.task.state is not TaskState.COMPLETED)
    return 1


def _is_caught_up(item: Restart | Apply, seen: Task) -> bool:
    """Return whether everything before the snapshot was shown.

    Its last lines come after it, with older cursors.
    """
    if item.cursor is None or seen.cursor is None:
        return True
    return Cursor.parse(item.cursor).offset >= Cursor.parse(seen.cursor).offset


async def _has_next_attempt(journals: Journals, slot: str, seen: Task) -> bool:
    """Return whether a failed attempt is followed by another at once, whose events come a moment later."""
    if seen.state is not TaskState.FAILED:
        return False
    return (await journals.task(slot, seen.id)).attempt > seen.attempt


async def watch_all(journals: Journals, terminal: Console) -> None:
    """Show everything that runs, until cancelled."""
    model = WatchModel()
    with open_screen(model, terminal, FEW_LINES) as screen:
        async with aclosing(follow_all(journals)) as items:
            async for slot, item in items:
                await show_item(journals.task, model, slot, item, screen)


async def show_item(
    fetch: Callable[[str, str], Awaitable[Task]],
    model: WatchModel,
    slot: str,
    item: Restart | Apply,
    screen: Screen,
    *,
    show_ended: bool = False,
) -> None:
    """Apply *item* to *model* and show it; *fetch* gets the snapshots of tasks that are new.

    *show_ended*: also show tasks that had ended before watching began.
    """
    if isinstance(item, Restart):
        model.restart(slot, item)
        for row in list(model.rows.values()) if show_ended else model.shown():
            if row.journal == slot:
                screen.begin(row)
        return
    for ident in model.unknown(item):
        try:
            model.put(slot, await fetch(slot, ident))
        except UnknownTask:
            continue  # it was deleted in the meantime
    for row, event in model.apply(item):
        screen.event(row, event)
