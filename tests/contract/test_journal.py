"""One suite for every journal. A new adapter needs one line in `FACTORIES`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_agent.core.events import (
    UNREADABLE,
    About,
    Command,
    Display,
    Event,
    Input,
    Lost,
    Message,
    Metric,
    Prompt,
    State,
    TaskState,
    decode_data,
    decode_event,
    encode_event,
)
from jupyter_agent.core.query import TaskQuery
from jupyter_agent.core.snapshots import MessageSnapshot
from jupyter_agent.core.task import fold
from jupyter_agent.journal.base import (
    AppendResult,
    Batch,
    BatchOrigin,
    CellLocation,
    HolderEvent,
    Journal,
    StoredEvent,
)
from jupyter_agent.journal.memory import MemoryJournal
from jupyter_agent.journal.sqlite.journal import SQLiteJournal
from tests.support.builders import (
    HOLDER,
    OTHER_TASK,
    PRODUCER,
    STRANGER,
    TASK,
    Origin,
    event,
    python,
    state,
    story,
    task_id,
)

FACTORIES: dict[str, Callable[[Path, str], Journal]] = {
    "memory": lambda folder, epoch: MemoryJournal(HOLDER, epoch),
    "sqlite": lambda folder, epoch: SQLiteJournal(folder / f"{epoch}.sqlite", HOLDER, epoch),
}
NOW = 5000.0
QUEUED, RUNNING, COMPLETED = TaskState.QUEUED, TaskState.RUNNING, TaskState.COMPLETED
INTERRUPTED, CANCELLED = TaskState.INTERRUPTED, TaskState.CANCELLED


@pytest.fixture(params=sorted(FACTORIES))
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[str], Journal]]:
    made: list[Journal] = []

    def make(epoch: str = "e1") -> Journal:
        made.append(FACTORIES[request.param](tmp_path, epoch))
        return made[-1]

    yield make
    for journal in made:
        journal.close()
        journal.close()


@pytest.fixture
def journal(make: Callable[[str], Journal]) -> Journal:
    return make("e1")


def publish(
    journal: Journal,
    events: list[Event],
    *,
    base: int = 1,
    producer: str = PRODUCER,
    trust: BatchOrigin = BatchOrigin.PUBLISHED,
    handled: frozenset[int] = frozenset(),
    host: str | None = None,
    now: float = NOW,
) -> AppendResult:
    (answer,) = journal.append([Batch(producer, base, events, trust, host, handled)], now)
    return answer


def emit_by_holder(
    journal: Journal, kind: str, data: Any, *, task: str = TASK, attempt: int = 1
) -> StoredEvent:
    (answer,) = journal.append([HolderEvent(task, attempt, kind, data)], NOW)
    (stored,) = answer.stored
    return stored


def queued_for_pool(n: int, *, on: str | None = "ProcessPoolExecutor", attempt: int = 1) -> Event:
    return event(n, "state", State(QUEUED, about=About("train", on=on)), attempt=attempt)


def everything(journal: Journal, **narrow: Any) -> list[Event]:
    return [decode_event(stored.encoded) for stored in journal.read(0, 10**6, **narrow)]


def numbers(journal: Journal, producer: str = PRODUCER) -> list[int]:
    return [e.n for e in everything(journal) if e.producer == producer]


def told_lost(journal: Journal, task: str = TASK) -> list[tuple[int, int, str]]:
    data = [decode_data(e) for e in everything(journal, tasks=[task]) if e.type == "lost"]
    return [(lost.first, lost.last, lost.reason) for lost in data if isinstance(lost, Lost)]


class TestIngesting:
    def test_a_story_is_stored_in_order_and_folded(self, journal: Journal) -> None:
        answer = publish(journal, story(logs=3))
        assert (answer.upto, answer.expected, answer.foreign) == (6, None, ())
        assert numbers(journal) == [1, 2, 3, 4, 5, 6]
        assert [e.offset for e in everything(journal)] == [s.offset for s in answer.stored]
        assert journal.head == answer.stored[-1].offset
        task = journal.task(TASK)
        assert task is not None
        assert (task.name, task.state, task.logs) == ("train", COMPLETED, 3)
        assert task == fold(TASK, story(logs=3))

    @pytest.mark.parametrize("cut", range(1, 7))
    def test_what_comes_again_is_known_already(self, journal: Journal, cut: int) -> None:
        events = story(logs=3)
        publish(journal, events[:cut])
        before = journal.head
        again = publish(journal, events[:cut])
        assert (again.upto, again.expected, again.stored, journal.head) == (cut, None, (), before)
        assert publish(journal, events).upto == 6
        assert numbers(journal) == [1, 2, 3, 4, 5, 6]

    def test_a_gap_is_refused_and_says_what_is_expected(self, journal: Journal) -> None:
        publish(journal, story()[:2])
        answer = publish(journal, [event(4), event(5)])
        assert (answer.upto, answer.expected, answer.stored) == (2, 3, ())
        assert numbers(journal) == [1, 2]

    def test_a_gap_within_a_batch_takes_what_comes_before_it(self, journal: Journal) -> None:
        answer = publish(journal, [*story()[:2], event(3), event(5)])
        assert (answer.upto, answer.expected) == (3, 4)
        assert numbers(journal) == [1, 2, 3]

    def test_an_unknown_producer_that_starts_late_is_asked_from_its_base(self, journal: Journal) -> None:
        answer = publish(journal, [event(40)], base=30)
        assert (answer.upto, answer.expected, answer.stored) == (0, 30, ())

    def test_what_a_stranger_to_this_journal_no_longer_has_is_named_as_lost(self, journal: Journal) -> None:
        answer = publish(journal, [event(30), event(31)], base=30)
        assert (answer.upto, answer.expected) == (31, None)
        assert told_lost(journal) == [(1, 29, "not in this journal")]
        task = journal.task(TASK)
        assert task is not None
        assert (task.producer, task.state) == (PRODUCER, RUNNING), "its producer runs it, not the holder"

    def test_what_a_known_producer_no_longer_has_is_named_as_lost(self, journal: Journal) -> None:
        publish(journal, story()[:2])
        assert publish(journal, [event(10)], base=10).upto == 10
        assert told_lost(journal) == [(3, 9, "not in this journal")]

    def test_a_lost_event_accounts_for_its_numbers(self, journal: Journal) -> None:
        publish(journal, story()[:2])
        answer = publish(journal, [event(9, "lost", Lost(3, 9, "the disk is full")), event(10)])
        assert (answer.upto, answer.expected) == (10, None)
        assert told_lost(journal) == [(3, 9, "the disk is full")]

    def test_a_lost_event_that_begins_too_late_is_a_gap(self, journal: Journal) -> None:
        publish(journal, story()[:2])
        answer = publish(journal, [event(9, "lost", Lost(5, 9, "full"))])
        assert (answer.upto, answer.expected) == (2, 3)

    def test_an_empty_batch_says_where_it_is(self, journal: Journal) -> None:
        publish(journal, story()[:2])
        assert publish(journal, []).upto == 2
        assert publish(journal, [], producer=STRANGER).upto == 0

    def test_all_work_of_one_transaction_sees_what_comes_before_it(self, journal: Journal) -> None:
        events = story(logs=3)
        work: list[Batch | HolderEvent] = [
            Batch(PRODUCER, 1, events[:2]),
            HolderEvent(TASK, 1, "command", Command("cancel")),
            Batch(PRODUCER, 1, events[2:4]),
            Batch(PRODUCER, 1, events[5:]),
            Batch(STRANGER, 1, [event(1, producer=STRANGER)]),
        ]
        answers = journal.append(work, NOW)
        assert [a.upto for a in answers] == [2, 0, 4, 4, 1]
        assert [a.expected for a in answers] == [None, None, None, 5, None]
        assert answers[4].foreign == (1,)
        assert [len(a.stored) for a in answers] == [2, 1, 2, 0, 0]

    def test_offsets_grow_and_are_in_the_encoded_events(self, journal: Journal) -> None:
        publish(journal, story())
        emit_by_holder(journal, "command", Command("retry"))
        publish(journal, story(task=OTHER_TASK, producer=STRANGER), producer=STRANGER)
        stored = journal.read(0, 1000)
        offsets = [s.offset for s in stored]
        assert offsets == sorted(set(offsets))
        for s in stored:
            assert decode_event(s.encoded).offset == s.offset
            assert (decode_event(s.encoded).task, decode_event(s.encoded).type) == (s.task, s.type)

    def test_a_wrong_transition_is_stored_with_a_flag(self, journal: Journal) -> None:
        publish(journal, [*story(logs=0), state(4, RUNNING), event(5, "state", b"[]")])
        assert [e.flag for e in everything(journal)] == [None, None, None, "invalid_transition", "bad_data"]
        task = journal.task(TASK)
        assert task is not None
        assert task.state is COMPLETED

    @given(st.lists(st.integers(1, 12), min_size=1, max_size=10))
    def test_any_order_of_resending_stores_each_once(self, starts: list[int]) -> None:
        journal = MemoryJournal(HOLDER, "e1")
        events = story(logs=9)
        for start in [*starts, *range(1, 13)]:
            publish(journal, events[start - 1 : start + 2])
        assert numbers(journal) == list(range(1, 13))


class TestOwning:
    def test_a_task_of_another_producer_is_foreign_and_nothing_of_it_is_stored(
        self, journal: Journal
    ) -> None:
        publish(journal, story(end=False))
        mine = event(1, task=OTHER_TASK, producer=STRANGER)
        answer = publish(journal, [mine, event(2, producer=STRANGER)], producer=STRANGER)
        assert (answer.upto, answer.foreign) == (2, (2,))
        assert [e.n for e in everything(journal, tasks=[TASK])] == [1, 2, 3, 4, 5]
        assert journal.owners(TASK, 1) == (PRODUCER,)

    def test_a_stranger_cannot_have_anything_said_of_a_foreign_task_either(self, journal: Journal) -> None:
        publish(journal, story(end=False))
        answer = publish(journal, [event(40, producer=STRANGER)], base=40, producer=STRANGER)
        assert answer.foreign == (40,)
        assert told_lost(journal) == []

    def test_a_stranger_cannot_begin_another_attempt_of_a_task_that_goes_on(self, journal: Journal) -> None:
        publish(journal, story(end=False))
        for attempt in (2, 7):
            hijack = state(attempt, QUEUED, attempt=attempt, producer=STRANGER)
            assert publish(journal, [hijack], base=attempt, producer=STRANGER).foreign == (attempt,)
        task = journal.task(TASK)
        assert task is not None
        assert (task.attempt, task.producer) == (1, PRODUCER)

    def test_a_next_attempt_queued_while_its_task_was_called_interrupted_is_stored_and_flagged(
        self, journal: Journal
    ) -> None:
        publish(journal, story(end=False))
        emit_by_holder(journal, "state", State(TaskState.INTERRUPTED, reason="gone"))
        emit_by_holder(journal, "state", State(RUNNING, reason="its process is back"))
        joined = publish(journal, [state(1, RUNNING, attempt=2, producer=STRANGER)], producer=STRANGER)
        assert joined.foreign == (1,), "only by queueing it"
        answer = publish(journal, [state(2, QUEUED, attempt=2, producer=STRANGER)], producer=STRANGER)
        assert (answer.upto, answer.foreign) == (2, ())
        assert everything(journal, tasks=[TASK])[-1].flag == "invalid_transition"
        assert publish(journal, [event(7)]).foreign == (), "the first attempt is still its producer's"
        task = journal.task(TASK)
        assert task is not None
        assert (task.attempt, task.producer) == (2, STRANGER)

    def test_an_ended_task_may_be_retried_by_another_producer(self, journal: Journal) -> None:
        publish(journal, story())
        retry = state(1, QUEUED, attempt=2, producer=STRANGER)
        assert publish(journal, [retry], producer=STRANGER).foreign == ()
        assert journal.owners(TASK, 2) == (STRANGER,)
        late = publish(journal, [*story(), event(7)])
        assert late.foreign == (), "late events of its own attempt are still the first producer's"
        assert publish(journal, [event(8, attempt=2)]).foreign == (8,)

    def test_an_earlier_attempt_that_a_replaced_journal_had_is_stored_beside_a_running_one(
        self, journal: Journal
    ) -> None:
        """Its producer sends again what it still has; another one has begun the next attempt meanwhile."""
        retry = [
            state(1, QUEUED, attempt=2, producer=STRANGER),
            state(2, RUNNING, attempt=2, producer=STRANGER),
        ]
        publish(journal, retry, producer=STRANGER)
        answer = publish(journal, story())
        assert answer.foreign == ()
        task = journal.task(TASK)
        assert task is not None
        assert (task.attempt, task.state, task.producer) == (2, RUNNING, STRANGER)

    def test_a_process_of_a_pool_claims_a_queued_attempt_and_a_second_one_is_refused(
        self, journal: Journal
    ) -> None:
        publish(journal, [queued_for_pool(1)])
        claim = state(1, RUNNING, producer=STRANGER, delegate=STRANGER)
        assert publish(journal, [claim, event(2, producer=STRANGER)], producer=STRANGER).foreign == ()
        assert journal.owners(TASK, 1) == (PRODUCER, STRANGER)
        task = journal.task(TASK)
        assert task is not None
        assert (task.state, task.producer) == (RUNNING, STRANGER)
        again = state(1, RUNNING, producer=HOLDER, delegate=HOLDER)
        assert publish(journal, [again], producer=HOLDER).foreign == (1,)
        ended = state(3, COMPLETED, producer=STRANGER)
        assert publish(journal, [ended], producer=STRANGER).foreign == ()
        assert publish(journal, [again], producer=HOLDER, base=1).foreign == ()  # known, and passed over
        assert journal.owners(TASK, 1) == (PRODUCER, STRANGER)

    @pytest.mark.parametrize("on", ["thread", "process", "detached", None])
    def test_an_attempt_for_no_pool_cannot_be_claimed(self, journal: Journal, on: str | None) -> None:
        publish(journal, [queued_for_pool(1, on=on)])
        claim = state(1, RUNNING, producer=STRANGER, delegate=STRANGER)
        assert publish(journal, [claim], producer=STRANGER).foreign == (1,)

    def test_a_claim_that_comes_before_its_queued_is_the_same_claim(self, journal: Journal) -> None:
        """The two processes have a connection each, and the pool's may be the faster one."""
        for attempt in (1, 2):
            claim = state(2 * attempt - 1, RUNNING, attempt=attempt, producer=STRANGER, delegate=STRANGER)
            assert publish(journal, [claim], producer=STRANGER, base=claim.n).foreign == ()
            queued = queued_for_pool(attempt, attempt=attempt)
            assert publish(journal, [queued], base=attempt).foreign == ()
            assert journal.owners(TASK, attempt) == (PRODUCER, STRANGER)
            task = journal.task(TASK)
            assert task is not None
            assert (task.name, task.state, task.producer) == ("train", RUNNING, STRANGER)
            end = state(2 * attempt, TaskState.FAILED, attempt=attempt, producer=STRANGER)
            assert publish(journal, [end], producer=STRANGER, base=end.n).foreign == ()
        assert [e.flag for e in everything(journal)] == [None] * 6

    def test_a_claim_from_a_spool_counts_as_one_that_is_published(self, journal: Journal) -> None:
        publish(journal, [queued_for_pool(1)], trust=BatchOrigin.SPOOLED)
        claim = state(1, RUNNING, producer=STRANGER, delegate=STRANGER)
        publish(journal, [claim], producer=STRANGER, trust=BatchOrigin.SPOOLED)
        assert publish(journal, [event(2, producer=STRANGER)], producer=STRANGER).foreign == ()

    def test_a_merged_loss_does_not_make_the_other_holder_the_owner(self, journal: Journal) -> None:
        """The other journal begins with it when it was new, and the producer goes on here."""
        loss = event(1, "lost", Lost(1, 1, "not in this journal"), producer=STRANGER)
        publish(journal, [loss], producer=STRANGER, trust=BatchOrigin.MERGED)
        publish(journal, [event(2), event(3)], base=2, trust=BatchOrigin.MERGED)
        assert journal.owners(TASK, 1) == (PRODUCER,)
        assert publish(journal, [event(4)], base=2).foreign == ()
        assert numbers(journal)[-1] == 4

    def test_the_producer_that_is_named_may_publish_too(self, journal: Journal) -> None:
        publish(journal, [state(1, QUEUED, about="train", delegate=STRANGER)])
        assert journal.owners(TASK, 1) == (PRODUCER, STRANGER)
        child = publish(journal, [state(1, RUNNING, producer=STRANGER)], producer=STRANGER)
        assert child.foreign == ()
        assert publish(journal, [state(2, TaskState.FAILED)]).foreign == ()
        other = event(1, producer=HOLDER)
        assert publish(journal, [other], producer=HOLDER).foreign == (1,)

    @pytest.mark.parametrize("trust", BatchOrigin)
    def test_an_event_that_names_another_producer_is_not_taken(
        self, journal: Journal, trust: BatchOrigin
    ) -> None:
        publish(journal, story(end=False))
        forged = event(1, "state", State(CANCELLED), producer=PRODUCER)
        answer = publish(journal, [forged], producer=STRANGER, trust=trust)
        assert (answer.foreign, answer.stored) == ((1,), ())
        assert numbers(journal) == [1, 2, 3, 4, 5]

    @pytest.mark.parametrize("name", ["../../../../../etc/passwd1", "0" * 12 + "\0" + "0" * 13, "x" * 26])
    def test_a_task_id_that_is_no_ulid_is_not_taken(self, journal: Journal, name: str) -> None:
        assert publish(journal, [event(1, task=name)]).foreign == (1,)
        assert journal.tasks() == []

    def test_a_spool_of_this_user_is_trusted(self, journal: Journal) -> None:
        publish(journal, story(end=False))
        spooled = state(1, COMPLETED, producer=STRANGER)
        assert publish(journal, [spooled], producer=STRANGER, trust=BatchOrigin.SPOOLED).foreign == ()

    def test_owners_of_an_unknown_attempt_are_none(self, journal: Journal) -> None:
        assert journal.owners(TASK, 1) == ()


