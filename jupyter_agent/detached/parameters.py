"""Parameters of notebooks and functions, from text and from JSON."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from keyword import iskeyword
from typing import Any, NoReturn

import msgspec

from ..errors import BadTarget

_WORDS = {"True": True, "False": False, "None": None}
_NUMBER = re.compile(r"[+-]?(0|[1-9]\d*|\d+\.\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def read_parameters(asked: str | Sequence[str], pairs: Sequence[str]) -> dict[str, Any]:
    """Return parameters from ``name=value`` texts for the target *asked*. Raises `BadTarget`.

    For a notebook the values are read by `read_value`. For a function they stay text, until the worker
    coerces them to the function's annotations.
    """
    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise BadTarget(f"a parameter is given as name=value, not as {pair[:60]!r}")
        if name in found:
            raise BadTarget(f"the parameter {name!r} is given twice")
        found[name] = text
    if isinstance(asked, str) and asked.endswith(".ipynb"):
        return {name: read_value(text) for name, text in found.items()}
    return found


def read_value(text: str) -> Any:
    """Return the value of typed text: a number, ``True``, ``None`` or JSON; else the text itself."""
    if text in _WORDS:
        return _WORDS[text]
    if _NUMBER.fullmatch(text):
        return _number(text)
    try:
        return json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return text


def check_parameters(given: Mapping[str, Any]) -> None:
    """Raise `BadTarget` for a name that is not an identifier, and for values that JSON cannot keep."""
    for name in given:
        if not name.isidentifier() or iskeyword(name):
            raise BadTarget(f"{name[:60]!r} cannot be a parameter: it is not the name of a variable")
    try:
        lossless = msgspec.json.decode(msgspec.json.encode(given)) == given
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise BadTarget(f"the parameters cannot be kept as JSON: {str(error)[:200]}") from error
    if not lossless:
        raise BadTarget("the parameters cannot be kept as JSON, which has no NaN and no infinity")


def _number(text: str) -> int | float | str:
    try:
        value = int(text) if text.lstrip("+-").isdigit() else float(text)
    except ValueError:  # more digits than Python reads
        return text
    return value if math.isfinite(value) else text


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")
