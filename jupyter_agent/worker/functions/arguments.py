"""Arguments bound to a function's parameters and coerced to annotations."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ...errors import BadTarget
from .coercion import NO_HINT, CoercionError, coerce

_BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def bind_arguments(
    function: Callable[..., Any], given: Mapping[str, Any]
) -> tuple[list[Any], dict[str, Any]]:
    """Return positional and keyword arguments for *function*.

    Texts are read as the annotations say; without one, as `read_value` does. Raises `BadTarget`, which names
    every argument that does not fit.
    """
    parameters = _signature(function)
    errors = [*_wrong_names(parameters, given)]
    values: dict[str, Any] = {}
    for key, value in given.items():
        hint = _hint(function, parameters[key]) if key in parameters else NO_HINT
        try:
            values[key] = coerce(value, hint)
        except CoercionError as error:
            errors.append(f"{key} must be {error}, not {value!r:.80}")
    if errors:
        name = getattr(function, "__qualname__", str(function))
        raise BadTarget(f"{name}() cannot be called like this: {'; '.join(errors)}")
    return _by_position(parameters, values), values


def _by_position(parameters: Mapping[str, inspect.Parameter], values: dict[str, Any]) -> list[Any]:
    """Remove positional-only arguments from *values* and return them, with defaults before the last given."""
    names = [key for key, one in parameters.items() if one.kind is one.POSITIONAL_ONLY]
    while names and names[-1] not in values:
        names.pop()
    return [values.pop(key, parameters[key].default) for key in names]


def _signature(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):  # some built-in functions have no signature
        return {"kwargs": inspect.Parameter("kwargs", inspect.Parameter.VAR_KEYWORD)}


def _wrong_names(parameters: Mapping[str, inspect.Parameter], given: Mapping[str, Any]) -> Iterator[str]:
    """Yield a clause for each argument that is unknown or missing."""
    named = [key for key, one in parameters.items() if one.kind in (*_BY_NAME, one.POSITIONAL_ONLY)]
    if not any(one.kind is one.VAR_KEYWORD for one in parameters.values()):
        for key in given:
            if key not in named:
                yield f"it has no parameter {key!r}{_list_of(named)}"
    for key in named:
        if parameters[key].default is NO_HINT and key not in given:
            yield f"{key} is missing"


def _list_of(names: list[str]) -> str:
    return f" (it has {', '.join(names)})" if names else " (it has none)"


def _hint(function: Callable[..., Any], parameter: inspect.Parameter) -> Any:
    """Return the parameter's annotation; `NO_HINT` for one that cannot be evaluated."""
    hint = parameter.annotation
    if not isinstance(hint, str):
        return hint
    module = sys.modules.get(inspect.unwrap(function).__module__)
    try:
        return eval(hint, vars(module))  # noqa: S307 - the function's own module wrote it
    except Exception:  # noqa: BLE001 - an annotation is any expression
        return NO_HINT
