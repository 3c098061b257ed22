"""Retention: delete ended tasks by age, then by size of the journal, oldest first."""

from __future__ import annotations

from dataclasses import dataclass

from ...core.ids import is_ulid
from ...system.files import remove_folder
from ...system.paths import DataPaths
from ..session import JournalSession

DAY = 86_400.0
_CHUNK = 10
"""Tasks deleted in one transaction."""


@dataclass(frozen=True, slots=True)
class Retention:
    """Limits: ``days`` since a task's end, and ``size`` of the whole journal in bytes."""

    days: float = 30.0
    size: int = 2 << 30


def prune(session: JournalSession, paths: DataPaths, retention: Retention, now: float) -> list[str]:
    """Delete what exceeds *retention*, with results and checkpoints; return the ids."""
    journal = session.journal
    gone = journal.ended_before(now - retention.days * DAY)
    for start in range(0, len(gone), _CHUNK):
        journal.forget(gone[start : start + _CHUNK])
        session.yield_to_others()
    while journal.size() > retention.size and (ended := journal.ended_before(now + DAY)[:_CHUNK]):
        if ended[-1:] == gone[-1:]:  # a damaged index lists tasks that are not there: no progress
            break
        journal.forget(ended)
        gone += ended
        session.yield_to_others()
    for task_id in gone:
        delete_files(paths, task_id)
    return gone


def delete_files(paths: DataPaths, task_id: str) -> None:
    """Delete a task's results, checkpoints and run spec from this machine, unfinished files included."""
    if is_ulid(task_id):
        if (paths.calls / task_id).is_dir():
            remove_folder(paths.calls / task_id)
        for folder in (paths.results, paths.checkpoints):
            for path in (*folder.glob(f"{task_id}*"), *folder.glob(f".{task_id}*")):
                path.unlink(missing_ok=True)
