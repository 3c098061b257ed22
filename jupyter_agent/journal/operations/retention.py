"""What a journal keeps: ended tasks for so many days and so many bytes, oldest gone first."""

from __future__ import annotations

from dataclasses import dataclass

from ...core.ids import is_ulid
from ...system.files import remove_folder
from ...system.paths import DataPaths
from ..session import JournalSession

DAY = 86_400.0
_CHUNK = 10


@dataclass(frozen=True, slots=True)
class Retention:
    """``days`` since a task's end, and ``size`` in bytes of the whole journal."""

    days: float = 30.0
    size: int = 2 << 30


def prune(session: JournalSession, paths: DataPaths, retention: Retention, now: float) -> list[str]:
    """Forget what *retention* no longer keeps, with results and checkpoints; the ids that went."""
    journal = session.journal
    gone = journal.ended_before(now - retention.days * DAY)
    for start in range(0, len(gone), _CHUNK):
        journal.forget(gone[start : start + _CHUNK])
        session.yield_to_others()
    while journal.size() > retention.size and (ended := journal.ended_before(now + DAY)[:_CHUNK]):
        if ended[-1:] == gone[-1:]:  # a damaged index names what is not there
            break
        journal.forget(ended)
        gone += ended
        session.yield_to_others()
    for task_id in gone:
        delete_files(paths, task_id)
    return gone


def delete_files(paths: DataPaths, task_id: str) -> None:
    """Remove a task's results, checkpoints and call from this machine, and what was half written."""
    if is_ulid(task_id):
        if (paths.calls / task_id).is_dir():
            remove_folder(paths.calls / task_id)
        for folder in (paths.results, paths.checkpoints):
            for path in (*folder.glob(f"{task_id}*"), *folder.glob(f".{task_id}*")):
                path.unlink(missing_ok=True)
