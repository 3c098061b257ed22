"""Oracle: what happened, in plain dictionaries, and what every reader must therefore have received."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from jupyter_agent.core.events import Command, Event, State, decode_data, decode_event
from jupyter_agent.core.ids import Cursor
from jupyter_agent.core.task import Task, fold
from jupyter_agent.journal.base import AppendResult, Batch, BatchOrigin, HolderEvent
from jupyter_agent.journal.transaction import start_of
from jupyter_agent.protocol.messages import Ack, CommandOrder

from .bugs import Bug
from .spools import lost_range

if TYPE_CHECKING:
    from .holding import WatchedJournal

_ack: msgspec.json.Decoder[Ack] = msgspec.json.Decoder(Ack)


class Wanted(NamedTuple):
    """What a subscription asked for; ``None`` means all."""

    tasks: frozenset[str] | None = None
    types: frozenset[str] | None = None

    def wants(self, event: Event) -> bool:
        return (self.tasks is None or event.task in self.tasks) and (
            self.types is None or event.type in self.types
        )


@dataclass(eq=False, slots=True)
class Life:
    """One task in one journal from its first event until it is forgotten."""

    events: list[Event] = field(default_factory=list)
    forgotten: bool = False


@dataclass(eq=False, slots=True)
class History:
    """One epoch of one journal. ``last`` is each producer's last accounted number, ``buried`` the attempts
    of deleted tasks: their late events are accounted for and not stored."""

    events: dict[int, Event] = field(default_factory=dict)
    lives: dict[str, list[Life]] = field(default_factory=lambda: defaultdict(list))
    last: dict[str, int] = field(default_factory=dict)
    forgotten: set[int] = field(default_factory=set)
    buried: set[tuple[str, int]] = field(default_factory=set)
    words: Counter[tuple[str, int]] = field(default_factory=Counter)
    inferred: set[tuple[str, int]] = field(default_factory=set)

    @property
    def head(self) -> int:
        return max(self.events, default=0)

    def life(self, task: str, at: int) -> Life | None:
        """The task's life that offset *at* lies in or after."""
        lives = [life for life in self.lives[task] if life.events and life.events[0].offset <= at]
        return lives[-1] if lives else None

    def between(self, after: int, upto: int) -> Iterator[Event]:
        for offset in range(after + 1, upto + 1):
            event = self.events.get(offset)
            if event is not None:
                yield event