class TestSpooled:
    def test_a_hole_is_named_and_passed(self, journal: Journal) -> None:
        events = [e for e in story(logs=9) if e.n not in (5, 6, 9)]
        answer = publish(journal, events, trust=BatchOrigin.SPOOLED)
        assert (answer.upto, answer.expected) == (12, None)
        assert told_lost(journal) == [(5, 6, "damaged on disk"), (9, 9, "damaged on disk")]

    def test_a_hole_before_a_lost_event_ends_where_that_begins(self, journal: Journal) -> None:
        events = [*story()[:2], event(9, "lost", Lost(5, 9, "full"))]
        publish(journal, events, trust=BatchOrigin.SPOOLED)
        assert told_lost(journal) == [(3, 4, "damaged on disk"), (5, 9, "full")]

    def test_what_was_published_before_is_known(self, journal: Journal) -> None:
        publish(journal, story()[:4])
        publish(journal, story(), trust=BatchOrigin.SPOOLED)
        assert numbers(journal) == [1, 2, 3, 4, 5, 6]


class TestMerged:
    def test_gaps_are_passed_without_a_word(self, journal: Journal) -> None:
        publish(journal, [story()[0], event(5), event(9)], base=1, trust=BatchOrigin.MERGED)
        assert numbers(journal) == [1, 5, 9]
        assert told_lost(journal) == []

    def test_an_empty_batch_accounts_for_everything_below_its_base(self, journal: Journal) -> None:
        publish(journal, [], base=8, trust=BatchOrigin.MERGED)
        assert publish(journal, [event(8)], base=8).upto == 8
        assert told_lost(journal) == []
        publish(journal, [], base=3, trust=BatchOrigin.MERGED)
        assert publish(journal, [event(9)], base=8).upto == 9

    def test_handled_commands_are_not_delivered_again(self, journal: Journal) -> None:
        publish(journal, story(end=False))
        commands = [event(n, "command", Command("input", {"k": n}), producer=STRANGER) for n in (1, 2)]
        publish(journal, commands, producer=STRANGER, trust=BatchOrigin.MERGED, handled=frozenset({1}))
        assert [p.event.n for p in journal.pending(PRODUCER)] == [2]

    def test_a_flag_is_found_anew(self, journal: Journal) -> None:
        events = story(logs=0)
        publish(journal, [*events, state(4, RUNNING)], trust=BatchOrigin.MERGED)
        assert everything(journal)[-1].flag == "invalid_transition"


