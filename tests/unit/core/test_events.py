from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_agent.core import events
from jupyter_agent.core.events import (
    DATA_TYPES,
    MAX_NUMBER,
    UNREADABLE,
    Data,
    Display,
    Log,
    Lost,
    Metric,
    Progress,
    State,
    TaskState,
    decode_data,
    decode_event,
    encode_data,
    encode_event,
    with_offset,
)
from tests.support.builders import PRODUCER, TASK, event

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)
NUMBERS = st.none() | st.integers(-(1 << 60), 1 << 60) | st.floats(allow_nan=False, allow_infinity=False)
PAYLOADS: list[st.SearchStrategy[Data]] = [
    st.builds(Log, st.sampled_from(["stdout", "stderr", "logging"]), TEXT, st.none() | TEXT),
    st.builds(Metric, TEXT, NUMBERS, NUMBERS),
    st.builds(Progress, NUMBERS, NUMBERS, st.none() | TEXT),
    st.builds(State, st.sampled_from(TaskState), st.none() | TEXT),
    st.builds(Lost, st.integers(1, 9), st.integers(1, 9), TEXT),
    st.builds(Display, st.dictionaries(TEXT, TEXT, max_size=3)),
]
KIND = {kind: name for name, kind in DATA_TYPES.items()}


@given(st.one_of(*PAYLOADS))
def test_every_payload_comes_back_as_it_went(payload: Data) -> None:
    sent = event(7, KIND[type(payload)], payload)
    back = decode_event(encode_event(sent))
    assert decode_data(back) == payload
    assert (back.task, back.producer, back.n, back.time) == (TASK, PRODUCER, 7, 1007.0)


def test_the_types_are_those_of_the_word_list() -> None:
    assert set(DATA_TYPES) == {
        "state", "progress", "log", "metric", "display", "message", "prompt", "input", "checkpoint",
        "command", "stopping", "lost",
    }  # fmt: skip


def test_an_unstored_event_carries_neither_offset_nor_flag() -> None:
    assert set(json.loads(encode_event(event()))) == {
        "task", "attempt", "producer", "n", "time", "type", "data",
    }  # fmt: skip


def test_the_offset_comes_first_and_the_rest_stays() -> None:
    stored = with_offset(encode_event(event(3)), 41)
    assert stored.startswith(b'{"offset":41,')
    assert msgspec.structs.replace(decode_event(stored), offset=0, data=None) == msgspec.structs.replace(
        event(3), data=None
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_json_does_not_have_become_null(value: float) -> None:
    assert json.loads(bytes(encode_data(Metric("loss", value)))) == {"name": "loss", "value": None}


def test_a_type_of_a_later_version_has_no_payload_and_is_no_error() -> None:
    assert decode_data(event(1, "hologram", b'{"x":1}')) is None


@pytest.mark.parametrize("name", sorted(DATA_TYPES))
def test_a_payload_of_the_wrong_shape_is_told_apart(name: str) -> None:
    with pytest.raises(UNREADABLE):
        decode_data(event(1, name, b"[1,2]"))


@pytest.mark.parametrize(
    "change",
    [
        {"task": "short"},
        {"task": "x" * 27},
        {"attempt": 0},
        {"attempt": MAX_NUMBER + 1},
        {"n": 0},
        {"n": -1},
        {"n": 10**30},
        {"n": 1.5},
        {"n": "1"},
        {"producer": 7},
        {"producer": None},
        {"time": "now"},
        {"type": None},
    ],
)
def test_an_envelope_out_of_bounds_cannot_be_read(change: dict[str, object]) -> None:
    envelope = json.loads(encode_event(event())) | change
    with pytest.raises(UNREADABLE):
        decode_event(json.dumps(envelope).encode())


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))
def test_garbage_raises_only_what_is_announced(garbage: bytes) -> None:
    with pytest.raises(UNREADABLE):
        decode_event(garbage)


@given(st.integers(0, 400), st.integers(0, 255))
def test_one_changed_byte_raises_only_what_is_announced(place: int, value: int) -> None:
    good = bytearray(encode_event(event(1, "display", Display({"text/plain": "ü"}))))
    good[place % len(good)] = value
    try:
        decode_data(decode_event(bytes(good)))
    except UNREADABLE:
        return


@pytest.mark.parametrize("depth", [10, 990, 992, 100_000])
def test_deep_nesting_raises_only_what_is_announced(depth: int) -> None:
    raw = b'{"data":{"a":' + b"[" * depth + b"]" * depth + b"}}"
    try:
        decode_data(event(1, "display", raw))
    except UNREADABLE:
        assert depth > 900


def test_an_end_is_an_end() -> None:
    assert {state for state in TaskState if state.ended} == {
        "completed",
        "failed",
        "cancelled",
        "interrupted",
    }


def test_the_limit_of_an_event_is_a_mebibyte() -> None:
    assert events.MAX_EVENT_BYTES == 1 << 20
