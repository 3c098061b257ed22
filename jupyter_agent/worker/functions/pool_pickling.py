"""Pickling for pools inside a worker: functions and classes of a notebook, which have no module here."""

from __future__ import annotations

import pickle
import sys
from multiprocessing.reduction import ForkingPickler
from types import FunctionType
from typing import Any


def install() -> None:
    """Let `multiprocessing` and `ProcessPoolExecutor` take such functions along. Idempotent."""
    ForkingPickler.reducer_override = _reduce  # type: ignore[method-assign]


def _reduce(_pickler: Any, obj: Any) -> Any:
    if not isinstance(obj, (FunctionType, type)) or obj.__module__ != "__main__" or _is_found(obj):
        return NotImplemented
    import cloudpickle

    return pickle.loads, (cloudpickle.dumps(obj),)


def _is_found(obj: Any) -> bool:
    return getattr(sys.modules["__main__"], obj.__qualname__, None) is obj