class TestCommands:
    def command(self, journal: Journal, **args: Any) -> int:
        return emit_by_holder(journal, "command", Command("input", args, "ada")).offset

    def test_a_command_waits_for_the_tasks_producer_until_it_is_handled(self, journal: Journal) -> None:
        publish(journal, story(end=False))
        first, second = self.command(journal, a=1), self.command(journal, a=2)
        assert [p.offset for p in journal.pending(PRODUCER)] == [first, second]
        assert journal.pending(STRANGER) == []
        pending = journal.pending(PRODUCER)[0]
        assert (pending.producer, pending.event.task, pending.event.attempt) == (PRODUCER, TASK, 1)
        assert decode_data(pending.event) == Command("input", {"a": 1}, "ada")
        journal.handled(first)
        journal.handled(first)
        journal.handled(10**6)
        assert [p.offset for p in journal.pending(PRODUCER)] == [second]

    def test_an_inferred_interruption_leaves_them_for_a_producer_that_comes_back(
        self, journal: Journal
    ) -> None:
        publish(journal, story(logs=0, end=False))
        self.command(journal)
        journal.append([HolderEvent(TASK, 1, "state", State(INTERRUPTED))], NOW)
        assert len(journal.pending(PRODUCER)) == 1

    @pytest.mark.parametrize("ending", [COMPLETED, TaskState.FAILED, CANCELLED, INTERRUPTED])
    def test_an_end_settles_them(self, journal: Journal, ending: TaskState) -> None:
        publish(journal, story(logs=0, end=False))
        self.command(journal)
        publish(journal, [state(3, ending)], base=3)
        assert journal.pending(PRODUCER) == []

    def test_an_answer_takes_the_question_at_once_and_waits_for_its_producer(
        self, make: Callable[[str], Journal]
    ) -> None:
        """Also for who opens the journal anew; what was said is joined there."""
        journal = make("e1")
        publish(journal, story(logs=0, end=False))
        said = [Message("assistant", text, "m", delta=True) for text in ("Shall ", "I?")]
        events = [event(3 + n, "message", one) for n, one in enumerate(said)]
        publish(journal, [*events, event(5, "prompt", Prompt("p", "Go on?"))])
        answer = emit_by_holder(
            journal, "command", Command("input", {"text": "yes", "prompt_id": "p"}, "ada")
        )
        task = journal.task(TASK)
        assert task is not None
        assert (task.prompt, task.messages) == (None, [MessageSnapshot("m", "assistant", "Shall I?")])
        assert [p.offset for p in journal.pending(PRODUCER)] == [answer.offset]
        if isinstance(journal, SQLiteJournal):
            journal.close()
            again = make("e1")
            assert again.task(TASK) == task
            assert [p.offset for p in again.pending(PRODUCER)] == [answer.offset]

    def test_an_end_in_the_same_transaction_settles_them(self, journal: Journal) -> None:
        publish(journal, story(logs=0, end=False))
        cancel = HolderEvent(TASK, 1, "command", Command("cancel"))
        journal.append([cancel, Batch(PRODUCER, 3, [state(3, CANCELLED)])], NOW)
        assert journal.pending(PRODUCER) == []

    def test_a_cancel_shows_in_the_task(self, journal: Journal) -> None:
        publish(journal, story(end=False))
        emit_by_holder(journal, "command", Command("cancel"))
        task = journal.task(TASK)
        assert task is not None
        assert task.cancel_requested

    def test_what_a_producer_says_itself_is_not_sent_back_to_it(self, journal: Journal) -> None:
        publish(journal, [*story(logs=0, end=False), event(3, "command", Command("cancel"))])
        assert journal.pending(PRODUCER) == []

    def test_commands_go_to_the_process_that_runs_the_attempt(self, journal: Journal) -> None:
        publish(journal, [state(1, QUEUED, about="x", delegate=STRANGER)])
        self.command(journal)
        assert journal.pending(PRODUCER) == []
        assert len(journal.pending(STRANGER)) == 1

    def test_a_retry_of_an_ended_task_waits_too(self, journal: Journal) -> None:
        publish(journal, story())
        offset = emit_by_holder(journal, "command", Command("retry")).offset
        assert [p.offset for p in journal.pending(PRODUCER)] == [offset]


