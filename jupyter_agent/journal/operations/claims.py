"""Claims: which process runs an attempt that any process of a pool may begin."""

from __future__ import annotations

from itertools import chain

from ...core.task import may_be_claimed
from ..session import JournalSession
from .interruption import open_tasks_of


def claimable(session: JournalSession, producer: str) -> list[str]:
    """Return the tasks that *producer* has queued for a pool, as far as they have not begun."""
    open_tasks = chain.from_iterable(open_tasks_of(session, producer))
    return [task.id for task in open_tasks if may_be_claimed(task)]
