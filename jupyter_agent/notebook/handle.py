"""`TaskHandle`: a task from outside, whoever runs it."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Protocol

from ..core.events import Event, Log, TaskState, decode_data, decode_event
from ..core.sanitize import to_single_line
from ..core.task import MessageSnapshot, MetricPoint, ProgressSnapshot, PromptSnapshot, Task
from ..errors import (
    ResultNotStored,
    TaskError,
    UnknownTask,
)
from ..producer.producer import current_producer
from ..producer.spool_folder import read_spool
from ..rendering.transcript import log_text
from ..runtime.artifacts.results import Store
from ..runtime.attempt import OutcomeHolder
from ..runtime.local_task import LocalTask
from ..runtime.origin import cell_run, kernel_shell
from ..runtime.outcome import Outcome, raised
from ..runtime.registry import local_task
from ..transport.blocking_http import TIMEOUT
from .journal_client import task_events

if TYPE_CHECKING:
    from ..runtime.local_task import LocalTask


def events_of_local(task: LocalTask, after: str | None) -> list[Event]:
    """All events of a task of this process: from its own spool while that still has everything,
    else from the journal, with what is not committed yet."""
    producer = task.producer
    producer.flush(TIMEOUT if producer.locate() is not None else 0.0)
    own = [decode_event(body) for _, body in read_spool(producer.spool.folder)[1]]
    ours = [event for event in own if event.task == task.id]
    if after is None and producer.spool.base == 1 and task.fold.attempt == 1 and _is_own(task):
        return ours
    stored = task_events(producer, task.id, after)
    known = {(event.producer, event.n) for event in stored}
    last = max((event.n for event in stored if event.producer == producer.id), default=0)
    return stored + [event for event in ours if event.n > last and (event.producer, event.n) not in known]


def _is_own(task: LocalTask) -> bool:
    return task.fold.producer == task.producer.id


class TaskSource(Protocol):
    """Where a handle gets what it knows."""

    @property
    def id(self) -> str: ...

    def snapshot(self) -> Task: ...

    def seen(self) -> Task:
        """The last snapshot, without asking anybody."""

    def wait(self, timeout: float | None) -> bool: ...

    def cancel(self) -> bool: ...

    def retry(self) -> None: ...

    def send(self, text: str, prompt_id: str | None) -> None: ...

    def events(self, after: str | None) -> list[Event]: ...


class TaskHandle:
    """A task: what it is, how far it is, what came of it. Awaiting it gives its result."""

    def __init__(
        self, task: LocalTask | TaskSource, holder: OutcomeHolder | None = None, *, slim: bool = False
    ) -> None:
        self.slim = slim
        self.local = task if isinstance(task, LocalTask) else None
        self._box = holder
        self._source: TaskSource = LocalSource(task) if isinstance(task, LocalTask) else task
        self._name = self._source.snapshot().name
        self._shown_in: str | None = None

    @property
    def id(self) -> str:
        """Its ULID."""
        return self._source.id

    @property
    def name(self) -> str:
        """What it is called."""
        return self._name

    @property
    def state(self) -> TaskState:
        """Where it is in its life; compares equal to the plain word."""
        return self._snapshot().state

    @property
    def progress(self) -> ProgressSnapshot | None:
        """How far it is; ``None`` when it never said."""
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
        """The newest messages that its attempt said, the last 8 KiB of text."""
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
        """Wait until it has ended; false after *timeout* seconds."""
        if self.local is not None and not self.local.wait(0):
            return _wait_here(self.local, timeout)
        return self._source.wait(timeout)

    def result(self, timeout: float | None = None) -> Any:
        """What its function returned.

        Raises `TaskFailed` (its cause is the exception, where that exists), `TaskTimeout`,
        `TaskCancelled`, `TaskInterrupted`, `ResultNotStored`; and `TimeoutError` after *timeout* seconds,
        while the task goes on.
        """
        error = self.exception(timeout)
        if error is not None:
            raise error
        outcome = self._outcome()
        if outcome is not None and outcome.state is TaskState.COMPLETED:
            return outcome.value
        return self._stored()

    def exception(self, timeout: float | None = None) -> TaskError | None:
        """What `result` would raise, or ``None`` for a completed task; waits as `result` does."""
        if not self.wait(timeout):
            raise TimeoutError(f"task {self.name} has not ended within {timeout} s; it goes on")
        task = self._snapshot()
        if task.state is TaskState.COMPLETED:
            return None
        outcome = self._outcome()
        error = raised(task.id, task.name, task.state, task.error, task.reason)
        error.__cause__ = outcome.exception if outcome else None
        return error

    def cancel(self) -> bool:
        """Ask it to stop; false when it has ended. Returns at once."""
        return self._source.cancel()

    def retry(self) -> None:
        """Start a new attempt of an ended task; raises `NotNow` when it has not ended."""
        self._source.retry()

    def send(self, text: str, prompt_id: str | None = None) -> None:
        """Say something to it: the answer to its question, or what its `receive` waits for.

        Raises `NotNow` when it has ended, or when the question *prompt_id* is not open any more.
        """
        self._source.send(text, prompt_id)

    def logs(self, tail: int | None = None) -> str:
        """Everything it printed and logged, or the last *tail* lines."""
        text = "".join(_text_of(event) for event in self.events())
        return text if tail is None else "".join(text.splitlines(keepends=True)[-tail:] if tail else [])

    def events(self, after: str | None = None) -> list[Event]:
        """Its events in order, all or those after a cursor."""
        return self._source.events(after)

    def __await__(self) -> Generator[Any, None, Any]:
        return self._wait_async().__await__()

    async def _wait_async(self) -> Any:
        if self.local is None:
            await asyncio.to_thread(self.wait)
        else:
            await _ended(self.local)
        return self.result(0)

    def _outcome(self) -> Outcome | None:
        return self._box.outcome if self._box else None

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

    def _snapshot(self) -> Task:
        return self._source.snapshot()

    def _seen(self) -> Task:
        return self._source.seen()

    def __repr__(self) -> str:
        return f"<Task {to_single_line(self._name)}>"

    def show(self) -> None:
        """Display its view; once in a cell, however often it is asked for."""
        from .display import bundle as display

        run = cell_run()
        if run is None or run != self._shown_in:
            self._shown_in = run
            display.show(self)

    def _ipython_display_(self) -> None:
        if kernel_shell() is None:
            print(repr(self))  # noqa: T201 - what IPython does where there is no view
        else:
            self.show()

    def _repr_mimebundle_(self, **_: object) -> Any:
        from .display import bundle as display

        return display.bundle(self)


class LocalSource:
    """What a handle knows of a task of this process."""

    def __init__(self, task: LocalTask) -> None:
        self._task = task
        self.id = task.id

    def snapshot(self) -> Task:
        return self._task.fold

    def seen(self) -> Task:
        return self._task.fold

    def wait(self, timeout: float | None) -> bool:
        return self._task.wait(timeout)

    def cancel(self) -> bool:
        if self._task.fold.state.ended:
            return False
        self._task.ask("cancel")
        return self._task.cancel()

    def retry(self) -> None:
        self._task.retry()

    def send(self, text: str, prompt_id: str | None) -> None:
        self._task.answer(text, prompt_id)

    def events(self, after: str | None) -> list[Event]:

        return events_of_local(self._task, after)


def attach(task_id: str) -> TaskHandle:
    """The handle of a task that any journal of this user knows. Raises `UnknownTask`."""
    from .remote_task import RemoteTask

    known = local_task(task_id)
    if known is not None:
        return TaskHandle(known, known.outcome_holder)
    if not isinstance(task_id, str):
        raise UnknownTask(f"{task_id!r} is not a task id", task_id="")
    return TaskHandle(RemoteTask(current_producer(), task_id))


def _text_of(event: Event) -> str:
    data = decode_data(event) if event.type == "log" else None
    return log_text(data.stream, data.text) if isinstance(data, Log) else ""


def _wait_here(task: LocalTask, timeout: float | None) -> bool:
    """Wait for a task of this process; on the loop that runs it, let that loop go on meanwhile."""
    from ..runtime.engines.delay import RetryDelay
    from ..runtime.engines.event_loop import LoopEngine
    from .nested_asyncio import run

    engine = task.attempt.engine if task.attempt else None
    engine = engine.then if isinstance(engine, RetryDelay) else engine
    if not isinstance(engine, LoopEngine):
        return task.wait(timeout)
    try:
        here = asyncio.get_running_loop()
    except RuntimeError:
        return task.wait(timeout)
    if here is not engine.loop:
        return task.wait(timeout)
    return run(_ended_within(task, timeout))


async def _ended_within(task: LocalTask, seconds: float | None) -> bool:
    try:
        await asyncio.wait_for(_ended(task), seconds)
    except TimeoutError:
        return False
    return True


async def _ended(task: LocalTask) -> None:
    loop = asyncio.get_running_loop()
    done = loop.create_future()

    def settle() -> None:
        if not done.done():
            done.set_result(None)

    def tell() -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle)

    task.on_end(tell)
    await done
