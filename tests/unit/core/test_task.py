from __future__ import annotations

from itertools import product

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_agent.core.events import (
    About,
    Checkpoint,
    Command,
    Data,
    Error,
    Event,
    Input,
    Lost,
    Metric,
    Progress,
    Prompt,
    Result,
    State,
    TaskState,
)
from jupyter_agent.core.nesting import MAX_PAYLOAD_NESTING
from jupyter_agent.core.snapshots import MAX_METRICS, MetricPoint
from jupyter_agent.core.task import Task, fold
from jupyter_agent.core.transitions import TRANSITIONS, check_transition, may_become
from jupyter_agent.errors import InvalidTransition
from tests.support.builders import HOLDER, PRODUCER, STRANGER, TASK, event, state, story

QUEUED, RUNNING = TaskState.QUEUED, TaskState.RUNNING
COMPLETED, FAILED = TaskState.COMPLETED, TaskState.FAILED
CANCELLED, INTERRUPTED = TaskState.CANCELLED, TaskState.INTERRUPTED
ENDS = {COMPLETED, FAILED, CANCELLED, INTERRUPTED}

SAME_ATTEMPT = {
    (QUEUED, RUNNING), (QUEUED, CANCELLED), (QUEUED, FAILED), (QUEUED, INTERRUPTED),
    (RUNNING, COMPLETED), (RUNNING, FAILED), (RUNNING, CANCELLED), (RUNNING, INTERRUPTED),
    (INTERRUPTED, RUNNING), (INTERRUPTED, COMPLETED), (INTERRUPTED, FAILED), (INTERRUPTED, CANCELLED),
}  # fmt: skip
"""Written out a second time, from the words of the specification and not from the code."""

WITH_LOSSES = SAME_ATTEMPT | {(QUEUED, COMPLETED)}
"""What folds accept: the event that it was running may be lost."""

WAY = {
    QUEUED: [QUEUED],
    RUNNING: [QUEUED, RUNNING],
    COMPLETED: [QUEUED, RUNNING, COMPLETED],
    FAILED: [QUEUED, RUNNING, FAILED],
    CANCELLED: [QUEUED, CANCELLED],
    INTERRUPTED: [QUEUED, RUNNING, INTERRUPTED],
}
PAIRS = [pytest.param(old, new, id=f"{old}-{new}") for old, new in product(TaskState, TaskState)]


def task_in(wanted: TaskState) -> Task:
    return fold(TASK, [state(n, step, about="train") for n, step in enumerate(WAY[wanted], 1)])


def happen(task: Task, kind: str, data: Data, *, attempt: int = 1, producer: str = PRODUCER) -> str | None:
    return task.apply(event(50, kind, data, attempt=attempt, producer=producer))


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_the_same_attempt_goes_only_where_the_table_lets_it(old: TaskState, new: TaskState) -> None:
    assert may_become(old, new) is ((old, new) in SAME_ATTEMPT)
    assert (new in TRANSITIONS[old]) is ((old, new) in SAME_ATTEMPT)
    task = task_in(old)
    flag = task.apply(state(9, new))
    if (old, new) in WITH_LOSSES:
        assert (flag, task.state) == (None, new)
    else:
        assert (flag, task.state) == ("invalid_transition", old)


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_a_new_attempt_begins_only_by_queueing_an_ended_task(old: TaskState, new: TaskState) -> None:
    valid = new is QUEUED and old in ENDS
    assert may_become(old, new, next_attempt=True) is valid
    task = task_in(old)
    flag = task.apply(state(9, new, attempt=2))
    assert flag == (None if valid else "invalid_transition")
    assert (task.attempt, task.state) == (2, new), "a fact is never refused"


@pytest.mark.parametrize("new", TaskState)
def test_a_task_begins_queued(new: TaskState) -> None:
    assert may_become(None, new) is (new is QUEUED)
    task = Task(TASK)
    assert task.apply(state(1, new)) == (None if new is QUEUED else "invalid_transition")
    assert task.state is new


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_an_invalid_transition_raises_with_both_states(old: TaskState, new: TaskState) -> None:
    if (old, new) in SAME_ATTEMPT:
        check_transition(TASK, old, new)
        return
    with pytest.raises(InvalidTransition) as error:
        check_transition(TASK, old, new)
    assert str(error.value) == f"task {TASK} is {old} and cannot become {new}"
    assert (error.value.task_id, error.value.old, error.value.new) == (TASK, old, new)


def test_the_story_tells_a_task_that_is_not_there_and_a_retry_apart() -> None:
    with pytest.raises(InvalidTransition, match="is not there yet and cannot become running"):
        check_transition(TASK, None, RUNNING)
    with pytest.raises(InvalidTransition, match="is running and cannot become queued as a new attempt"):
        check_transition(TASK, RUNNING, QUEUED, next_attempt=True)


