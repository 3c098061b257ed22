"""Arguments by name, made to fit a function's parameters and their annotations."""

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
    """Positional and keyword arguments for *function*. Texts are read as the annotations say; without one,
    as `read_value` does. Raises `BadTarget` with all that does not fit."""
    parameters = _signature(function)
    troubles = [*_wrong_names(parameters, given)]
    values: dict[str, Any] = {}
    for key, value in given.items():
        hint = _hint(function, parameters[key]) if key in parameters else NO_HINT
        try:
            values[key] = coerce(value, hint)
        except CoercionError as unfit:
            troubles.append(f"{key} must be {unfit}, not {value!r:.80}")
    if troubles:
        name = getattr(function, "__qualname__", str(function))
        raise BadTarget(f"{name}() cannot be called like this: {'; '.join(troubles)}")
    return _by_position(parameters, values), values


def _by_position(parameters: Mapping[str, inspect.Parameter], values: dict[str, Any]) -> list[Any]:
    """What can only be given by position, taken out of *values*; with defaults where others follow."""
    names = [key for key, one in parameters.items() if one.kind is one.POSITIONAL_ONLY]
    while names and names[-1] not in values:
        names.pop()
    return [values.pop(key, parameters[key].default) for key in names]


def _signature(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):  # some built-in functions do not say
        return {"kwargs": inspect.Parameter("kwargs", inspect.Parameter.VAR_KEYWORD)}


def _wrong_names(parameters: Mapping[str, inspect.Parameter], given: Mapping[str, Any]) -> Iterator[str]:
    named = [key for key, one in parameters.items() if one.kind in (*_BY_NAME, one.POSITIONAL_ONLY)]
    if not any(one.kind is one.VAR_KEYWORD for one in parameters.values()):
        for key in given:
            if key not in named:
                yield f"it has no parameter {key!r}{_has(named)}"
    for key in named:
        if parameters[key].default is NO_HINT and key not in given:
            yield f"{key} is missing"


def _has(names: list[str]) -> str:
    return f" (it has {', '.join(names)})" if names else " (it has none)"


def _hint(function: Callable[..., Any], parameter: inspect.Parameter) -> Any:
    """The parameter's annotation; one that names what cannot be found is as none."""
    hint = parameter.annotation
    if not isinstance(hint, str):
        return hint
    module = sys.modules.get(inspect.unwrap(function).__module__)
    try:
        return eval(hint, vars(module))  # noqa: S307 - the function's own module wrote it
    except Exception:  # noqa: BLE001 - an annotation is any expression
        return NO_HINT
