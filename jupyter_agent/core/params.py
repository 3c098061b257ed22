"""Parameters of a task as short texts by name, for every view of it and for its journal."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from .secrets import MASK, is_secret
from .short_text import MAX_TEXT, short_text

MAX_PARAMS = 50
"""Parameters of one task that are kept; the last one then says how many there are more."""


def as_params(named: Mapping[str, object]) -> dict[str, str]:
    """Return short texts of *named*, in its order."""
    shown = {name[:MAX_TEXT]: _masked(name, value) for name, value in list(named.items())[:MAX_PARAMS]}
    if len(named) > MAX_PARAMS:
        shown["…"] = f"{len(named) - MAX_PARAMS} more"
    return shown


def call_params(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> dict[str, str]:
    """Return short texts of the arguments of a call by their parameters' names, defaults included.

    Arguments that do not fit the signature, or of a function that has none, are numbered.
    """
    while isinstance(function, functools.partial):
        args, kwargs = (*function.args, *args), {**function.keywords, **kwargs}
        function = function.func
    try:
        bound = inspect.signature(function).bind(*args, **kwargs)
    except (TypeError, ValueError):
        return as_params({str(place): value for place, value in enumerate(args, 1)} | dict(kwargs))
    bound.apply_defaults()
    named: dict[str, object] = {}
    for name, parameter in bound.signature.parameters.items():
        value = bound.arguments[name]
        if parameter.kind is parameter.VAR_KEYWORD:
            named |= value
        elif not (name in ("self", "cls") or (parameter.kind is parameter.VAR_POSITIONAL and not value)):
            named[name] = value
    return as_params(named)


def _masked(name: str, value: object) -> str:
    return MASK if value is not None and is_secret(name, value) else short_text(value)