@pytest.mark.parametrize(("old", "late"), PAIRS)
def test_a_late_state_of_an_earlier_attempt_changes_nothing_but_the_count(
    old: TaskState, late: TaskState
) -> None:
    events = [state(n, step, attempt=2, about="train") for n, step in enumerate(WAY[old], 1)]
    task, quiet = fold(TASK, events), fold(TASK, events)
    assert task.apply(state(9, late, attempt=1, time=1.0)) is None
    quiet.events += 1
    assert task == quiet


@pytest.mark.parametrize("attempt", [1, 3])
@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("progress", Progress(1, 2)),
        ("metric", Metric("loss", 1)),
        ("prompt", Prompt("p", "well?")),
        ("command", Command("cancel")),
        ("lost", Lost(1, 2, "full")),
    ],
)
def test_only_the_present_attempt_is_folded(attempt: int, kind: str, data: Data) -> None:
    events = [state(n, step, attempt=2) for n, step in enumerate(WAY[RUNNING], 1)]
    task, quiet = fold(TASK, events), fold(TASK, events)
    assert task.apply(event(9, kind, data, attempt=attempt, time=1.0)) is None
    quiet.events += 1
    assert task == quiet


def test_logs_of_every_attempt_are_counted() -> None:
    task = task_in(RUNNING)
    for attempt in (1, 2, 3):
        task.apply(event(9, attempt=attempt))
    assert (task.logs, task.events, task.attempt) == (3, 5, 1)


def test_a_retry_starts_clean_and_keeps_what_the_task_is() -> None:
    about = About(
        "train",
        key="key",
        tags=("a", "b"),
        owner="ada",
        kernel="kernel",
        notebook="x.ipynb",
        cell="cell",
        run="run",
        view="slim",
    )
    task = fold(TASK, [event(1, "state", State(QUEUED, about=about)), state(2, RUNNING)])
    happen(task, "progress", Progress(5, 10, "half"))
    happen(task, "metric", Metric("loss", 0.5, 3))
    happen(task, "prompt", Prompt("p", "well?"))
    happen(task, "command", Command("cancel"))
    task.apply(state(60, FAILED))
    task.apply(state(61, QUEUED, attempt=2, producer=STRANGER, time=5000.0))
    assert (task.name, task.key, task.tags, task.owner) == ("train", "key", ("a", "b"), "ada")
    assert (task.kernel, task.notebook, task.cell) == ("kernel", "x.ipynb", "cell")
    assert (task.run, task.view) == ("run", "slim")
    assert (task.attempt, task.producer, task.state) == (2, STRANGER, QUEUED)
    assert (task.progress, task.metrics, task.prompt, task.error) == (None, {}, None, None)
    assert (task.started, task.ended, task.cancel_requested) == (None, None, False)
    assert (task.created, task.queued) == (1001.0, 5000.0)


def test_the_word_of_a_producer_that_was_only_cut_off_wins() -> None:
    task = task_in(INTERRUPTED)
    ended = task.ended
    assert ended is not None
    assert task.apply(state(9, RUNNING)) is None
    assert (task.state, task.ended, task.started) == (RUNNING, None, 1002.0)
    assert task.apply(state(10, COMPLETED)) is None
    assert (task.state, task.ended) == (COMPLETED, 1010.0)


def test_the_queueing_process_can_name_another_one_to_run_it() -> None:
    task = fold(TASK, [state(1, QUEUED, about="train", delegate=STRANGER)])
    assert task.producer == STRANGER
    task.apply(state(1, RUNNING, producer=STRANGER))
    assert task.producer == STRANGER


def test_a_loss_that_is_told_first_does_not_make_the_holder_the_producer() -> None:
    task = fold(TASK, [event(1, "lost", Lost(1, 6, "pruned"), producer=HOLDER, attempt=3)])
    assert (task.producer, task.state, task.attempt) == (None, RUNNING, 3)
    task.apply(event(7, attempt=3))
    assert task.producer == PRODUCER


def test_how_it_ended_is_kept() -> None:
    error, result = Error("ValueError", "no", "Traceback"), Result("42", stored=True)
    failed, completed = task_in(RUNNING), task_in(RUNNING)
    failed.apply(event(3, "state", State(FAILED, error=error)))
    completed.apply(event(3, "state", State(COMPLETED, result=result)))
    assert (failed.error, failed.result) == (error, None)
    assert (completed.error, completed.result) == (None, result)


def test_a_question_stands_until_its_answer_or_the_end() -> None:
    task = task_in(RUNNING)
    happen(task, "prompt", Prompt("p1", "which?", ("a", "b")))
    happen(task, "input", Input("unasked"))
    happen(task, "input", Input("b", "p0"))
    prompt = task.prompt
    assert prompt is not None
    assert prompt.choices == ("a", "b")
    happen(task, "input", Input("b", "p1"))
    assert task.prompt is None
    happen(task, "prompt", Prompt("p2", "sure?"))
    task.apply(state(60, CANCELLED))
    assert task.prompt is None


@pytest.mark.parametrize("old", TaskState)
def test_a_cancel_is_a_request_only_while_the_task_goes_on(old: TaskState) -> None:
    task = task_in(old)
    happen(task, "command", Command("cancel"))
    assert task.cancel_requested is (old not in ENDS)
    happen(task, "command", Command("retry"))
    assert task.cancel_requested is (old not in ENDS)