class TestNotes:
    def test_they_are_numbered_as_the_holders_own(self, journal: Journal) -> None:
        publish(journal, story(end=False))
        emit_by_holder(journal, "state", State(INTERRUPTED, reason="gone"))
        emit_by_holder(journal, "input", Input("hello"))
        noted = [e for e in everything(journal) if e.producer == HOLDER]
        assert [(e.n, e.time, e.type) for e in noted] == [(1, NOW, "state"), (2, NOW, "input")]
        task = journal.task(TASK)
        assert task is not None
        assert (task.state, task.producer) == (INTERRUPTED, PRODUCER)
        assert publish(journal, [state(6, RUNNING)], base=6).upto == 6
        task = journal.task(TASK)
        assert task is not None
        assert task.state is RUNNING


class TestReading:
    @pytest.fixture
    def full(self, journal: Journal) -> Journal:
        for round_ in range(10):
            publish(journal, story(logs=9)[round_ : round_ + 1], base=1)
            other = story(task=OTHER_TASK, producer=STRANGER, logs=9)
            publish(journal, other[round_ : round_ + 1], base=1, producer=STRANGER)
        return journal

    def test_pages_meet_without_loss_or_overlap(self, full: Journal) -> None:
        for limit in (1, 3, 7, 100):
            after, found = 0, []
            while page := full.read(after, limit):
                assert len(page) <= limit
                found += page
                after = page[-1].offset
            assert found == full.read(0, 10**6)
        assert full.read(full.head, 10) == []

    def test_tasks_and_types_narrow(self, full: Journal) -> None:
        logs = full.read(0, 100, tasks=[TASK], types=["log"])
        assert {(s.task, s.type) for s in logs} == {(TASK, "log")}
        assert len(logs) == 8
        both = full.read(0, 100, tasks={TASK, OTHER_TASK})
        assert both == full.read(0, 100)
        assert full.read(0, 100, tasks=[TASK, TASK]) == full.read(0, 100, tasks=[TASK])
        assert full.read(0, 100, types=["log", "state"]) == full.read(0, 100)
        assert full.read(0, 100, tasks=[]) == full.read(0, 100, types=[]) == []
        assert full.read(0, 100, tasks=[task_id(9)]) == []

    def test_paging_narrowed_by_several_tasks_keeps_the_order(self, full: Journal) -> None:
        after, found = 0, []
        while page := full.read(after, 3, tasks=[TASK, OTHER_TASK]):
            found += page
            after = page[-1].offset
        assert found == full.read(0, 100)

    def test_a_page_is_bounded_by_bytes_too_and_never_empty(self, full: Journal) -> None:
        (alone,) = full.read(0, 100, size=1)
        assert alone == full.read(0, 1)[0]
        page = full.read(0, 100, size=1000)
        assert 1 < len(page) < 20
        assert page == full.read(0, len(page))

    def test_the_tail_is_the_last_of_these_types_oldest_first(self, full: Journal) -> None:
        logs = full.read(0, 100, tasks=[TASK], types=["log"])
        assert full.tail(TASK, 3, ["log"]) == logs[-3:]
        assert full.tail(TASK, 100, ["log"]) == logs
        assert full.tail(TASK, 0, ["log"]) == []
        assert full.tail(TASK, 3, []) == full.tail(TASK, 3, ["display"]) == []
        assert full.tail(task_id(9), 3, ["log"]) == []
        assert [s.type for s in full.tail(TASK, 100, ["log", "state"])] == ["state"] * 2 + ["log"] * 8


