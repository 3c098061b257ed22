"""Task operations without a server (add, list, cancel, retry), each in a session of its own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from msgspec.structs import replace

from ...core.events import Event
from ...core.query import EventQuery, EventsPage, TaskQuery
from ...core.task import Task
from ...detached.key_lock import hold_key
from ...detached.run_spec import RunSpec, load_run_spec
from ...detached.work_state import is_alive
from ...errors import NotNow
from ...protocol.http import read_all
from ...protocol.subscriber import Apply, Restart
from ...system.paths import DataPaths
from ...system.user import user_name
from ..operations.detached_tasks import cancel_queued, enqueue_task, requeue_task
from ..operations.subscription import next_items
from ..operations.tasks import find_task, forget_task, read_events
from ..session import JournalSession
from .session import home_of, run_in_session
from .worker_start import WorkerStarter
from .worker_stop import end_worker

T = TypeVar("T")
MAX_EVENTS = 20_000
"""Events after which a page without a limit gets no further ones."""


class OneShotJournal:
    """The journal *slot*, held for the time of each call and never longer.

    *recover*: whether spools are read before a task is looked at. Every method raises `JournalHeld` when a
    server holds the journal, or another process for too long.
    """

    def __init__(self, paths: DataPaths, slot: str, *, recover: bool = True) -> None:
        self._paths = paths
        self._slot = slot
        self._recover = recover

    @property
    def home(self) -> str:
        """The slot, or the default one into which it was merged."""
        return home_of(self._paths, self._slot)

    def tasks(self, query: TaskQuery) -> list[Task]:
        return self.run(lambda session: session.journal.tasks(query))

    def task(self, task_id: str) -> Task:
        return self.run(lambda session: find_task(session, task_id))

    def events(self, task_id: str, query: EventQuery) -> EventsPage:
        """Return a page: of ``query.limit`` events, or without one of some twenty thousand."""
        return self.run(lambda session: _read_page(session, task_id, query))

    def all_events(self, task_id: str, after: str | None) -> list[Event]:
        """Return every event after the cursor *after*, ``None`` for all."""
        # In one session: each one opens the journal and looks through the spools.
        return self.run(lambda session: read_all(partial(read_events, session, task_id), after))

    def next_items(
        self, named: list[str] | None, after: str | None, tail: int | None
    ) -> list[Restart | Apply]:
        """See `operations.subscription.next_items`."""
        return self.run(lambda session: next_items(session, named, after, tail))

    def delete(self, task_id: str) -> None:
        self.run(lambda session: forget_task(session, self._paths, task_id))

    def command(self, task_id: str, command: str, args: dict[str, Any] | None = None) -> None:
        """Cancel or retry a detached task. Raises `NotNow` for what only a server could deliver."""
        task = self.task(task_id)
        match command:
            case "cancel" if not task.state.ended:
                self._cancel(task, now=(args or {}).get("now") is True)
            case "retry" if task.state.ended:
                self._retry(task)
            case "retry":
                raise NotNow(
                    f"task {task_id} is {task.state.value}; cancel it before a retry", task_id=task_id
                )
            case _ if task.state.ended:
                raise NotNow(f"task {task_id} has ended already ({task.state})", task_id=task_id)
            case _:
                raise _out_of_reach(task, command)

    def enqueue(self, run_spec: RunSpec) -> tuple[Task, bool]:
        """Queue a detached task; the task, and whether it was queued now. Its worker is not started yet."""
        with hold_key(self._paths, run_spec.about.key):
            return self.run(lambda session: enqueue_task(session, self._paths, self.home, run_spec))

    def start_worker(self, task: Task) -> bool:
        """Start the worker of a queued *task*; false when it waits for a slot, or takes long to begin."""
        return WorkerStarter(self._paths, self.home).start(task.producer or "")

    def run(self, job: Callable[[JournalSession], T], *, recover: bool | None = None) -> T:
        """Run *job* in a session; *recover* overrides what the journal was made with."""
        first = self._recover if recover is None else recover
        return run_in_session(self._paths, self._slot, job, recover=first)

    def _retry(self, task: Task) -> None:
        def job(session: JournalSession) -> bool:
            return requeue_task(session, self._paths, self.home, find_task(session, task.id), user_name())

        if not self.run(job):
            raise _out_of_reach(task, "retry")
        self.start_worker(self.task(task.id))

    def _cancel(self, task: Task, *, now: bool) -> None:
        if self.run(lambda session: cancel_queued(session, self._paths, task, user_name())):
            return
        if load_run_spec(self._paths, task.id) is None or not is_alive(self._paths, task.producer or ""):
            raise _out_of_reach(task, "cancel")
        end_worker(self._paths, self._slot, task, user_name(), now=now)


def _read_page(session: JournalSession, task_id: str, query: EventQuery) -> EventsPage:
    page = read_events(session, task_id, query)
    while page.more and query.limit is None and len(page.events) < MAX_EVENTS:
        further = read_events(session, task_id, replace(query, after=page.cursor))
        page.events += further.events
        page.cursor, page.more = further.cursor, further.more
    return page


def _out_of_reach(task: Task, command: str) -> NotNow:
    return NotNow(
        f"no server is running, so {command!r} cannot reach task {task.id}; "
        "start one with 'jupyter agent serve' and try again",
        task_id=task.id,
    )
