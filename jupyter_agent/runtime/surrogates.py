"""Replacement of lone surrogates, which Python strings may hold and UTF-8 cannot encode."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from ..core.events import Data

D = TypeVar("D", bound=Data)


def without_surrogates(data: D) -> D:
    """Return the same payload with ``?`` for each lone surrogate, at any depth."""
    return msgspec.convert(_encodable(msgspec.to_builtins(data)), type(data))


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_encodable(key): _encodable(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_encodable(inner) for inner in value]
    return value
