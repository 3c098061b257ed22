"""Damage to bytes, as bad disks, half-written files and hostile peers cause it."""

from __future__ import annotations

from collections.abc import Callable

from .dice import Dice

TOKENS = (
    b"null", b"true", b"-1", b"0", b"1e400", b"-1e308", b"NaN", b"9" * 30, b"9" * 5000, b"9007199254740993",
    b"\\ud800", b"\\u0000", b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\x00", b"\xf4\x90\x80\x80", b"[" * 3000,
    b'{"a":' * 300, b'"', b"\\", b"{", b"}", b"]", b",", b":", b"\r\n\r\n", b'{"task":"', b'"type":"state",',
)  # fmt: skip
"""Pieces of JSON, UTF-8 and records that decoders are known to trip over."""


def damaged(dice: Dice, data: bytes, most: int = 4) -> bytes:
    """*data* after one to *most* kinds of damage."""
    content = bytearray(data)
    for _ in range(1 + dice.upto(most - 1)):
        dice.pick(_KINDS)(dice, content)
    return bytes(content)


def _place(dice: Dice, content: bytearray) -> int:
    return dice.upto(len(content))


def _range(dice: Dice, content: bytearray, most: int = 64) -> slice:
    start = _place(dice, content)
    return slice(start, min(len(content), start + 1 + dice.upto(most)))


def _flip(dice: Dice, content: bytearray) -> None:
    if content:
        content[dice.upto(len(content) - 1)] ^= 1 << dice.upto(7)


def _change(dice: Dice, content: bytearray) -> None:
    if content:
        content[dice.upto(len(content) - 1)] = dice.upto(255)


def _zero(dice: Dice, content: bytearray) -> None:
    gone = _range(dice, content, 512)
    content[gone] = bytes(gone.stop - gone.start)


def _delete(dice: Dice, content: bytearray) -> None:
    del content[_range(dice, content)]


def _truncate(dice: Dice, content: bytearray) -> None:
    del content[_place(dice, content) :]


def _extend(dice: Dice, content: bytearray) -> None:
    content += dice.junk(64)


def _insert(dice: Dice, content: bytearray) -> None:
    start = _place(dice, content)
    content[start:start] = dice.pick(TOKENS) if dice.chance(0.5) else dice.junk(16)


def _double(dice: Dice, content: bytearray) -> None:
    piece = bytes(content[_range(dice, content, 512)])
    start = _place(dice, content)
    content[start:start] = piece


def _swap(dice: Dice, content: bytearray) -> None:
    one, other = _range(dice, content), _range(dice, content)
    first, second = sorted((one, other), key=lambda s: s.start)
    if first.stop <= second.start:
        left, right = bytes(content[first]), bytes(content[second])
        content[second], content[first] = left, right


_KINDS: tuple[Callable[[Dice, bytearray], None], ...] = (
    _flip, _change, _zero, _delete, _truncate, _extend, _insert, _double, _swap,
)  # fmt: skip