class TestReadingBack:
    @pytest.fixture
    def full(self, journal: Journal) -> Journal:
        """40 events of a task, every fourth a log, the others metrics; another task's between them."""
        for n in range(1, 41):
            publish(journal, [event(n, "log" if n % 4 == 0 else "metric")])
            publish(journal, [event(n, task=OTHER_TASK, producer=STRANGER)], producer=STRANGER)
        return journal

    def back(self, journal: Journal, limit: int, **narrow: Any) -> list[StoredEvent]:
        """Everything, page by page from the end."""
        upto = journal.head
        found: list[StoredEvent] = []
        while upto:
            page = journal.past(TASK, upto, limit, **narrow)
            assert len(page.events) <= limit
            assert page.older < upto, "it goes round in a circle"
            found = page.events + found
            upto = page.older
        return found

    @pytest.mark.parametrize("limit", [1, 3, 7, 40, 100])
    def test_pages_from_the_end_meet_without_loss_or_overlap(self, full: Journal, limit: int) -> None:
        assert self.back(full, limit) == full.read(0, 100, tasks=[TASK])

    @pytest.mark.parametrize("look", [1, 2, 5, 40, 100])
    @pytest.mark.parametrize("limit", [1, 3, 100])
    def test_rare_types_are_all_found_however_short_a_look_is(
        self, full: Journal, limit: int, look: int
    ) -> None:
        logs = full.read(0, 100, tasks=[TASK], types=["log"])
        assert self.back(full, limit, types=["log"], scan_limit=look) == logs
        assert self.back(full, limit, types=["display"], scan_limit=look) == []

    def test_a_page_is_the_newest_up_to_a_place_oldest_first(self, full: Journal) -> None:
        every = full.read(0, 100, tasks=[TASK])
        assert full.past(TASK, full.head, 3).events == every[-3:]
        assert full.past(TASK, every[20].offset, 3).events == every[18:21], "what is there lies before it"
        assert full.past(TASK, every[20].offset - 1, 3).events == every[17:20]
        assert full.past(TASK, every[1].offset, 2) == (every[:2], 0)
        assert full.past(TASK, every[2].offset, 2) == (every[1:3], every[0].offset)

    def test_there_is_nothing_before_the_first_of_no_task_and_of_no_types(self, full: Journal) -> None:
        assert full.past(TASK, 0, 10) == full.past(task_id(9), full.head, 10) == ([], 0)
        assert self.back(full, 10, types=[]) == []

    def test_a_look_goes_no_further_than_it_may(self, full: Journal) -> None:
        every = full.read(0, 100, tasks=[TASK])
        page = full.past(TASK, every[38].offset, 10, types=["log"], scan_limit=9)
        assert [s.offset for s in page.events] == [every[31].offset, every[35].offset]
        assert full.past(TASK, every[38].offset, 10, types=["display"], scan_limit=9) == (
            [],
            every[29].offset,
        )

    def test_a_page_is_bounded_by_bytes_and_never_empty(self, full: Journal) -> None:
        every = full.read(0, 100, tasks=[TASK])
        assert full.past(TASK, full.head, 100, size=1) == (every[-1:], every[-2].offset)
        page = full.past(TASK, full.head, 100, size=1000)
        assert 1 < len(page.events) < 20
        assert page.events == every[-len(page.events) :]
        assert self.back(full, 100, size=1000) == every

    @pytest.mark.parametrize("limit", [1, 3, 7, 41])
    def test_joined_pages_are_all_events_of_their_types_in_order(self, full: Journal, limit: int) -> None:
        logs = full.read(0, 100, tasks=[TASK], types=["log"])
        after, more, found = 0, True, []
        while more:
            page = full.joined(TASK, after, limit, ["log", "state"], 1 << 20)
            found += [one["n"] for one in msgspec.json.decode(page.array)]
            after, more = page.last or after, page.more
        assert found == [msgspec.json.decode(one.encoded)["n"] for one in logs]
        assert after == full.read(0, 100, tasks=[TASK])[-1].offset

    def test_what_is_joined_has_no_event_that_is_too_long(self, full: Journal) -> None:
        publish(full, [event(41, "metric", Metric("x" * 2000, 1.0, 1)), event(42, "metric")])
        [*_, last] = msgspec.json.decode(full.joined(TASK, 0, 100, ["metric"], 1000).array)
        assert last["n"] == 42
        assert b"xxx" not in full.joined(TASK, 0, 100, ["metric"], 1000).array
        assert full.joined(TASK, full.head, 100, ["metric"], 1000) == (b"[]", 0, False)


