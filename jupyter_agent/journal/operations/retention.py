"""Retention: delete ended tasks by age, then by size of the journal, in the order of their ends.

Age is time that the journal has seen pass since it had the end (see `observed_time`): no clock that somebody
set, here or where the task ran, makes a task old.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from ...core.events import UNREADABLE
from ...core.ids import is_ulid
from ...system.files import remove_folder
from ...system.paths import DataPaths
from ..observed_time import MAX_MARKS, Look, ObservedTime
from ..records import RecordsExport
from ..session import JournalSession
from .pace import Pace, in_steps

log = logging.getLogger(__name__)
DAY = 86_400.0
KIND = "retention"
"""The kind of the record with the time that the journal has seen. It is named after the epoch, since it means
nothing in another journal, into which an older version may merge it."""

SURPRISING_STEP = DAY
"""Seconds of an unexplained step of the clock that are logged."""

_MOST_TASKS, _MOST_EVENTS, _MOST_INDEXED, _MOST_CHECKED = 100, 2000, 2000, 20_000
"""Maximum number of tasks to delete, events, older tasks to index, and events to check at once."""

_MOST_TASKS_BY_SIZE = 10
_LISTED = 1000
_ID = 26
"""Characters of a task's id, with which the names of its files begin."""


@dataclass(frozen=True, slots=True)
class Retention:
    """Limits: ``days`` since the journal has had a task's end, and ``size`` of the whole journal in bytes."""

    days: float = 30.0
    size: int = 2 << 30


@dataclass(slots=True)
class Pruned:
    """What one pass has deleted: ids, by the limit that they exceeded."""

    old: list[str] = field(default_factory=list)
    large: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        both = len(self.old) + len(self.large)
        return f"{both} ended tasks: {len(self.old)} by age, {len(self.large)} by size"


def observe(
    session: JournalSession, retention: Retention, now: Look, log: logging.Logger = log
) -> ObservedTime:
    """Note that time has passed, and where the journal is now."""
    time = _observed(session)
    step = time.look(now)
    if abs(step) >= SURPRISING_STEP:
        log.info(
            "the clock has moved by %+.1f days more than this machine has counted: it may be wrong, so "
            "each hour from now on makes ended tasks at most one of these days older",
            step / DAY,
        )
    time.mark(session.journal.head, retention.days * DAY / (MAX_MARKS / 2))
    session.journal.put_record(KIND, session.journal.epoch, msgspec.json.encode(time))
    return time


def prune(
    session: JournalSession,
    paths: DataPaths,
    retention: Retention,
    time: ObservedTime,
    log: logging.Logger = log,
) -> Pruned:
    """Delete what exceeds *retention*, with results and checkpoints, and say how much it was."""
    _finish(session)
    index_older(session)
    in_steps(session, session.journal.check_index, _MOST_CHECKED)
    pruned = Pruned()
    files = _Files(session, paths)
    try:
        pace = Pace(_MOST_TASKS_BY_SIZE, _MOST_TASKS)
        for batch in _batches(session, time.offset_before(retention.days * DAY), pace):
            pruned.old += _delete(session, files, batch, pace)
        if session.journal.size() > retention.size:
            pace = Pace(_MOST_TASKS_BY_SIZE, _MOST_TASKS_BY_SIZE)
            for batch in _batches(session, session.journal.head, pace):
                pruned.large += _delete(session, files, batch, pace)
                if session.journal.size() <= retention.size:
                    break
    finally:  # it may be closed in the middle
        if pruned.old or pruned.large:
            log.info(
                "deleted %s (c.JupyterAgent.retention_days is %g, counted from when the journal had the end; "
                "retention_bytes is %d)",
                *(pruned, retention.days, retention.size),
            )
    return pruned


def index_older(session: JournalSession) -> None:
    """Index what an older version has left without; see `base.Journal.index_older`."""
    in_steps(session, session.journal.index_older, _MOST_INDEXED)


def without_observed_time(export: RecordsExport) -> RecordsExport:
    """Return the export of a journal to be merged, without the time that it has seen itself."""
    return export._replace(records=[record for record in export.records if record[0] != KIND])


def delete_files(paths: DataPaths, task_id: str) -> None:
    """Delete a task's results, checkpoints and run spec from this machine, unfinished files included."""
    if is_ulid(task_id):
        if (paths.calls / task_id).is_dir():
            remove_folder(paths.calls / task_id)
        for folder in (paths.results, paths.checkpoints):
            for path in (*folder.glob(f"{task_id}*"), *folder.glob(f".{task_id}*")):
                path.unlink(missing_ok=True)


class _Files:
    """The files of tasks, listed once for all that are deleted in one pass, and only if any is."""

    def __init__(self, session: JournalSession, paths: DataPaths) -> None:
        self._session = session
        self._folders = (paths.results, paths.checkpoints, paths.calls)
        self._found: dict[str, list[Path]] | None = None

    def find(self) -> bool:
        """List the files, while others have their turn; return False if that was done before."""
        if self._found is not None:
            return False
        self._found = self._list()
        return True

    def delete(self, task_ids: list[str]) -> None:
        """Delete the files of some tasks; `find` comes first."""
        found = self._found or {}
        for path in (path for task_id in task_ids for path in found.pop(task_id, ())):
            if path.is_dir():
                remove_folder(path)
            else:
                path.unlink(missing_ok=True)

    def _list(self) -> dict[str, list[Path]]:
        found: dict[str, list[Path]] = {}
        for folder in self._folders:
            for number, path in enumerate(folder.iterdir() if folder.is_dir() else (), start=1):
                found.setdefault(path.name.removeprefix(".")[:_ID], []).append(path)
                if number % _LISTED == 0:
                    self._session.yield_to_others()
        return found


def _observed(session: JournalSession) -> ObservedTime:
    body = session.journal.record(KIND, session.journal.epoch)
    try:
        return ObservedTime() if body is None else msgspec.json.decode(body, type=ObservedTime)
    except UNREADABLE as error:
        log.warning("the time that the journal has seen cannot be read, and is counted anew: %s", error)
        return ObservedTime()


def _batches(session: JournalSession, upto: int, pace: Pace) -> Iterator[list[str]]:
    """Yield the tasks that ended up to an offset, earliest end first. Each batch is asked for when due."""
    after = 0  # never the same twice: a damaged index may list what cannot be deleted
    while found := session.journal.ended(after, upto, pace.size):
        after = found[-1][0]
        yield [task for _, task in found]


def _delete(session: JournalSession, files: _Files, tasks: list[str], pace: Pace) -> list[str]:
    """Delete *tasks* with their files; return those that were deleted."""
    if files.find():
        tasks = [task for task in tasks if _has_ended(session, task)]  # it may have been retried meanwhile
    with pace.step():
        # Files first: a task without files is deleted by the next pass, a file without a task by none.
        files.delete(tasks)
        session.journal.forget(tasks)
    session.yield_to_others()
    _finish(session)
    return tasks


def _has_ended(session: JournalSession, task_id: str) -> bool:
    task = session.journal.task(task_id)
    return task is None or task.state.ended


def _finish(session: JournalSession) -> None:
    """Delete the remaining events of forgotten tasks."""
    in_steps(session, session.journal.purge, _MOST_EVENTS)
