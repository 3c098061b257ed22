"""The depth of a payload is counted in its JSON, so that it is the same for every Python and decoder."""

from __future__ import annotations

import msgspec
import pytest
from msgspec import Raw

from jupyter_agent.core.events import Display, encode_data
from jupyter_agent.core.nesting import MAX_NESTING, MAX_PAYLOAD_NESTING, refuse_too_deep, too_deep


def lists(depth: int) -> object:
    value: object = 1
    for _ in range(depth):
        value = [value]
    return value


def test_the_deepest_display_that_may_be_sent_can_be_read() -> None:
    data = {"tree": lists(MAX_NESTING - 1)}
    assert not too_deep(data)
    refuse_too_deep(encode_data(Display(data)))


def test_one_level_more_than_may_be_sent_is_refused_within_two_levels() -> None:
    assert too_deep({"tree": lists(MAX_NESTING)})
    with pytest.raises(RecursionError, match=f"nested more than {MAX_NESTING} deep"):
        refuse_too_deep(encode_data(Display({"tree": lists(MAX_NESTING + 2)})))


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_the_border_is_exact_for_lists_and_for_dicts(opening: bytes) -> None:
    closing = b"]" if opening == b"[" else b"}"

    def nested(depth: int) -> Raw:
        return Raw(opening * depth + b"1" + closing * depth)

    refuse_too_deep(nested(MAX_PAYLOAD_NESTING))
    with pytest.raises(RecursionError):
        refuse_too_deep(nested(MAX_PAYLOAD_NESTING + 1))


@pytest.mark.parametrize("text", ["[{" * 500, '"[' * 500, "\\[" * 500, '\\"[' * 500, "\n[é" * 500])
def test_brackets_in_texts_are_no_nesting(text: str) -> None:
    refuse_too_deep(Raw(msgspec.json.encode({"text": [text, text]})))


def test_many_lists_beside_each_other_are_no_nesting() -> None:
    refuse_too_deep(Raw(msgspec.json.encode([[[n]] for n in range(1000)])))