class Oracle:
    """Hears of every emit, commit and delivery; an `AssertionError` is the verdict."""

    def __init__(self, bug: Bug | None = None) -> None:
        self.bug = bug
        self.verdict: AssertionError | None = None
        self.holders: set[str] = set()
        self.said: dict[str, list[Event]] = defaultdict(list)
        self.dropped: dict[str, set[int]] = defaultdict(set)
        self.safe: Counter[str] = Counter()
        self.histories: dict[str, History] = {}
        self.done: Counter[tuple[str, str, int]] = Counter()

    def begin(self, epoch: str) -> None:
        self.histories[epoch] = History()

    def emitted(self, event: Event, dropped: set[int]) -> None:
        self.said[event.producer].append(event)
        self.dropped[event.producer] |= dropped

    def acknowledged(self, producer: str, frame: bytes) -> None:
        """An ack means committed."""
        if frame.startswith(b'{"type":"ack"'):
            upto = _ack.decode(frame).upto
            assert upto <= self.safe[producer], f"{upto} was acknowledged, {self.safe[producer]} is committed"

    def lost_states(self, task: str) -> bool:
        """Whether a full spool had to drop a `state` of the task, named: how it ended is not known."""
        return any(
            event.task == task and event.type == "state" and event.n in self.dropped[producer]
            for producer, events in self.said.items()
            for event in events
        )

    def carried_out(self, producer: str, order: CommandOrder) -> None:
        """A producer does what it is asked: what a journal has at that place, and once."""
        events = [history.events.get(order.offset) for history in self.histories.values()]
        meant = [e for e in events if e and e.type == "command" and e.task == order.task]
        key = (producer, order.task, order.offset)
        self.done[key] += 1
        assert self.done[key] <= len(meant), f"carried out once too often: {order}"

    def hear(
        self, journal: WatchedJournal, work: Sequence[Batch | HolderEvent], answers: list[AppendResult]
    ) -> None:
        """As `committed`, in a place where the holder would take a verdict for trouble of its own."""
        try:
            self.committed(journal, work, answers)
        except AssertionError as error:
            self.verdict = self.verdict or error

    def speak(self) -> None:
        """Raise what `hear` could not."""
        if self.verdict is not None:
            raise self.verdict

    def committed(
        self, journal: WatchedJournal, work: Sequence[Batch | HolderEvent], answers: list[AppendResult]
    ) -> None:
        history = self.histories[journal.epoch]
        for item, answer in zip(work, answers, strict=True):
            assert not answer.foreign, f"refused as another's: {answer.foreign} of {item}"
            before = history.last.get(item.producer, 0) if isinstance(item, Batch) else 0
            events = [self._stored(history, stored.offset, stored.encoded) for stored in answer.stored]
            if isinstance(item, Batch):
                self._account(history, item, answer, events, before)

    def forgotten(self, journal: WatchedJournal, tasks: list[str]) -> None:
        history = self.histories[journal.epoch]
        for task in tasks:
            for life in history.lives[task]:
                life.forgotten = True
                ends = {(task, event.attempt) for event in life.events}
                history.buried |= ends
                history.inferred -= ends
                for end in ends:
                    del history.words[end]
                history.forgotten |= {event.offset for event in life.events}

    def told(self, place: Cursor, new: Cursor, wanted: Wanted, head: int, events: list[Event]) -> None:
        """A subscriber went from *place* to *new* with *events*: exactly what lies between."""
        assert new.epoch == place.epoch, f"from {place} to {new} without starting over"
        assert new.offset > place.offset, f"back from {place} to {new}"
        history = self.histories[new.epoch]
        assert new.offset <= history.head, f"{new} is not there yet: {history.head}"
        due = {
            event.offset: event for event in history.between(place.offset, new.offset) if wanted.wants(event)
        }
        told = [event.offset for event in events]
        assert told == sorted(set(told)), f"twice or out of order: {told}"
        for event in events:
            assert due.get(event.offset) == event, f"not due between {place} and {new}: {event}"
        newest = {(e.task, e.attempt): e.offset for e in events if e.type == "progress"}
        for offset in due.keys() - set(told):
            event = due[offset]
            superseded = event.type == "progress" and newest.get((event.task, event.attempt), 0) > offset
            assert superseded or offset <= head or offset in history.forgotten, (
                f"missing between {place} and {new}: {event}"
            )

    def snapshots(self, epoch: str, head: int, wanted: Wanted, tasks: list[Task]) -> None:
        """Snapshots are the fold of what lies before their cursor, and none is missing."""
        history = self.histories[epoch]
        for task in tasks:
            self._is_fold(history, task, head)
        there = {task.id for task in tasks}
        for task_id in history.lives:
            life = history.life(task_id, head)
            if life and not life.forgotten and (wanted.tasks is None or task_id in wanted.tasks):
                assert task_id in there, f"no snapshot of {task_id} at {head}"

    def folded(self, journal: WatchedJournal) -> None:
        """The journal's table of tasks is the fold of its events."""
        history = self.histories[journal.epoch]
        for task_id, lives in history.lives.items():
            task = journal.task(task_id)
            if task is not None:
                self._is_fold(history, task, journal.head)
            else:
                assert all(life.forgotten for life in lives), f"{task_id} is not in the table"

    def _is_fold(self, history: History, task: Task, head: int) -> None:
        life = history.life(task.id, head)
        assert life is not None, f"a snapshot of nothing: {task}"
        folded = fold(task.id, [event for event in life.events if event.offset <= head])
        told = msgspec.structs.replace(task, cursor=None, stalled_since=None, retriable=None)
        assert told == folded, f"at {head}:\n{told} is not the fold\n{folded}"

    def _stored(self, history: History, offset: int, encoded: bytes) -> Event:
        event = decode_event(encoded)
        assert event.offset == offset > history.head, f"offset {offset} after {history.head}"
        history.events[offset] = event
        lives = history.lives[event.task]
        if not lives or lives[-1].forgotten:
            lives.append(Life())
        lives[-1].events.append(event)
        if event.producer not in self.holders:
            self._is_as_said(history, event)
        if event.type == "state":
            self._one_end(history, event)
        return event

    def _is_as_said(self, history: History, event: Event) -> None:
        last = history.last.get(event.producer, 0)
        assert event.n > last, f"{event.n} of {event.producer} is stored twice or late, after {last}"
        history.last[event.producer] = event.n
        if event.type == "lost":
            assert set(lost_range(event)) <= self.dropped[event.producer] | {event.n}, f"not lost: {event}"
            return
        said = self.said[event.producer][event.n - 1]
        assert msgspec.structs.replace(event, offset=0, flag=None, line=0) == said, f"{event} is not {said}"
        assert (event.line > 0) == (event.type == "log"), f"a line for no text, or none for one: {event}"

    def _one_end(self, history: History, event: Event) -> None:
        data = decode_data(event)
        assert isinstance(data, State)
        key = (event.task, event.attempt)
        if not data.state.ended:
            history.inferred.discard(key)
        elif event.producer not in self.holders:
            history.words[key] += 1
            assert history.words[key] == 1, f"a second end of {key}: {event}"
        else:
            assert not history.words[key], f"an inference after the word: {event}"
            assert key not in history.inferred, f"interrupted twice: {event}"
            history.inferred.add(key)

    def _is_buried(self, history: History, producer: str, n: int) -> bool:
        """Return True for a late event of an attempt whose task was deleted."""
        event = self.said[producer][n - 1]
        return (event.task, event.attempt) in history.buried

    def _account(
        self, history: History, batch: Batch, answer: AppendResult, events: list[Event], before: int
    ) -> None:
        """Every number up to the ack is stored, or named as lost, or was in the merged journal's past."""
        if batch.producer in self.holders:
            return
        own = [event for event in events if event.producer == batch.producer]
        notes = [event for event in events if event.producer != batch.producer and event.type == "lost"]
        there = {n for event in own for n in range(start_of(event), event.n + 1)}
        named = {n for event in notes for n in lost_range(event)}
        for n in range(before + 1, answer.upto + 1):
            if n not in there and not self._is_buried(history, batch.producer, n):
                was = n <= self.safe[batch.producer]
                assert was or n in self.dropped[batch.producer], (
                    f"{n} of {batch.producer} is gone for nothing"
                )
                assert n in named or batch.origin is BatchOrigin.MERGED, (
                    f"{n} of {batch.producer} is not named lost"
                )
        history.last[batch.producer] = max(before, answer.upto)
        self.safe[batch.producer] = max(self.safe[batch.producer], answer.upto)


def is_cancel(event: Event) -> bool:
    """Return True for a command that asks for an end."""
    data = decode_data(event) if event.type == "command" else None
    return isinstance(data, Command) and data.command == "cancel"
