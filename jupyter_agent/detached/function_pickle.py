"""Pickling of a call for a worker, with an error that names the part that cannot be pickled."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any

from ..errors import CannotTravel

_MAX_DEPTH = 3
"""Levels of attributes and items that are searched for what cannot be pickled."""

_MAX_PARTS = 50
"""Attributes or items of one object that are searched."""


def pickle_call(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> bytes:
    """Return the pickled call. Raises `CannotTravel`, which names what in it cannot be pickled."""
    try:
        return dumps((function, args, kwargs))
    except Exception as error:  # pickling runs the user's code, which may raise anything
        raise CannotTravel(_message(function, args, kwargs, error)) from error


def dumps(value: Any) -> bytes:
    """Return *value*, pickled. What refers to a standard stream refers to the other process's there.

    loguru's logger has such a stream. A kernel's cannot be pickled, and cloudpickle knows Python's own only.
    """
    import io

    import cloudpickle

    class Pickler(cloudpickle.Pickler):  # type: ignore[misc]  # it has no types
        def reducer_override(self, obj: Any) -> Any:
            if isinstance(obj, io.TextIOBase) and (name := _standard_name(obj)):
                return getattr, (sys, name)
            if isinstance(obj, FunctionType) and _is_replaced(obj):
                return getattr, (sys.modules[obj.__module__], obj.__name__)
            return super().reducer_override(obj)

    content = io.BytesIO()
    Pickler(content, protocol=pickle.HIGHEST_PROTOCOL).dump(value)
    return content.getvalue()


def _is_replaced(function: FunctionType) -> bool:
    """Return whether *function* is one of a library, imported before the capture took its name there.

    It is no longer found by its name, so cloudpickle would take its code along, which is not captured there.
    """
    found = getattr(sys.modules.get(function.__module__), function.__name__, None)
    return hasattr(found, "_jupyter_agent") and getattr(found, "__wrapped__", None) is function


def _standard_name(stream: Any) -> str | None:
    """Return ``stdout`` or ``stderr`` for a stream that is one of these, of Python or of a kernel."""
    import io

    for own in ("stdout", "stderr"):
        if stream in (getattr(sys, own), getattr(sys, f"__{own}__")):
            return own
    name = getattr(stream, "name", None)
    # Of a kernel, which had it before a task or a redirection replaced it. A file's name is its path.
    return name if name in ("stdout", "stderr") and not isinstance(stream, io.TextIOWrapper) else None


def _message(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], error: Exception
) -> str:
    name = getattr(function, "__name__", type(function).__name__)
    where, culprit = _culprit(_parts_of_call(function, args, kwargs))
    what = f"{where} ({type(culprit).__name__})" if where else "something in it"
    return (
        f"{name} cannot run in a worker, because {what} cannot be pickled: {error}; make it inside the "
        "function, give what it is made of (a path, a URL, plain data) as the argument, or use on='thread'"
    )


def _parts_of_call(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Iterator[tuple[str, Any]]:
    for number, value in enumerate(args, 1):
        yield f"argument {number}", value
    for name, value in kwargs.items():
        yield f"argument {name!r}", value
    yield from _parts_of_function(function)


def _parts_of_function(function: Callable[..., Any]) -> Iterator[tuple[str, Any]]:
    """Yield what a function brings along: its object, its closure, the globals that it uses."""
    import inspect

    plain = inspect.unwrap(getattr(function, "func", function))
    if getattr(plain, "__self__", None) is not None:
        yield "the object whose method it is", plain.__self__
    try:
        found = inspect.getclosurevars(plain)
    except (TypeError, ValueError):
        return
    for name, value in {**found.nonlocals, **found.globals}.items():
        if not inspect.ismodule(value):
            yield f"the variable {name!r} that it uses", value


def _culprit(parts: Iterator[tuple[str, Any]], depth: int = _MAX_DEPTH) -> tuple[str, Any]:
    """Return the innermost part that cannot be pickled, and its path; ``("", None)`` when all can be."""
    for where, value in parts:
        if not _is_picklable(value):
            inner, culprit = _culprit(_parts_of_value(where, value), depth - 1) if depth else ("", None)
            return (inner, culprit) if inner else (where, value)
    return "", None


def _parts_of_value(where: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        items = [(f"[{key!r:.40}]", one) for key, one in value.items()]
    elif isinstance(value, list | tuple):
        items = [(f"[{number}]", one) for number, one in enumerate(value)]
    else:
        items = [(f".{name}", one) for name, one in getattr(value, "__dict__", {}).items()]
    for step, one in items[:_MAX_PARTS]:
        yield where + step, one


def _is_picklable(value: Any) -> bool:
    try:
        dumps(value)
    except Exception:  # noqa: BLE001 - pickling runs the user's code, which may raise anything
        return False
    return True
