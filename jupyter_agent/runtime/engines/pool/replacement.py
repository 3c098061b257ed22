"""Replacement of a broken pool: when one of its processes has died, `ProcessPoolExecutor` accepts no work."""

from __future__ import annotations

import threading
import weakref
from concurrent.futures import Executor, ProcessPoolExecutor
from typing import Any

_ARGUMENTS = {
    "max_workers": "_max_workers",
    "mp_context": "_mp_context",
    "initializer": "_initializer",
    "initargs": "_initargs",
    "max_tasks_per_child": "_max_tasks_per_child",
}
_replacements: weakref.WeakKeyDictionary[Executor, Executor] = weakref.WeakKeyDictionary()
_guard = threading.Lock()


def usable(executor: Executor) -> Executor:
    """Return *executor*, or one like it in its place, once it is broken: retries need one that works."""
    with _guard:
        while (replacement := _replacements.get(executor)) is not None:
            executor = replacement
        if type(executor) is ProcessPoolExecutor and getattr(executor, "_broken", False):
            executor = _replacements[executor] = ProcessPoolExecutor(**_arguments(executor))
        return executor


def _arguments(executor: ProcessPoolExecutor) -> dict[str, Any]:
    found = {name: getattr(executor, attribute, None) for name, attribute in _ARGUMENTS.items()}
    if found["initargs"] is None:
        del found["initargs"]
    return found
