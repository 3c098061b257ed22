"""`TaskHandle`: a task from outside, whichever process runs it."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Generic, cast

from ..core.events import Event, Log, TaskState, decode_data
from ..core.snapshots import MessageSnapshot, MetricPoint, ProgressSnapshot, PromptSnapshot
from ..core.task import Task
from ..errors import ResultNotStored, TaskError, UnknownTask
from ..producer.producer import current_producer
from ..rendering.signatures import readable
from ..rendering.transcript import log_text
from ..runtime.artifacts.results import Store
from ..runtime.context import current
from ..runtime.local_task import LocalTask, local_tasks
from ..runtime.origin import cell_run, kernel_shell
from ..runtime.outcome import Outcome, OutcomeHolder, task_error
from .display.task_view import TaskView
from .local_source import LocalSource
from .task_source import TaskSource

if TYPE_CHECKING:
    from typing_extensions import TypeVar  # `default` is of Python 3.13

    T_co = TypeVar("T_co", covariant=True, default=Any)
else:
    from typing import TypeVar

    T_co = TypeVar("T_co", covariant=True)


@readable
class TaskHandle(Generic[T_co]):
    """A task: its state, its progress, its result, of type ``T_co``. Awaiting it returns its result."""

    def __init__(
        self, task: LocalTask | TaskSource, holder: OutcomeHolder | None = None, *, slim: bool = False
    ) -> None:
        self._local = task if isinstance(task, LocalTask) else None
        self._source: TaskSource = LocalSource(task) if isinstance(task, LocalTask) else task
        self._holder = holder
        self._view = TaskView(self._source, self._local, slim=slim)
        self._shown_in: str | None = None

    @property
    def id(self) -> str:
        """Its ULID."""
        return self._source.id

    @property
    def name(self) -> str:
        """Its name."""
        return self._view.name

    @property
    def state(self) -> TaskState:
        """Its state; compares equal to the plain word."""
        return self._snapshot().state

    @property
    def progress(self) -> ProgressSnapshot | None:
        """How far it is; ``None`` when it has reported no progress."""
        return self._snapshot().progress

    @property
    def metrics(self) -> dict[str, MetricPoint]:
        """The newest point of each metric."""
        return self._snapshot().metrics

    @property
    def prompt(self) -> PromptSnapshot | None:
        """The question that it waits on; ``None`` when it asks nothing. `send` answers it."""
        return self._snapshot().prompt

    @property
    def messages(self) -> list[MessageSnapshot]:
        """The newest messages of its attempt, the last 8 KiB of text."""
        return list(self._snapshot().messages)

    @property
    def attempt(self) -> int:
        """Which attempt this is, from 1."""
        return self._snapshot().attempt

    @property
    def started(self) -> float | None:
        """When the present attempt began, in Unix seconds."""
        return self._snapshot().started

    @property
    def ended(self) -> float | None:
        """When the present attempt ended, in Unix seconds."""
        return self._snapshot().ended

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it has ended; false after *timeout* seconds.

        Raises `TaskCancelled` when the task that waits is cancelled.
        """
        if self._local is not None and not self._local.completion.wait(0):
            from .waiting import wait_here

            return wait_here(self._local, timeout)
        done = self._source.wait(timeout)
        current().cancellation.check_once()  # it may have ended with the task that waits for it
        return done

    def result(self, timeout: float | None = None) -> T_co:
        """Return what its function returned.

        Raises `TaskFailed` (its cause is the exception, where that exists), `TaskTimeout`,
        `TaskCancelled`, `TaskInterrupted`, `ResultNotStored`; and `TimeoutError` after *timeout* seconds,
        while the task is still running.
        """
        error = self.exception(timeout)
        if error is not None:
            raise error
        outcome = self._outcome()
        if outcome is not None and outcome.state is TaskState.COMPLETED:
            return cast("T_co", outcome.value)
        return cast("T_co", self._stored())

    def exception(self, timeout: float | None = None) -> TaskError | None:
        """Return what `result` would raise, or ``None`` for a completed task; waits as `result` does."""
        if not self.wait(timeout):
            raise TimeoutError(f"task {self.name} is still running after {timeout} s")
        task = self._snapshot()
        if task.state is TaskState.COMPLETED:
            return None
        outcome = self._outcome()
        error = task_error(task.id, task.name, task.state, task.error, task.reason)
        error.__cause__ = outcome.exception if outcome else None
        return error

    def cancel(self) -> bool:
        """Ask it to stop, and the second time end it at once; false when it has ended. Returns at once."""
        return self._source.cancel()

    def retry(self) -> None:
        """Start a new attempt of an ended task; raises `NotNow` when it has not ended."""
        self._source.retry()

    def send(self, text: str, prompt_id: str | None = None) -> None:
        """Send it a text: the answer to its question, or what its `receive` waits for.

        Raises `NotNow` when it has ended, or when the question *prompt_id* is no longer open.
        """
        self._source.send(text, prompt_id)

    def logs(self, tail: int | None = None) -> str:
        """Return everything it printed and logged, or the last *tail* lines."""
        text = "".join(_text_of(event) for event in self.events())
        return text if tail is None else "".join(text.splitlines(keepends=True)[-tail:] if tail else [])

    def events(self, after: str | None = None) -> list[Event]:
        """Return its events in order, all or those after a cursor."""
        return self._source.events(after)

    def show(self) -> None:
        """Display its view; once in a cell, however often this is called."""
        from .display import bundle

        run = cell_run()
        if run is None or run != self._shown_in:
            self._shown_in = run
            bundle.show(self._view)

    def __await__(self) -> Generator[Any, None, T_co]:
        return self._wait_async().__await__()

    def __repr__(self) -> str:
        return repr(self._view)

    def _ipython_display_(self) -> None:
        if kernel_shell() is None:
            print(repr(self))  # noqa: T201 - what IPython does where there is no view
        else:
            self.show()

    def _repr_mimebundle_(self, **_: object) -> Any:
        from .display import bundle

        return bundle.bundle(self._view)

    async def _wait_async(self) -> T_co:
        if self._local is None:
            await asyncio.to_thread(self.wait)
        else:
            from .waiting import wait_async

            await wait_async(self._local)
        return self.result(0)

    def _snapshot(self) -> Task:
        return self._source.snapshot()

    def _outcome(self) -> Outcome | None:
        return self._holder.outcome if self._holder else None

    def _stored(self) -> object:
        task = self._snapshot()
        if task.result is None:
            raise ResultNotStored(f"task {task.id} completed without a result", task_id=task.id)
        try:
            return Store(current_producer().paths).load_result(task.id, task.attempt, task.result)
        except ResultNotStored as error:
            if task.key is None:
                raise
            anew = f"to run it again, delete the task or use another key than {task.key!r}"
            raise ResultNotStored(f"{error}; {anew}", task_id=task.id, repr=error.repr) from error


def view_of(handle: TaskHandle) -> TaskView:
    """Return what this package's views need of *handle*. Not an attribute of it: users do not need it."""
    return handle._view  # noqa: SLF001


@readable
def attach(task_id: str) -> TaskHandle:
    """Return the handle of a task that any journal of this user knows. Raises `UnknownTask`."""
    from .remote_task import RemoteTask

    known = local_tasks.get(task_id)
    if known is not None:
        return TaskHandle(known, known.outcome_holder)
    if not isinstance(task_id, str):
        raise UnknownTask(f"{task_id!r} is not a task id", task_id="")
    return TaskHandle(RemoteTask(current_producer(), task_id))


def _text_of(event: Event) -> str:
    data = decode_data(event) if event.type == "log" else None
    return log_text(data.stream, data.text) if isinstance(data, Log) else ""
