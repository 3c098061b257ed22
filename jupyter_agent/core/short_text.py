"""Values of any type as one short line, with the secrets in them masked."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping
from datetime import date
from enum import Enum
from typing import Any

from .secrets import MASK, is_secret, mask_secrets

MAX_TEXT = 200
"""Characters of one text."""

_MAX_ITEMS = 8
_MAX_DEPTH = 3
_ADDRESS = re.compile(r" at 0x[0-9a-f]+", re.IGNORECASE)
_TIMES = "\u00d7"


def short_text(value: object) -> str:
    """Return *value* as one line of at most `MAX_TEXT` characters.

    What is large is told by its type and shape; no array is formatted.
    """
    try:
        text = _text(value, _MAX_DEPTH, quoted=False)
    except Exception:  # noqa: BLE001 - the user's __repr__ or properties may raise anything
        text = f"<{type(value).__name__}>"
    line = " ".join(text.split())
    return line if len(line) <= MAX_TEXT else line[: MAX_TEXT - 1] + "…"


def _text(value: object, depth: int, *, quoted: bool = True) -> str:
    if isinstance(value, str):
        text = mask_secrets(value[: 4 * MAX_TEXT])
        return repr(text) if quoted else text
    if isinstance(value, float):
        return _float_text(float(value))
    if value is None or type(value) in (bool, complex):
        return repr(value)
    if type(value) is int:
        return repr(value) if value.bit_length() < 4 * MAX_TEXT else f"<int of {value.bit_length()} bits>"
    if isinstance(value, bytes | bytearray | memoryview):
        return f"<{type(value).__name__} of {len(value)}>"
    return _collection_text(value, depth) or _object_text(value)


def _float_text(value: float) -> str:
    """Return the shorter of ``0.0003`` and ``3e-4``."""
    plain = repr(value)
    if not math.isfinite(value) or value == 0:
        return plain
    if "e" in plain:
        mantissa, _, power = plain.partition("e")
        return f"{mantissa}e{int(power)}"
    whole, _, fraction = plain.lstrip("-").partition(".")
    places = len(whole) - 1 if whole != "0" else -1 - len(fraction) + len(fraction.lstrip("0"))
    digits = (whole + fraction).strip("0")
    point = "." if len(digits) > 1 else ""
    short = f"{'-' if value < 0 else ''}{digits[0]}{point}{digits[1:]}e{places}"
    return short if len(short) < len(plain) else plain


def _collection_text(value: object, depth: int) -> str | None:
    kind = type(value)
    if isinstance(value, dict):
        return _mapping_text(value, depth, "{", "}", ": ")
    if dataclasses.is_dataclass(kind):
        fields = {
            field.name: getattr(value, field.name, None) for field in dataclasses.fields(kind) if field.repr
        }
        return _mapping_text(fields, depth, f"{kind.__name__}(", ")", "=")
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return _mapping_text(value._asdict(), depth, f"{kind.__name__}(", ")", "=")
    brackets = _BRACKETS.get(kind)
    if brackets is None:
        return None
    if depth == 0:
        return f"{brackets[0]}…{brackets[1]}"
    items = [_text(item, depth - 1) for item, _ in zip(value, range(_MAX_ITEMS), strict=False)]  # type: ignore[call-overload]
    return brackets[0] + ", ".join([*items, *_rest(value)]) + brackets[1]


_BRACKETS: dict[type, tuple[str, str]] = {
    list: ("[", "]"),
    tuple: ("(", ")"),
    set: ("{", "}"),
    frozenset: ("{", "}"),
}


def _mapping_text(value: Mapping[Any, Any], depth: int, begin: str, end: str, between: str) -> str:
    if depth == 0:
        return f"{begin}…{end}"
    items = [
        f"{_key_text(key, between)}{between}{_inner(key, item, depth - 1)}"
        for (key, item), _ in zip(value.items(), range(_MAX_ITEMS), strict=False)
    ]
    return begin + ", ".join([*items, *_rest(value)]) + end


def _key_text(key: object, between: str) -> str:
    return str(key) if between == "=" else _text(key, 0)


def _inner(name: object, value: object, depth: int) -> str:
    hidden = isinstance(name, str) and value is not None and is_secret(name, value)
    return MASK if hidden else _text(value, depth)


def _rest(value: Any) -> list[str]:
    return ["…"] if len(value) > _MAX_ITEMS else []


def _object_text(value: object) -> str:
    kind = type(value)
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and shape:
        return f"{kind.__name__} {_TIMES.join(map(str, shape))}"
    if isinstance(value, date | Enum) or hasattr(value, "__fspath__") or shape == ():
        return str(value)
    if isinstance(value, type) or (callable(value) and hasattr(value, "__name__")):
        return str(getattr(value, "__name__", kind.__name__))
    if kind.__repr__ is object.__repr__:
        return f"<{kind.__name__}>"
    return mask_secrets(_ADDRESS.sub("", repr(value)[: 4 * MAX_TEXT]))