class TestTasks:
    @pytest.fixture
    def many(self, journal: Journal) -> Journal:
        for number in range(1, 8):
            origin = Origin(task=task_id(number), producer=f"0{number}" + "0" * 24)
            events = [
                state(1, QUEUED, about="even" if number % 2 == 0 else "odd", **origin),
                state(2, RUNNING, **origin),
            ]
            if number > 4:
                events.append(state(3, COMPLETED, time=100.0 * (10 - number), **origin))
            publish(journal, events, producer=origin["producer"])
        return journal

    def ids(self, journal: Journal, producer: str | None = None, **narrow: Any) -> list[int]:
        known = {task_id(number): number for number in range(1, 8)}
        return [known[task.id] for task in journal.tasks(TaskQuery(**narrow), producer=producer)]

    def test_they_come_newest_first_in_pages(self, many: Journal) -> None:
        assert self.ids(many) == [7, 6, 5, 4, 3, 2, 1]
        assert self.ids(many, limit=3) == [7, 6, 5]
        assert self.ids(many, limit=3, before=task_id(5)) == [4, 3, 2]
        assert self.ids(many, before=task_id(1)) == []
        assert self.ids(many, after=task_id(5)) == [7, 6]
        assert self.ids(many, after=task_id(2), before=task_id(6), limit=2) == [5, 4]

    def test_they_are_found_by_state_name_and_producer(self, many: Journal) -> None:
        assert self.ids(many, state=RUNNING) == [4, 3, 2, 1]
        assert self.ids(many, state=COMPLETED, name="even") == [6]
        assert self.ids(many, name="nobody") == []
        assert self.ids(many, producer="03" + "0" * 24) == [3]
        assert self.ids(many, state=RUNNING, before=task_id(4), limit=2) == [3, 2]
        assert self.ids(many, state=RUNNING, after=task_id(2)) == [4, 3]
        assert self.ids(many, name="odd", after=task_id(3), producer="05" + "0" * 24) == [5]

    def test_open_ones_come_oldest_first(self, many: Journal) -> None:
        assert [task.id for task in many.open_tasks()] == [task_id(n) for n in (1, 2, 3, 4)]

    def test_ended_ones_are_found_by_the_offset_of_their_end(self, many: Journal) -> None:
        ends = many.ended(0, many.head, 10)
        assert [task for _, task in ends] == [task_id(n) for n in (5, 6, 7)], "not by any producer's clock"
        assert [at for at, _ in ends] == [many.tail(task, 1, ["state"])[0].offset for _, task in ends]
        assert many.ended(0, many.head, 2) == ends[:2]
        assert many.ended(ends[0][0], ends[1][0], 10) == [ends[1]]
        assert many.ended(0, ends[0][0] - 1, 10) == []
        many.forget([task_id(6)])
        assert [task for _, task in many.ended(0, many.head, 10)] == [task_id(5), task_id(7)]

    def test_a_task_that_came_back_has_not_ended_and_ends_later_then(self, journal: Journal) -> None:
        publish(journal, story(end=False))
        emit_by_holder(journal, "state", State(INTERRUPTED))
        assert [task for _, task in journal.ended(0, journal.head, 10)] == [TASK]
        back = journal.head
        publish(journal, [state(6, RUNNING)])
        assert journal.ended(0, journal.head, 10) == []
        publish(journal, [state(7, COMPLETED)])
        assert journal.ended(back, journal.head, 10) == [(journal.head, TASK)]

    def test_what_is_given_out_is_a_copy(self, many: Journal) -> None:
        for task in (many.task(task_id(1)), many.tasks()[-1], many.open_tasks()[0]):
            assert task is not None
            task.name, task.state = "changed", CANCELLED
            task.metrics["x"] = None  # type: ignore[assignment]
        again = many.task(task_id(1))
        assert again is not None
        assert (again.name, again.state, again.metrics) == ("odd", RUNNING, {})

    def test_an_unknown_task_is_none(self, many: Journal) -> None:
        assert many.task(TASK) is None

    def test_producers_are_known_by_their_last_word(self, journal: Journal) -> None:
        publish(journal, story(), host="far", now=70.0)
        row = journal.producer(PRODUCER)
        assert row is not None
        assert (row.id, row.last_n, row.host, row.seen) == (PRODUCER, 6, "far", 70.0)
        publish(journal, [event(7)], now=80.0)
        row = journal.producer(PRODUCER)
        assert row is not None
        assert (row.last_n, row.host, row.seen) == (7, "far", 80.0)
        assert journal.producer(STRANGER) is None
        assert [row.id for row in journal.producers()] == [PRODUCER]


def started(journal: Journal, number: int, notebook: str | None, cell: str | None) -> None:
    """A task that says that it was started there."""
    origin = Origin(task=task_id(number), producer=f"0{number}" + "0" * 24)
    about = About("train", notebook=notebook, cell=cell)
    events = [event(1, "state", State(QUEUED, about=about), **origin), state(2, RUNNING, **origin)]
    publish(journal, events, producer=origin["producer"])


