"""A task: the fold of its events.

`TRANSITIONS` is the whole state machine. Emitting code asks `check_transition` and gets an error;
folding code never refuses a fact, it flags it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from ..errors import InvalidTransition
from .events import (
    UNREADABLE,
    Command,
    Data,
    Error,
    Event,
    Input,
    Log,
    Message,
    Metric,
    Number,
    Progress,
    Prompt,
    Result,
    State,
    TaskState,
    decode_data,
)

Q, R = TaskState.QUEUED, TaskState.RUNNING
C, F, X, I = TaskState.COMPLETED, TaskState.FAILED, TaskState.CANCELLED, TaskState.INTERRUPTED

TRANSITIONS: dict[TaskState, frozenset[TaskState]] = {
    Q: frozenset({R, F, X, I}),
    R: frozenset({C, F, X, I}),
    C: frozenset(),
    F: frozenset(),
    X: frozenset(),
    I: frozenset({R, C, F, X}),
}
"""State → what the same attempt may become. `interrupted` is an inference: its producer's word wins."""


def may_become(old: TaskState | None, new: TaskState, *, next_attempt: bool = False) -> bool:
    """Whether a task in *old* (``None``: not yet there) may enter *new*.

    With *next_attempt* the event belongs to the attempt after the present one: only an ended
    task may be queued again.
    """
    if old is None:
        return new is TaskState.QUEUED
    if next_attempt:
        return new is TaskState.QUEUED and old.ended
    return new in TRANSITIONS[old]


def check_transition(
    task_id: str, old: TaskState | None, new: TaskState, *, next_attempt: bool = False
) -> None:
    """Raise `InvalidTransition` unless `may_become` says yes."""
    if not may_become(old, new, next_attempt=next_attempt):
        was = "not there yet" if old is None else old.value
        retry = " as a new attempt" if next_attempt else ""
        raise InvalidTransition(
            f"task {task_id} is {was} and cannot become {new.value}{retry}",
            task_id=task_id,
            old="" if old is None else old.value,
            new=new.value,
        )


HUGE = 1 << 1000
"""Whole numbers from here on are unknown to a fold: JSON has them, what reads a snapshot may not."""


MAX_METRICS = 500
"""Names of metrics in one snapshot, the first to come, since each commit writes it. The events have all."""


MAX_MESSAGES = 20
"""Messages in one snapshot, the newest."""

MAX_MESSAGE_BYTES = 8192
"""Bytes (UTF-8) of text that they have in all, since each commit writes them. The events have everything."""


class _Named(Struct, frozen=True):
    """Fields that can also be asked for by their name on the wire, as in ``point["value"]``."""

    def __getitem__(self, name: str) -> Any:
        if name not in self.__struct_fields__:
            raise KeyError(name)
        return getattr(self, name)


class MetricPoint(_Named, frozen=True):
    """The newest value of a metric."""

    value: Number | None
    step: Number | None


class ProgressSnapshot(_Named, frozen=True):
    """The newest progress, with nulls for what is unknown."""

    done: Number | None
    total: Number | None
    message: str | None


class PromptSnapshot(_Named, frozen=True):
    """The question a task waits on."""

    prompt_id: str
    text: str
    choices: tuple[str, ...] | None


class MessageSnapshot(_Named, frozen=True):
    """A message of the task's conversation, its parts joined."""

    message_id: str
    role: str
    text: str


