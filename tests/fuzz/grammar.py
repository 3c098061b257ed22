"""Messages and events generated from the types that decode them: mostly right, sometimes not.

A field's value comes from its type; names that mean something (``task``, ``after``, ``n``) have pools,
so that messages also speak of what is there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import msgspec
from msgspec import inspect

from jupyter_agent.core.events import DATA_TYPES, MAX_NUMBER, Event
from jupyter_agent.core.ids import ulid

from .dice import Dice

TASKS = tuple(ulid(1_700_000_000 + i, b"fuzz-task.") for i in range(3))
PRODUCERS = tuple(ulid(1_700_000_100 + i, b"fuzz-prod.") for i in range(3))
EPOCH = ulid(1_700_000_200, b"fuzz-epoch")

TEXTS = (
    "", "a", "train", "ok\n", "two\nlines", "\r", "\x00", "\x1b[2J\x1b]0;x\x07", "\u202egnp", "\U0001f600",
    "é" * 90, "[red]x[/red]", "[/]", "<script>x</script>", "' OR 1=1 --", "../../etc/passwd", "%s%n",
    "x" * 3000, "\ufffe", "\u2028", "\x7f\x9b31m", "&amp;\"'", "state", "cancel", "stdout", "None", "-1",
    "1e999", " ", "\t", "a:b:c", "9" * 5000,
)  # fmt: skip
INTS = (
    0,
    1,
    2,
    3,
    7,
    100,
    -1,
    1 << 31,
    MAX_NUMBER,
    MAX_NUMBER + 1,
    1 << 63,
    1 << 64,
    -(1 << 63),
    10**30,
    10**400,
)
FLOATS = (0.0, -0.0, 0.5, 1.0, 1e-320, 1e300, 1.7e308, -1.7e308, 1700000000.0, 3.1e11, -62135596801.0)
ANYTHING: tuple[Any, ...] = (None, True, False, [], {}, [[]], {"a": [1, {"b": None}]}, [None] * 50)
_PLACES = tuple(f"{EPOCH}:{n}" for n in (0, 1, 2, 5, 999999999999999999))
CURSORS = (*_PLACES, "a:1", ":", "x", "", "é:1", "1:-1")

_POOLS: dict[str, Sequence[Any]] = {
    "task": TASKS,
    "producer": PRODUCERS,
    "after": (None, *CURSORS),
    "cursor": CURSORS,
    "prev": CURSORS,
    "id": (1, 1, 2, 3, 0, -1, 1 << 40),
    "tasks": ("*", list(TASKS), list(TASKS[:1]), []),
    "versions": ([1], [1], [1], [2, 1], [2], []),
    "type": tuple(DATA_TYPES),
    "types": (None, ["log"], ["state", "progress"], list(DATA_TYPES), ["nothing"]),
    "upto": (1, 2, 3, 10, 500, MAX_NUMBER),
    "expected": (1, 2, 3, 10),
    "attempt": (1, 1, 1, 2, 3),
    "role": ("subscriber", "producer"),
    "command": ("cancel", "retry", "input", "dance"),
    "first": (1, 1, 2, 3),
    "base": (1, 1, 1, 2),
    "n": (1, 2, 3, 4, 5, 6),
    "time": (1700000000.0, 1700000001.5, 0.0),
    "flag": (None, "bad_data"),
    "offset": (0, 0, 1, 7),
}
_ODD = 0.06
"""Rates at which a value is of a wrong kind, and at which a field is missing or comes twice."""


_described = cache(inspect.type_info)


def message(dice: Dice, union: object) -> bytes:
    """One of a union of messages as JSON; at times with strange fields, or none that it needs."""
    kinds = _described(union)
    assert isinstance(kinds, inspect.UnionType)
    return encoded(struct(dice, dice.pick(kinds.types)))


def encoded(value: object) -> bytes:
    """Encode as JSON. Lone surrogates stay escaped, as a hostile peer would write them."""
    return json.dumps(value, separators=(",", ":")).encode()


def event(dice: Dice, **fixed: Any) -> dict[str, Any]:
    """An event whose payload mostly fits its type."""
    made = struct(dice, _described(Event)) | fixed
    made["data"] = payload(dice, made.get("type"))
    return made


def payload(dice: Dice, kind: object) -> Any:
    """The data of an event of type *kind*, or of another one."""
    if dice.chance(_ODD):
        return anything(dice)
    known = kind if isinstance(kind, str) and kind in DATA_TYPES else dice.pick(tuple(DATA_TYPES))
    return struct(dice, _described(DATA_TYPES[known]))


def typed_event(dice: Dice, n: int, task: str) -> Event:
    """A well-typed event, as a producer of ours emits them, of any type."""
    kind = dice.pick(tuple(DATA_TYPES))
    while True:
        raw = encoded(struct(dice, _described(DATA_TYPES[kind]), odd=0.0))
        try:
            msgspec.json.decode(raw, type=DATA_TYPES[kind])
        except (msgspec.MsgspecError, UnicodeError):  # a number of a pool that this type does not have
            kind = "log"
            raw = b'{"stream":"stdout","text":"x"}'
        time = dice.pick(FLOATS)
        return Event(task, 1 + dice.upto(2), dice.pick(PRODUCERS), n, time, kind, msgspec.Raw(raw))


def anything(dice: Dice) -> Any:
    """A JSON value of any kind."""
    return dice.pick((*ANYTHING, dice.pick(TEXTS), dice.pick(INTS), dice.pick(FLOATS)))


def struct(dice: Dice, info: object, odd: float = _ODD) -> dict[str, Any]:
    """The fields of one message; optional ones come half the time."""
    assert isinstance(info, inspect.StructType)
    made: dict[str, Any] = {}
    if info.tag_field is not None:
        made[info.tag_field] = info.tag
    for field in info.fields:
        if dice.chance(odd if field.required else 0.5):
            continue
        pool = _POOLS.get(field.encode_name)
        if dice.chance(odd):
            made[field.encode_name] = anything(dice)
        elif pool is not None and dice.chance(0.9) and not isinstance(field.type, inspect.StructType):
            made[field.encode_name] = dice.pick(pool)
        else:
            made[field.encode_name] = value(dice, field.type, odd)
    if dice.chance(odd):
        made[dice.pick(TEXTS)] = anything(dice)
    return made


def value(dice: Dice, info: object, odd: float) -> Any:
    """A value of a type as msgspec describes it."""
    make = _MAKERS.get(type(info))
    return make(dice, info, odd) if make is not None else anything(dice)


def _union(dice: Dice, info: Any, odd: float) -> Any:
    return value(dice, dice.pick(info.types), odd)


def _items(dice: Dice, info: Any, odd: float) -> Any:
    if isinstance(info.item_type, inspect.StructType) and info.item_type.cls is Event:
        return [event(dice) for _ in range(dice.upto(4))]
    return [value(dice, info.item_type, odd) for _ in range(dice.upto(4))]


def _mapping(dice: Dice, info: Any, odd: float) -> Any:
    return {dice.pick(TEXTS): value(dice, info.value_type, odd) for _ in range(dice.upto(3))}


def _whole(dice: Dice, info: Any, odd: float) -> Any:
    low = info.ge if info.ge is not None else -5
    return low + dice.upto(10) if dice.chance(0.6) else dice.pick(INTS)


def _text(dice: Dice, info: Any, odd: float) -> Any:
    return dice.pick(TASKS) if info.min_length == 26 else dice.pick(TEXTS)


_MAKERS: dict[type, Callable[[Dice, Any, float], Any]] = {
    inspect.UnionType: _union,
    inspect.ListType: _items,
    inspect.VarTupleType: _items,
    inspect.DictType: _mapping,
    inspect.StructType: struct,
    inspect.IntType: _whole,
    inspect.FloatType: lambda dice, _info, _odd: dice.pick(FLOATS),
    inspect.StrType: _text,
    inspect.BoolType: lambda dice, _info, _odd: dice.chance(0.5),
    inspect.NoneType: lambda _dice, _info, _odd: None,
    inspect.LiteralType: lambda dice, info, _odd: dice.pick(info.values),
    inspect.EnumType: lambda dice, info, _odd: dice.pick([member.value for member in info.cls]),
}