class TestCellLocations:
    @pytest.fixture
    def nest(self, journal: Journal) -> Journal:
        started(journal, 1, "/home/a.ipynb", "one")
        started(journal, 2, "/home/a.ipynb", "two")
        started(journal, 3, "/home/b.ipynb", "one")
        started(journal, 4, None, "one")
        started(journal, 5, "/home/a.ipynb", None)
        started(journal, 6, None, None)
        started(journal, 7, "/home/a.ipynb", "one")
        return journal

    def ids(self, journal: Journal, *locations: tuple[str | None, str | None], **narrow: Any) -> list[int]:
        known = {task_id(number): number for number in range(1, 8)}
        places = [CellLocation(*location) for location in locations]
        found = journal.tasks(TaskQuery(**narrow), locations=places)
        return [known[task.id] for task in found]

    def test_each_location_is_listed_once(self, nest: Journal) -> None:
        a, b = "/home/a.ipynb", "/home/b.ipynb"
        assert sorted(nest.cell_locations(["one"]), key=str) == [(a, "one"), (b, "one"), (None, "one")]
        assert nest.cell_locations(["two", "two", "three"]) == [(a, "two")]
        assert nest.cell_locations([]) == []
        assert set(nest.cell_locations()) == {(a, "one"), (a, "two"), (b, "one"), (None, "one"), (a, None)}
        assert len(nest.cell_locations()) == 5

    def test_locations_come_in_pages(self, nest: Journal) -> None:
        found = nest.cell_locations(limit=2)
        while page := nest.cell_locations(after=found[-1], limit=2):
            found += page
        assert found == nest.cell_locations()

    def test_tasks_are_found_by_where_they_were_started_newest_first(self, nest: Journal) -> None:
        a, b = "/home/a.ipynb", "/home/b.ipynb"
        assert self.ids(nest, (a, "one")) == [7, 1]
        assert self.ids(nest, (a, "one"), (None, "one"), (b, "one")) == [7, 4, 3, 1]
        assert self.ids(nest, (a, None)) == [5]
        assert self.ids(nest, (b, "two")) == self.ids(nest) == []
        assert self.ids(nest, (a, "one"), (a, "two"), before=task_id(7), limit=1) == [2]
        assert self.ids(nest, (a, "one"), state=RUNNING, name="train") == [7, 1]

    @pytest.mark.parametrize("name", ["/ö/mein Heft.ipynb", "a'b\"c\\d,e", "RTC:x.ipynb", "/😀.ipynb"])
    def test_any_name_is_found(self, journal: Journal, name: str) -> None:
        started(journal, 1, name, name)
        assert journal.cell_locations([name]) == [(name, name)]
        assert self.ids(journal, (name, name)) == [1]

    def test_an_attempt_from_another_cell_moves_the_task_there(self, nest: Journal) -> None:
        origin = Origin(task=task_id(2), producer="02" + "0" * 24)
        for attempt, location in ((2, ("/home/b.ipynb", "nine")), (3, (None, None))):
            data = State(QUEUED, about=About("train", notebook=location[0], cell=location[1]))
            queued = event(2 * attempt, "state", data, attempt=attempt, **origin)
            publish(
                nest,
                [state(2 * attempt - 1, COMPLETED, attempt=attempt - 1, **origin), queued],
                producer=origin["producer"],
            )
            assert self.ids(nest, ("/home/a.ipynb", "two")) == []
            assert self.ids(nest, ("/home/b.ipynb", "nine")) == ([2] if attempt == 2 else [])

    def test_a_forgotten_task_was_nowhere(self, nest: Journal) -> None:
        nest.forget([task_id(2), task_id(1)])
        assert nest.cell_locations(["two"]) == []
        assert self.ids(nest, ("/home/a.ipynb", "one")) == [7]


class TestKeys:
    @pytest.fixture
    def keyed(self, journal: Journal) -> Journal:
        for number, key in enumerate(["nightly", "other", None, "nightly", "ö'\"%\\"], start=1):
            self.queue(journal, number, key)
        return journal

    def queue(self, journal: Journal, number: int, key: str | None, attempt: int = 1) -> None:
        origin = Origin(task=task_id(number), producer=f"0{number}" + "0" * 24)
        queued = event(
            2 * attempt - 1, "state", State(QUEUED, about=About("train", key=key)), attempt=attempt, **origin
        )
        ended = state(2 * attempt, CANCELLED, attempt=attempt, **origin)
        publish(journal, [queued, ended], producer=origin["producer"])

    def ids(self, journal: Journal, key: str, **narrow: Any) -> list[int]:
        known = {task_id(number): number for number in range(1, 8)}
        return [known[task.id] for task in journal.tasks(TaskQuery(key=key, **narrow))]

    def test_tasks_are_found_by_their_key_newest_first(self, keyed: Journal) -> None:
        assert self.ids(keyed, "nightly") == [4, 1]
        assert self.ids(keyed, "nightly", limit=1) == [4]
        assert self.ids(keyed, "nightly", before=task_id(4)) == [1]
        assert self.ids(keyed, "nightly", state=RUNNING) == []
        assert self.ids(keyed, "nightly", name="train", state=CANCELLED) == [4, 1]
        assert self.ids(keyed, "ö'\"%\\") == [5]
        assert self.ids(keyed, "nightl_") == self.ids(keyed, "") == []

    def test_the_key_is_the_newest_attempts(self, keyed: Journal) -> None:
        self.queue(keyed, 1, "other", attempt=2)
        self.queue(keyed, 4, None, attempt=2)
        assert self.ids(keyed, "nightly") == []
        assert self.ids(keyed, "other") == [2, 1]

    def test_a_forgotten_task_frees_its_key(self, keyed: Journal) -> None:
        keyed.forget([task_id(4), task_id(2)])
        assert self.ids(keyed, "nightly") == [1]
        assert self.ids(keyed, "other") == []


class TestForgetting:
    def test_a_forgotten_task_is_gone_with_all_its_events(self, journal: Journal) -> None:
        publish(journal, story(end=False))
        emit_by_holder(journal, "command", Command("cancel"))
        publish(journal, story(task=OTHER_TASK, producer=STRANGER), producer=STRANGER)
        size = journal.size()
        journal.forget([TASK])
        assert journal.task(TASK) is None
        assert journal.pending(PRODUCER) == []
        assert {s.task for s in journal.read(0, 100)} == {OTHER_TASK}
        assert journal.size() <= size
        journal.forget([TASK])
        journal.forget([])

    def test_late_events_do_not_bring_a_forgotten_task_back_and_a_new_attempt_does(
        self, journal: Journal
    ) -> None:
        publish(journal, story())
        journal.forget([TASK])
        late = publish(journal, [event(7), event(8, "lost", Lost(8, 8, "full"))])
        assert (late.upto, late.foreign, late.stored) == (8, (), ())
        assert publish(journal, [event(12)], base=12).upto == 12, "nor does what is said of a loss"
        assert journal.task(TASK) is None
        assert publish(journal, [state(13, QUEUED, attempt=2)], base=12).upto == 13
        task = journal.task(TASK)
        assert task is not None
        assert (task.attempt, task.state) == (2, QUEUED)

    def test_offsets_and_numbers_are_not_used_again(self, journal: Journal) -> None:
        publish(journal, story())
        head = journal.head
        journal.forget([TASK])
        assert journal.head == head
        assert publish(journal, story()).stored == ()
        fresh = publish(journal, [event(7, task=OTHER_TASK)])
        assert fresh.stored[0].offset > head

    def test_what_was_forgotten_cannot_be_resumed_over(self, journal: Journal) -> None:
        publish(journal, story())
        publish(journal, story(task=OTHER_TASK, producer=STRANGER), producer=STRANGER)
        assert journal.recoverable(0, None)
        assert not journal.recoverable(journal.head + 1, None)
        assert not journal.recoverable(journal.head + 1, [TASK])
        journal.forget([TASK])
        assert not journal.recoverable(0, None)
        assert not journal.recoverable(5, None)
        assert journal.recoverable(6, None)
        assert journal.recoverable(0, [OTHER_TASK])
        assert not journal.recoverable(0, [OTHER_TASK, TASK])
        assert journal.recoverable(journal.head, None)