class Task(Struct):
    """One task as its events tell it; encoded, it is the *snapshot* of the wire and of HTTP.

    Times are Unix seconds. ``created`` and ``queued`` come from the first and the latest ``queued``
    event; ``logs`` and ``events`` count events over all attempts; ``reason`` is what the latest state
    says of itself: what a queued attempt waits for, what interrupted one; ``metrics`` has the first
    `MAX_METRICS` names of the attempt, ``messages`` the newest `MAX_MESSAGES` with the last
    `MAX_MESSAGE_BYTES` bytes of what they say; a text that had to be cut begins with "…". ``cursor`` says
    up to where the events are folded in. ``stalled_since`` is the holder's observation that the producer
    is alive but silent; no event carries it.
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
    stalled_since: float | None = None
    logs: int = 0
    events: int = 0
    cursor: str | None = None

    def apply(self, event: Event) -> str | None:
        """Fold one event in; returns a flag (``invalid_transition``, ``bad_data``) or ``None``.

        Events of another attempt than the present one count, but change nothing else; only a
        ``state`` begins a new attempt.
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
        if self.producer is None and event.type != "lost":  # which a holder may say of a stranger's task
            self.producer = event.producer
        if self.events == 1:
            self.created, self.attempt = event.time, event.attempt
            if isinstance(data, State):
                return self._enter(event, data, first=True)
            self.state = TaskState.RUNNING
        if isinstance(data, Log):
            self.logs += 1
        elif isinstance(data, State) and event.attempt >= self.attempt:
            return self._enter(event, data)
        elif data is not None and event.attempt == self.attempt:
            self._apply_data(data)
        return flag

    def _enter(self, event: Event, data: State, *, first: bool = False) -> str | None:
        newer = event.attempt > self.attempt
        valid = may_become(None if first else self.state, data.state, next_attempt=newer)
        if not (valid or first or newer):
            return "invalid_transition"
        if newer:
            self._begin_attempt(event)
        if data.state is TaskState.QUEUED:
            self._queue(event, data)
        elif data.state is TaskState.RUNNING:
            self.started = self.started or event.time
            self.ended = None
        else:
            self.ended, self.prompt = event.time, None
        self.state = data.state
        self.reason, self.error, self.result = data.reason, data.error, data.result
        return None if valid else "invalid_transition"

    def _begin_attempt(self, event: Event) -> None:
        self.attempt, self.producer = event.attempt, event.producer
        self.started = self.ended = self.progress = self.prompt = None
        self.metrics, self.messages = {}, []
        self.cancel_requested = False

    def _queue(self, event: Event, data: State) -> None:
        self.queued = event.time
        self.producer = data.producer or event.producer
        if (about := data.about) is not None:
            self.name, self.key, self.tags = about.name, about.key, about.tags
            self.owner, self.kernel = about.owner, about.kernel
            self.notebook, self.cell = about.notebook, about.cell
            self.run, self.view = about.run, about.view

    def _apply_data(self, data: Data) -> None:
        match data:
            case Progress(done, total, message):
                self.progress = ProgressSnapshot(_bounded(done), _bounded(total), message)
            case Metric(name, value, step) if name in self.metrics or len(self.metrics) < MAX_METRICS:
                self.metrics[name] = MetricPoint(_bounded(value), _bounded(step))
            case Prompt(prompt_id, text, choices):
                self.prompt = PromptSnapshot(prompt_id, text, choices)
            case Message(role, text, message_id, delta):
                self._say(role, text, message_id, delta)
            case Input(_, prompt_id):
                self._answered(prompt_id)
            case Command("input", args):
                self._answered(args.get("prompt_id"))
            case Command("cancel"):
                self.cancel_requested = not self.state.ended

    def _answered(self, prompt_id: object) -> None:
        """The first answer takes the question, as soon as the holder has it."""
        if self.prompt is not None and prompt_id == self.prompt.prompt_id:
            self.prompt = None

    def _say(self, role: str, text: str, message_id: str, delta: bool) -> None:
        said = MessageSnapshot(message_id, role, text)
        for index, known in enumerate(self.messages):
            if known.message_id == message_id:
                self.messages[index] = MessageSnapshot(message_id, role, known.text + text) if delta else said
                break
        else:
            self.messages.append(said)
        self.messages = _newest(self.messages)


def _newest(messages: list[MessageSnapshot]) -> list[MessageSnapshot]:
    """The last of *messages* that a snapshot has room for, in their order."""
    kept: list[MessageSnapshot] = []
    room = MAX_MESSAGE_BYTES
    for said in reversed(messages[-MAX_MESSAGES:]):
        text = said.text.encode("utf-8", "replace")
        if len(text) > room:
            if room > len(_CUT):
                end = text[len(_CUT) - room :].decode("utf-8", "ignore")
                kept.append(MessageSnapshot(said.message_id, said.role, f"…{end}"))
            break
        kept.append(said)
        room -= len(text)
    return kept[::-1]


_CUT = "…".encode()


def _bounded(value: Number | None) -> Number | None:
    return None if value is None or abs(value) >= HUGE else value


def current_for_key(tasks: Iterable[Task]) -> Task | None:
    """Of tasks with the same key, newest first, the one that the key means: the first that lasts, else
    that has completed, else the newest."""
    known = list(tasks)
    lasting = [task for task in known if not task.state.ended]
    completed = [task for task in known if task.state is TaskState.COMPLETED]
    return next(iter([*lasting, *completed, *known]), None)


def fold(task_id: str, events: list[Event]) -> Task:
    """The task that *events*, in journal order, make."""
    task = Task(task_id)
    for event in events:
        task.apply(event)
    return task
