"""Conversion of what user code passes into event payloads: numbers, progress and choices."""

from __future__ import annotations

import math
import operator
from typing import Any

from ..core.events import Number, Progress
from .output.log_parts import PART

_MAX_WHOLE = (1 << 63) - 1


def plain_number(value: Any) -> Number | None:
    """Return a plain number for any number of numpy, torch or Decimal; NaN and infinities are ``None``.

    Raises `TypeError` or `ValueError` for what is not a number.
    """
    if value is None:
        return None
    try:
        whole = operator.index(value)
    except TypeError:
        number = float(value)
        return number if math.isfinite(number) else None
    return whole if -_MAX_WHOLE <= whole <= _MAX_WHOLE else float(whole)


def number_or_none(value: Any) -> Number | None:
    """Return a plain number, as `plain_number` does; ``None`` for what is not a number."""
    try:
        return plain_number(value)
    except (TypeError, ValueError):
        return None


def progress_of(done: Any, total: Any, message: Any) -> Progress:
    """Return the payload of a progress event. Raises `TypeError` for what is not a number."""
    text = None if message is None else str(message)[:PART]
    try:
        return Progress(plain_number(done), plain_number(total), text)
    except (TypeError, ValueError):
        raise TypeError(f"progress() takes numbers, not {done!r:.60} of {total!r:.60}") from None


def choice_texts(choices: Any) -> tuple[str, ...] | None:
    """Return the choices of a question as text; ``None`` for none. Raises `TypeError` for a single string."""
    if isinstance(choices, str):
        raise TypeError(f"choices takes a list of answers, such as ['yes', 'no'], not {choices!r:.60}")
    return tuple(map(str, choices or ())) or None
