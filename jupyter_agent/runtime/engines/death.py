"""Death of a process that ran an attempt: its end is written into the spool that it left."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from copy import copy

from ...core.events import UNREADABLE, Data, Event, Log, State, TaskState, decode_data, decode_event
from ...producer.producer import adopt_spool
from ...producer.segment import Record
from ...producer.spool_folder import read_spool
from ..attempt import Attempt
from ..outcome import Outcome
from .child_output import OutputPart


def record_death(attempt: Attempt, outcome: Outcome, rest: Sequence[OutputPart] = ()) -> None:
    """Record *outcome* for an attempt whose process could not, and before it the *rest* of its output."""
    task = attempt.task
    spool = adopt_spool(task.producer.paths, attempt.worker or "")
    with ExitStack() as stack:
        # The end event belongs into the spool of that process, after the last event that it emitted.
        if spool is not None:
            stack.callback(spool.close)
            end = recorded_end(read_spool(spool.folder)[1], task.id, attempt.number)
            if end is not None:
                _adopt_end(attempt, end)
                return
            stack.enter_context(task.sink.redirect(attempt.number, spool.append))
            for name, text in rest:
                task.sink.emit(attempt.number, "log", Log(name, text))
        elif task.fold.state is TaskState.RUNNING:
            stack.enter_context(task.sink.redirect(attempt.number, _drop_event))
        task.record_outcome(attempt, outcome)


def recorded_end(records: list[Record], task: str, attempt: int) -> Event | None:
    """Return the end of *attempt* among the records of its process's spool, if that process wrote it."""
    for _, body in reversed(records):
        if b'"type":"state"' not in body:
            continue
        try:
            event = decode_event(body)
            data = decode_data(event)
        except UNREADABLE:
            continue
        if isinstance(data, State) and data.state.ended and (event.task, event.attempt) == (task, attempt):
            return event
    return None


def _adopt_end(attempt: Attempt, end: Event) -> None:
    """The process has recorded its end, and was killed before it could report that."""
    seen = copy(attempt.task.fold)
    seen.apply(end)
    if attempt.task.mirror(attempt, seen):
        attempt.task.on_attempt_ended(attempt, seen.state)


def _drop_event(_task: str, _attempt: int, _kind: str, _data: Data) -> int:
    """Emit nothing: the holder that has the spool records the same end, and one end is enough."""
    return 0