DEEP = b'{"data":{"a":' + b"[" * 900 + b"]" * 900 + b"}}"
HOSTILE = {
    "deep": ("display", DEEP),
    "nul": ("log", b'{"stream":"stdout","text":"a\\u0000b"}'),
    "surrogate": ("log", b'{"stream":"stdout","text":"\\ud83d\\ude00"}'),
    "huge": ("metric", b'{"name":"x","value":1' + b"0" * 400 + b"}"),
    "exponent": ("metric", b'{"name":"x","value":1e400}'),
    "spaces": ("log", b'{ "stream" : "stdout",\n "text":"x" }'),
    "quotes": ("log", b'{"stream":"stdout","text":"\\u0027); DROP TABLE events; --"}'),
    "empty": ("log", b"{}"),
    "null": ("log", b"null"),
    "type with nul": ("a\x00b", b"{}"),
    "long type": ("x" * 5000, b"{}"),
    "emoji type": ("\U0001f600", b"{}"),
    "line ends": ("log", b'{"stream":"stdout","text":"\\u2028\\u2029\\r\\n"}'),
    "same key twice": ("log", b'{"stream":"stdout","text":"a","text":"b"}'),
}


def _tight(encoded: bytes) -> bytes:
    """Without white space, which a journal may leave out."""
    return b"".join(encoded.split())


class TestHostile:
    def test_offset_and_flag_are_the_journals_words_whatever_a_producer_says(self, journal: Journal) -> None:
        publish(journal, story(logs=0, end=False))
        publish(journal, [msgspec.structs.replace(event(3), offset=99, flag="mine")], base=3)
        last = everything(journal)[-1]
        assert (last.offset, last.flag) == (3, None)
        assert journal.read(2, 1)[0].encoded.count(b'"offset"') == 1

    @pytest.mark.parametrize("name", sorted(HOSTILE))
    def test_it_is_stored_as_it_came_and_does_not_fail_the_others_of_its_batch(
        self, journal: Journal, name: str
    ) -> None:
        kind, raw = HOSTILE[name]
        events = [*story(logs=0, end=False), event(3, kind, raw), state(4, COMPLETED)]
        answer = publish(journal, events)
        assert answer.upto == 4
        stored = journal.read(0, 100)
        assert [decode_event(s.encoded).type for s in stored] == ["state", "state", kind, "state"]
        assert _tight(raw) in _tight(stored[2].encoded)
        task = journal.task(TASK)
        assert task is not None
        assert (task.state, task.events) == (COMPLETED, 4)
        assert b"\n" not in stored[2].encoded.replace(raw, b""), "an event is one line"

    def test_names_and_reasons_come_back_as_they_went(self, journal: Journal) -> None:
        name = "a\x00b'\"; --\u2028\U0001f600"
        publish(journal, [state(1, QUEUED, about=name)])
        (task,) = journal.tasks()
        assert task.name == name

    def test_a_display_of_a_mebibyte_passes(self, journal: Journal) -> None:
        data = Display({"text/html": "x" * (1 << 20)})
        assert publish(journal, [story()[0], event(2, "display", data)]).upto == 2
        assert decode_data(everything(journal)[1]) == data

    @given(
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.text() | st.integers(), st.lists, max_leaves=5
        )
    )
    def test_any_json_is_taken_alike_by_all(
        self, tmp_path_factory: pytest.TempPathFactory, value: Any
    ) -> None:
        raw = json.dumps({"data": {"x": value}}, separators=(",", ":")).encode()
        data = event(2, "display", raw)
        try:
            events = [story()[0], decode_event(encode_event(data))]
        except UNREADABLE:  # lone surrogates and NaN never pass the decoder
            return
        answers = []
        for name, factory in FACTORIES.items():
            journal = factory(tmp_path_factory.mktemp(name), "e1")
            publish(journal, events)
            answers.append(([s.encoded for s in journal.read(0, 10)], journal.task(TASK)))
            journal.close()
        assert all(answer == answers[0] for answer in answers)


class TestReopening:
    def test_everything_is_there_again(self, tmp_path: Path) -> None:
        path = tmp_path / "journal.sqlite"
        first = SQLiteJournal(path, HOLDER, "first")
        publish(first, story(end=False), host="far")
        offset = emit_by_holder(first, "command", Command("cancel")).offset
        publish(first, story(task=OTHER_TASK, producer=STRANGER), producer=STRANGER)
        first.forget([OTHER_TASK])
        before = (first.head, first.epoch, first.read(0, 100), first.task(TASK), first.producers())
        first.close()
        second = SQLiteJournal(path, STRANGER, "second")
        assert (
            second.head,
            second.epoch,
            second.read(0, 100),
            second.task(TASK),
            second.producers(),
        ) == before
        assert second.epoch == "first", "cursors go on meaning what they meant"
        assert [p.offset for p in second.pending(PRODUCER)] == [offset]
        assert second.owners(TASK, 1) == (PRODUCER,)
        assert not second.recoverable(0, None)
        assert publish(second, [event(6)]).upto == 6
        second.close()

    def test_an_epoch_is_the_journals_not_the_holders(self, make: Callable[[str], Journal]) -> None:
        assert make("one").epoch == "one"
        assert make("two").epoch == "two"


LOOP = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from tests.support.builders import HOLDER, PRODUCER, event, state
from jupyter_agent.core.events import TaskState
from jupyter_agent.journal.base import Batch
from jupyter_agent.journal.sqlite.journal import SQLiteJournal

journal = SQLiteJournal(Path(sys.argv[1]), HOLDER, "first")
n = journal.producer(PRODUCER).last_n if journal.producer(PRODUCER) else 0
while True:
    events = [event(k) if k > 1 else state(1, TaskState.QUEUED, about="x") for k in range(n + 1, n + 8)]
    (answer,) = journal.append([Batch(PRODUCER, 1, events)], 1.0)
    n = answer.upto
    print(n, flush=True)
"""


def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    acked = 0
    for round_ in range(4):
        with python(LOOP, path, Path(__file__).parents[2]) as process:
            assert process.stdout is not None
            for _ in range(3 + round_ * 5):
                acked = int(process.stdout.readline())
            process.kill()
            process.wait()
        journal = SQLiteJournal(path, HOLDER, "later")
        stored = numbers(journal)
        assert journal.epoch == "first"
        assert stored == list(range(1, len(stored) + 1)), "nothing twice, no holes"
        assert len(stored) >= acked
        task, row = journal.task(TASK), journal.producer(PRODUCER)
        assert task is not None
        assert row is not None
        assert (task.events, row.last_n) == (len(stored), len(stored)), "one transaction, all or nothing"
        journal.close()
