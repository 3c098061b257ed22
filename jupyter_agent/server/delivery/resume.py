"""Resuming a subscription: from its cursor, or else from snapshots and a tail of events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from ...core.ids import Cursor
from ...core.query import TaskQuery
from ...core.task import Task
from ...journal.base import SCAN_LIMIT, TAIL_TYPES, StoredEvent
from ...journal.session import JournalSession
from ...protocol.frames import events_message
from ...protocol.messages import Subscribe, Subscribed
from ..limits import MAX_SNAPSHOTS
from .feed import FRAME_BYTES, SubscriptionFilter

SCANNED_EACH = 1000
"""Events of each task that are looked through for its tail, however many tasks are named."""


def resume(
    session: JournalSession, request: Subscribe, event_filter: SubscriptionFilter
) -> tuple[Subscribed, list[StoredEvent], Cursor]:
    """Return the answer to *request*, the events to send first, and the cursor to go on from."""
    journal = session.journal
    head = Cursor(journal.epoch, journal.head)
    reason: Literal["initial", "expired", "epoch"] = "initial"
    if request.after is not None:
        after = Cursor.parse(request.after)
        # A client's cursor is adopted only if nothing that it wants was deleted behind it; the client has
        # applied everything up to it and will check `prev` against it.
        if after.epoch == journal.epoch and journal.recoverable(after.offset, event_filter.tasks):
            return Subscribed(request.id, True, str(after)), [], after
        reason = "epoch" if after.epoch != journal.epoch else "expired"
    tasks, more = _snapshots(session, event_filter)
    for task in tasks:
        task.cursor = str(head)
    tail = _tail(session, request, event_filter)
    start = Cursor(head.epoch, tail[0].offset - 1) if tail else head
    return Subscribed(request.id, False, str(start), tasks, more or None, reason), tail, head


def _tail(session: JournalSession, request: Subscribe, event_filter: SubscriptionFilter) -> list[StoredEvent]:
    """Return the last log, message and display events of each named task, in journal order."""
    if not request.tail or event_filter.tasks is None:
        return []
    types = [kind for kind in TAIL_TYPES if event_filter.types is None or kind in event_filter.types]
    rows = max(SCAN_LIMIT // max(len(event_filter.tasks), 1), SCANNED_EACH)
    parts = [
        session.journal.tail(task_id, request.tail, types, scan_limit=rows) for task_id in event_filter.tasks
    ]
    return sorted(event for part in parts for event in part)


def tail_messages(ident: int, start: Cursor, tail: list[StoredEvent], head: Cursor) -> Iterator[bytes]:
    """Yield the tail as `events` messages whose cursors lead from *start* to *head*."""
    prev = start
    while tail:
        size = count = 0
        while count < len(tail) and (count == 0 or size + len(tail[count].encoded) <= FRAME_BYTES):
            size += len(tail[count].encoded)
            count += 1
        part, tail = tail[:count], tail[count:]
        cursor = Cursor(head.epoch, part[-1].offset) if tail else head
        yield events_message(ident, str(prev), str(cursor), b",".join(event.encoded for event in part))
        prev = cursor


def _snapshots(session: JournalSession, event_filter: SubscriptionFilter) -> tuple[list[Task], bool]:
    if event_filter.tasks is None:
        found = session.journal.tasks(TaskQuery(limit=MAX_SNAPSHOTS + 1))
        return found[:MAX_SNAPSHOTS], len(found) > MAX_SNAPSHOTS
    known = [session.journal.task(task_id) for task_id in sorted(event_filter.tasks)]
    return [task for task in known if task is not None], False
