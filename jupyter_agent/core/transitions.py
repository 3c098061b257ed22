"""State machine of an attempt: which state may follow which.

Emitting code calls `check_transition` and gets an error; folding code never refuses a fact, it flags it.
"""

from __future__ import annotations

from ..errors import InvalidTransition
from .events import UNREADABLE, Event, State, TaskState, decode_data
from .ids import is_ulid

QUEUED, RUNNING = TaskState.QUEUED, TaskState.RUNNING
COMPLETED, FAILED = TaskState.COMPLETED, TaskState.FAILED
CANCELLED, INTERRUPTED = TaskState.CANCELLED, TaskState.INTERRUPTED

TRANSITIONS: dict[TaskState, frozenset[TaskState]] = {
    QUEUED: frozenset({RUNNING, FAILED, CANCELLED, INTERRUPTED}),
    RUNNING: frozenset({COMPLETED, FAILED, CANCELLED, INTERRUPTED}),
    COMPLETED: frozenset(),
    FAILED: frozenset(),
    CANCELLED: frozenset(),
    INTERRUPTED: frozenset({RUNNING, COMPLETED, FAILED, CANCELLED}),
}
"""State → what the same attempt may become. `interrupted` is an inference: what its producer says takes
precedence."""


def may_become(old: TaskState | None, new: TaskState, *, next_attempt: bool = False) -> bool:
    """Return True if a task in *old* (``None``: not there yet) may enter *new*.

    With *next_attempt* the event belongs to the attempt after the present one: only an ended task may be
    queued again.
    """
    if old is None:
        return new is TaskState.QUEUED
    if next_attempt:
        return new is TaskState.QUEUED and old.ended
    return new in TRANSITIONS[old]


def may_have_become(old: TaskState | None, new: TaskState, *, next_attempt: bool = False) -> bool:
    """Return True for what `may_become` allows, and if an event that was lost may stand between the two."""
    return may_become(old, new, next_attempt=next_attempt) or (
        not next_attempt and (old, new) == (QUEUED, COMPLETED)
    )


def is_claim(state: State) -> bool:
    """Return True if the producer of *state* claims the attempt by it: that one runs it, and no other."""
    return state.state is RUNNING and state.producer is not None


def check_transition(
    task_id: str, old: TaskState | None, new: TaskState, *, next_attempt: bool = False
) -> None:
    """Raise `InvalidTransition` unless `may_become` returns True."""
    if not may_become(old, new, next_attempt=next_attempt):
        was = "not there yet" if old is None else old.value
        retry = " as a new attempt" if next_attempt else ""
        raise InvalidTransition(
            f"task {task_id} is {was} and cannot become {new.value}{retry}",
            task_id=task_id,
            old="" if old is None else old.value,
            new=new.value,
        )


def claims(event: Event) -> bool:
    """Return True if the producer of *event* claims its attempt by it; see `is_claim`."""
    state = state_of(event)
    return state is not None and is_claim(state) and state.producer == event.producer


def enters(event: Event, wanted: TaskState) -> bool:
    """Return True if *event* is the entry of its attempt into a state."""
    state = state_of(event)
    return state is not None and state.state is wanted


def delegate_of(event: Event, producer: str) -> tuple[str, ...]:
    """Return the other process that will run the attempt, as its ``queued`` event says."""
    state = state_of(event)
    other = state.producer if state is not None else None
    return (other,) if other and other != producer and is_ulid(other) else ()


def state_of(event: Event) -> State | None:
    """Return the payload of a ``state`` event; ``None`` for another event, or one that cannot be read."""
    if event.type != "state":
        return None
    try:
        data = decode_data(event)
    except UNREADABLE:
        return None
    return data if isinstance(data, State) else None
