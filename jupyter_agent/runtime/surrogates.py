"""Text that UTF-8 can carry: Python's strings may hold lone surrogates, which it cannot."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from ..core.events import Data

D = TypeVar("D", bound=Data)


def without_surrogates(data: D) -> D:
    """The same payload with ``?`` for each lone surrogate, at any depth."""
    return msgspec.convert(_sound(msgspec.to_builtins(data)), type(data))


def _sound(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_sound(key): _sound(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_sound(inner) for inner in value]
    return value
