"""Frames, read back by Tornado's own reading of them."""

from __future__ import annotations

import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_agent.protocol.frames import events_message, masked_frame, text_frame

SIZES = [0, 1, 2, 3, 4, 5, 125, 126, 127, 65535, 65536, 70001]


def unframed(frame: bytes) -> tuple[bool, bytes]:
    """Whether it was masked, and the text; the length must be as the header says."""
    assert frame[0] == 0x81
    masked, length, start = bool(frame[1] & 0x80), frame[1] & 0x7F, 2
    if length == 126:
        (length,), start = struct.unpack_from("!H", frame, 2), 4
    elif length == 127:
        (length,), start = struct.unpack_from("!Q", frame, 2), 10
    mask = bytes(4)
    if masked:
        mask, start = frame[start : start + 4], start + 4
    assert len(frame) == start + length
    return masked, bytes(byte ^ mask[i % 4] for i, byte in enumerate(frame[start:]))


@pytest.mark.parametrize("size", SIZES)
def test_a_text_frame_says_how_long_it_is(size: int) -> None:
    assert unframed(text_frame(b"x" * size)) == (False, b"x" * size)


@pytest.mark.parametrize("size", SIZES)
def test_a_masked_frame_gives_its_text_back(size: int) -> None:
    text = bytes(i % 251 for i in range(size))
    assert unframed(masked_frame(text, b"\x01\xfe\x00\x80")) == (True, text)


@given(text=st.binary(max_size=300), mask=st.binary(min_size=4, max_size=4))
def test_any_text_under_any_mask_comes_back(text: bytes, mask: bytes) -> None:
    assert unframed(masked_frame(text, mask)) == (True, text)


def test_an_events_message_is_json_around_its_events() -> None:
    message = json.loads(events_message(3, "E:1", "E:2", b'{"offset":2}'))
    assert message == {"type": "events", "id": 3, "prev": "E:1", "cursor": "E:2", "events": [{"offset": 2}]}
