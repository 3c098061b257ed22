"""Ends of kernels: what this server does to one is why its tasks are interrupted, and by whom."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from jupyter_server.auth import User
from jupyter_server.base.call_context import CallContext

from ...core.events import State, TaskState
from ...core.sanitize import to_single_line
from ...detached.run_spec import load_run_spec
from ...journal.operations.interruption import open_chunks
from ...journal.session import JournalSession, PreemptibleJob, Urgency
from ...runtime.exit_reason import RESTARTED, SHUT_DOWN
from ...system.paths import DataPaths
from ..delivery.feed import Feed

ANONYMOUS = "Anonymous "
"""How the names begin that Jupyter invents for users of a token."""


class KernelEnds:
    """Notes which kernels this server ends, before it does so: Jupyter's own event comes after that."""

    def __init__(self, feed: Feed, paths: DataPaths) -> None:
        self._feed = feed
        self._paths = paths

    def watch(self, kernels: Any) -> None:
        """Note each later call of *kernels* (Jupyter's manager) that shuts a kernel down or restarts it."""
        kernels.shutdown_kernel = self._noting(kernels.shutdown_kernel, SHUT_DOWN)
        kernels.restart_kernel = self._noting(kernels.restart_kernel, RESTARTED)

    def forget(self, kernel: str) -> None:
        """Forget what was noted: *kernel* was not ended after all."""
        self._call(lambda session: self._forget(session, kernel))

    def _noting(self, act: Callable[..., Any], what: str) -> Callable[..., Any]:
        @wraps(act)
        def noted(kernel_id: str, *args: Any, **kwargs: Any) -> Any:
            end = State(TaskState.INTERRUPTED, reason=what + _by())
            self._call(lambda session: self._note(session, kernel_id, end))
            return act(kernel_id, *args, **kwargs)

        return noted

    def _call(self, job: Callable[[JournalSession], None]) -> None:
        self._feed.holder.call(PreemptibleJob(job, Urgency.PROMPT))

    def _note(self, session: JournalSession, kernel: str, end: State) -> None:
        for producer in self._producers(session, kernel):
            session.expect_kill(producer, end)

    def _forget(self, session: JournalSession, kernel: str) -> None:
        for producer in self._producers(session, kernel):
            session.kill_outcomes.pop(producer, None)

    def _producers(self, session: JournalSession, kernel: str) -> set[str]:
        """Return the producers with open tasks that end with *kernel*: detached ones do not."""
        tasks = [task for chunk in open_chunks(session) for task in chunk if task.kernel == kernel]
        return {t.producer for t in tasks if t.producer and load_run_spec(self._paths, t.id) is None}


def _by() -> str:
    """Return by whom, if the present request says so."""
    handler = CallContext.get(CallContext.JUPYTER_HANDLER)
    # A periodic callback, as of the culler, runs in the context of the request that started it, long ago.
    if handler is None or getattr(handler, "_finished", True):
        return ""
    user = handler.current_user
    name = to_single_line(user.display_name or user.username) if isinstance(user, User) else ""
    return f" by {name}" if name and not name.startswith(ANONYMOUS) else ""
