"""A task: the fold of its events."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from .events import (
    UNREADABLE,
    Command,
    Data,
    Error,
    Event,
    Input,
    Log,
    Lost,
    Message,
    Metric,
    Progress,
    Prompt,
    Result,
    State,
    Stopping,
    TaskState,
    decode_data,
)
from .logs.lines import LogSnapshot
from .snapshots import (
    MAX_METRICS,
    MessageSnapshot,
    MetricPoint,
    ProgressSnapshot,
    PromptSnapshot,
    StoppingSnapshot,
    WaitingSnapshot,
    add_message,
    bounded,
)
from .transitions import is_claim, may_have_become


class Task(Struct):
    """One task as its events describe it; encoded, it is the *snapshot* of the wire and of HTTP.

    Times are Unix seconds. ``created`` and ``queued`` come from the first and the latest ``queued``
    event; ``logs`` and ``events`` count events over all attempts; ``log`` is ``None`` where nothing was
    logged, or an older version has stored it; ``reason`` comes with the latest state:
    what a queued attempt waits for, what interrupted one; ``host`` and ``pid`` are those of the process that
    runs the attempt or ran it; ``metrics`` has the first
    `MAX_METRICS` names of the attempt, ``messages`` the newest `MAX_MESSAGES` with the last
    `MAX_MESSAGE_BYTES` bytes of their text; a text that had to be cut begins with "…". ``cursor``: the
    events up to there are folded in. ``grace``: seconds to clean up after a cancel. ``stopping``: how that
    goes, until the end. ``stalled_since`` is the holder's observation that the producer is alive but silent,
    ``retriable`` whether a ``retry`` of an ended task would find something that can run it (``None``:
    unknown), ``waiting`` what a queued task waits for; no event carries them.
    """

    id: str
    name: str = ""
    key: str | None = None
    tags: tuple[str, ...] = ()
    state: TaskState = TaskState.QUEUED
    attempt: int = 1
    owner: str | None = None
    kernel: str | None = None
    notebook: str | None = None
    cell: str | None = None
    run: str | None = None
    view: str | None = None
    params: dict[str, str] = {}
    kind: str | None = None
    on: str | None = None
    schedule: str | None = None
    host: str | None = None
    pid: int | None = None
    producer: str | None = None
    created: float | None = None
    queued: float | None = None
    started: float | None = None
    ended: float | None = None
    updated: float | None = None
    progress: ProgressSnapshot | None = None
    metrics: dict[str, MetricPoint] = {}
    reason: str | None = None
    error: Error | None = None
    result: Result | None = None
    prompt: PromptSnapshot | None = None
    messages: list[MessageSnapshot] = []
    cancel_requested: bool = False
    grace: float | None = None
    stopping: StoppingSnapshot | None = None
    stalled_since: float | None = None
    retriable: bool | None = None
    waiting: WaitingSnapshot | None = None
    logs: int = 0
    log: LogSnapshot | None = None
    events: int = 0
    cursor: str | None = None

    def apply(self, event: Event) -> str | None:
        """Fold one event in; return a flag (``invalid_transition``, ``bad_data``) or ``None``.

        Events of another attempt than the present one are counted, but change nothing else; only a
        ``state`` event begins a new attempt.
        """
        data: Data | None = None
        flag: str | None = None
        try:
            data = decode_data(event)
        except UNREADABLE:
            flag = "bad_data"
        self.events += 1
        if self.updated is None or event.time > self.updated:
            self.updated = event.time
        # `isinstance` takes long where the answer is no, and every event comes here.
        if self.producer is None or type(data) is Lost:
            self._note_producer(event, data)
        if self.events == 1:
            self.created, self.attempt = event.time, event.attempt
            if isinstance(data, State):
                return self._enter(event, data, first=True)
            self.state = TaskState.RUNNING
        if type(data) is Log:
            log = self.log or self._first_log()
            self.logs += 1
            if log is not None:
                log.add(event, data)
        elif type(data) is State and event.attempt >= self.attempt:
            return self._enter(event, data)
        elif data is not None and event.attempt == self.attempt:
            self._apply_data(event, data)
        return flag

    def apply_logs(self, events: Sequence[Event], logs: Sequence[Log]) -> list[int] | None:
        """Fold in log events that come after another event of the task; return the line of each, if known.

        *logs* are their payloads. It is the same as `apply` for one after the other, and takes half the time.
        """
        self.events += len(events)
        latest = max([event.time for event in events])
        if self.updated is None or latest > self.updated:
            self.updated = latest
        log = self.log or self._first_log()
        self.logs += len(events)
        return None if log is None else list(map(log.add, events, logs))

    def _note_producer(self, event: Event, data: Data | None) -> None:
        if self.producer is None:  # a holder may emit `lost` for any task
            self.producer = data.producer if isinstance(data, Lost) else event.producer
        if isinstance(data, Lost) and self.log is not None:
            self.log.open = None

    def _first_log(self) -> LogSnapshot | None:
        """Begin the log before its first event; ``None`` where an older version has counted events only."""
        if self.logs == 0:
            self.log = LogSnapshot()
        return self.log

    def _enter(self, event: Event, data: State, *, first: bool = False) -> str | None:
        newer = event.attempt > self.attempt
        if data.state is TaskState.QUEUED and not (first or newer) and self.queued is None:
            return self._queue_late(event, data)
        # A fact is never refused. Within the attempt an invalid one changes nothing; a newer attempt begins
        # in any case, because its later events would otherwise be taken for those of an old one.
        valid = may_have_become(None if first else self.state, data.state, next_attempt=newer)
        if is_claim(data) and (first or (newer and self.state.ended)):
            valid = True  # the `queued` of the process that submitted it is still on its way
        if not (valid or first or newer):
            return "invalid_transition"
        if newer:
            self._begin_attempt(event)
        if data.state is TaskState.QUEUED:
            self._queue(event, data)
        elif data.state is TaskState.RUNNING:
            self.started = self.started or event.time
            self.ended = None
            self.producer = data.producer or self.producer
            if data.pid is not None:
                self.host, self.pid = data.host, data.pid
        else:
            self.ended, self.prompt, self.stopping = event.time, None, None  # it asks nothing any more
        self.state = data.state
        self.reason, self.error, self.result = data.reason, data.error, data.result
        return None if valid else "invalid_transition"

    def _begin_attempt(self, event: Event) -> None:
        self.attempt, self.producer = event.attempt, event.producer
        self.queued = self.started = self.ended = self.progress = self.prompt = self.host = self.pid = None
        self.metrics, self.messages = {}, []
        self.cancel_requested, self.stopping = False, None

    def _queue_late(self, event: Event, data: State) -> str | None:
        """Fold in the ``queued`` of an attempt that a process of a pool has claimed, and begun, before."""
        where = self.producer, self.host, self.pid
        self._queue(event, data)
        self.producer, self.host, self.pid = where
        if self.created is not None and event.attempt == 1:
            self.created = min(self.created, event.time)
        return None

    def _queue(self, event: Event, data: State) -> None:
        self.queued = event.time
        self.producer = data.producer or event.producer
        if (about := data.about) is not None:
            self.name, self.key, self.tags = about.name, about.key, about.tags
            self.owner, self.kernel = about.owner, about.kernel
            self.notebook, self.cell = about.notebook, about.cell
            self.run, self.view, self.grace = about.run, about.view, about.grace
            self.params, self.kind, self.on = about.params or {}, about.kind, about.on
            self.schedule, self.host, self.pid = about.schedule, about.host, about.pid

    def _apply_data(self, event: Event, data: Data) -> None:
        match data:
            case Progress(done, total, message):
                self.progress = ProgressSnapshot(bounded(done), bounded(total), message)
            case Metric():
                self._add_metric(data)
            case Prompt(prompt_id, text, choices):
                self.prompt = PromptSnapshot(prompt_id, text, choices)
            case Message(role, text, message_id, delta):
                snapshot = MessageSnapshot(message_id, role, text)
                self.messages = add_message(self.messages, snapshot, delta=delta)
            case Input(_, prompt_id):
                self._answered(prompt_id)
            case Command("input", args):
                self._answered(args.get("prompt_id"))
            case Command("cancel", args):
                self.request_cancel(event.time, now=args.get("now") is True)
            case Stopping(resumed=True):
                self.stopping = self.stopping if self.cancel_requested else None
            case Stopping() if not self.state.ended:
                self.stopping = StoppingSnapshot.confirmed_by(data, self.stopping, event.time)

    def _add_metric(self, data: Metric) -> None:
        known = self.metrics.get(data.name)
        if known is not None or len(self.metrics) < MAX_METRICS:
            self.metrics[data.name] = MetricPoint.after(known, bounded(data.value), bounded(data.step))

    def request_cancel(self, when: float, *, now: bool = False) -> None:
        """Fold a cancel in: the first begins the task's grace; a second, or one for *now*, ends it."""
        self.cancel_requested = not self.state.ended
        if self.cancel_requested:
            self.stopping = StoppingSnapshot.after_cancel(self.stopping, when, self.grace, now=now)

    def _answered(self, prompt_id: object) -> None:
        """Clear the prompt: the first answer in the journal counts, command or event."""
        if self.prompt is not None and prompt_id == self.prompt.prompt_id:
            self.prompt = None


def current_for_key(tasks: Iterable[Task]) -> Task | None:
    """Return the task that a key stands for, of *tasks* with this key, newest first.

    The newest open one, else the newest completed one, else the newest; ``None`` without any.
    """
    known = list(tasks)
    open_tasks = [task for task in known if not task.state.ended]
    completed = [task for task in known if task.state is TaskState.COMPLETED]
    return next(iter([*open_tasks, *completed, *known]), None)


def fold(task_id: str, events: list[Event]) -> Task:
    """Return the task that *events*, in journal order, fold to."""
    task = Task(task_id)
    for event in events:
        task.apply(event)
    return task


_NOT_IN_POOLS = (None, "thread", "loop", "process", "detached", "foreground", "ThreadPoolExecutor")


def runs_in_pool(task: Task) -> bool:
    """Return True if a process that was not named when *task* was queued may run it."""
    return task.on not in _NOT_IN_POOLS


def may_be_claimed(task: Task) -> bool:
    """Return True if no process has begun the present attempt of *task*, and one of a pool may."""
    return runs_in_pool(task) and task.state in (TaskState.QUEUED, TaskState.INTERRUPTED)