def test_metrics_keep_the_newest_point_of_each_name() -> None:
    task = task_in(RUNNING)
    for step in range(3):
        happen(task, "metric", Metric("loss", 1 / (step + 1), step))
        happen(task, "metric", Metric("rate", step))
    assert {name: (p.value, p.step) for name, p in task.metrics.items()} == {
        "loss": (1 / 3, 2),
        "rate": (2, None),
    }


def test_two_tasks_share_no_metrics() -> None:
    first, second = task_in(RUNNING), task_in(RUNNING)
    happen(first, "metric", Metric("loss", 1))
    assert second.metrics == {}


@pytest.mark.parametrize("data", [b"[]", b'{"state":"flying"}', b'{"state":1}', b"null", b'{"state":"\xff"}'])
def test_a_payload_that_cannot_be_read_is_counted_and_flagged(data: bytes) -> None:
    task = task_in(RUNNING)
    assert task.apply(event(9, "state", data)) == "bad_data"
    assert (task.state, task.events) == (RUNNING, 3)


@pytest.mark.parametrize(
    ("depth", "flag"), [(MAX_PAYLOAD_NESTING, None), (MAX_PAYLOAD_NESTING + 1, "bad_data")]
)
def test_a_payload_nested_too_deeply_is_counted_and_flagged(depth: int, flag: str | None) -> None:
    """Each decoder could still read it: what is too deep is the same for every Python."""
    lists = depth - 2  # the payload and its `data` are two levels
    deep = b'{"data":{"a":' + b"[" * lists + b"]" * lists + b"}}"
    assert task_in(RUNNING).apply(event(9, "display", deep)) == flag


def test_types_of_a_later_version_are_counted_and_not_flagged() -> None:
    task = task_in(RUNNING)
    assert task.apply(event(9, "hologram", b'{"x":1}')) is None
    assert task.events == 3


def test_a_clock_that_went_back_does_not_take_updated_with_it() -> None:
    task = task_in(RUNNING)
    task.apply(event(9, time=1.0))
    assert task.updated == 1002.0


def test_a_checkpoint_changes_nothing_but_the_count() -> None:
    task, quiet = task_in(RUNNING), task_in(RUNNING)
    task.apply(event(9, "checkpoint", Checkpoint(TASK, 7), time=1.0))
    quiet.events += 1
    assert task == quiet


STEPS = st.one_of(
    st.builds(lambda s, a: state(1, s, attempt=a), st.sampled_from(TaskState), st.integers(1, 3)),
    st.builds(
        lambda k, a: event(1, k, attempt=a),
        st.sampled_from(["log", "metric", "progress", "junk"]),
        st.integers(1, 3),
    ),
)


@given(st.lists(STEPS, max_size=30))
def test_whatever_happens_the_fold_stays_sound(events: list[Event]) -> None:
    task = Task(TASK)
    attempt = 0
    for count, fact in enumerate(events, 1):
        task.apply(fact)
        assert task.events == count
        assert task.attempt >= attempt, "an attempt never goes back"
        attempt = task.attempt
        if task.state.ended:
            assert task.ended is not None
            assert task.prompt is None


@given(st.lists(STEPS, max_size=20), st.integers(0, 20))
def test_folding_in_two_parts_is_folding_at_once(events: list[Event], cut: int) -> None:
    task = fold(TASK, events[:cut])
    for fact in events[cut:]:
        task.apply(fact)
    assert task == fold(TASK, events)


def test_a_snapshot_has_the_first_names_of_metrics_only_and_their_newest_values() -> None:
    names = [f"m{n}" for n in range(MAX_METRICS + 3)]
    task = fold(TASK, [event(n, "metric", Metric(name, n)) for n, name in enumerate([*names, "m0"], 1)])
    assert list(task.metrics) == names[:MAX_METRICS]
    assert task.metrics["m0"].value == len(names) + 1


def test_a_whole_story_folds_to_its_end() -> None:
    task = fold(TASK, story(logs=4))
    assert (task.name, task.state, task.logs, task.events) == ("train", COMPLETED, 4, 7)
    assert (task.created, task.queued, task.started, task.ended) == (1001.0, 1001.0, 1002.0, 1007.0)


def test_a_metric_that_an_older_version_began_has_no_lowest_and_highest_value() -> None:
    before = msgspec.json.decode(b'{"value": 3, "step": 7}', type=MetricPoint)
    assert MetricPoint.after(before, 1, 8) == MetricPoint(1, 8, None, None)
    assert MetricPoint.after(MetricPoint.after(None, None, 0), 1, 8) == MetricPoint(1, 8, 1, 1)


def test_what_a_snapshot_holds_can_be_asked_for_by_its_name_on_the_wire() -> None:
    point = MetricPoint(0.5, 3)
    assert (point["value"], point["step"]) == (0.5, 3)
    with pytest.raises(KeyError):
        point["__class__"]
