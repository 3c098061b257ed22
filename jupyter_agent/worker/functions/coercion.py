"""Coercion of one value to the annotation of a parameter."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, MutableMapping, Sequence
from enum import Enum
from inspect import Parameter
from pathlib import Path, PurePath
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import msgspec

from ...detached.parameters import read_value

NO_HINT = Parameter.empty
_ON = {"true", "yes", "on", "1"}
_OFF = {"false", "no", "off", "0"}


class CoercionError(Exception):
    """A value does not fit; the text says what the annotation wants."""


def coerce(value: Any, hint: Any) -> Any:
    """Return *value* as *hint* wants it. Raises `CoercionError`."""
    if hint is NO_HINT or hint is Any or hint is object:
        return read_value(value) if isinstance(value, str) else value
    origin = get_origin(hint)
    if origin is Union or origin is UnionType:
        return _to_union(value, hint)
    if origin is Literal:
        return _to_choice(value, {str(one): one for one in get_args(hint)})
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _to_enum(value, hint)
    if isinstance(hint, type) and hint in _PLAIN:
        return _PLAIN[hint](value)
    return _to_other(value, hint)


def _to_union(value: Any, hint: Any) -> Any:
    members = list(get_args(hint))
    if NoneType in members:
        members.remove(NoneType)
        if value is None or value in ("None", "null"):
            return None
    members.sort(key=lambda member: member is str)  # any text is a str
    wanted = []
    for member in members:
        try:
            return coerce(value, member)
        except CoercionError as error:
            wanted.append(str(error))
    raise CoercionError(" or ".join([*wanted, *(["None"] if NoneType in get_args(hint) else [])]))


def _to_choice(value: Any, choices: dict[str, Any]) -> Any:
    for text, choice in choices.items():
        if value == choice or (isinstance(value, str) and value == text):
            return choice
    raise CoercionError("one of " + ", ".join(choices))


def _to_enum(value: Any, hint: type[Enum]) -> Any:
    by_name: dict[str, Any] = dict(hint.__members__)
    if isinstance(value, str) and value in by_name:
        return by_name[value]
    for member in hint:
        if value == member.value or value == str(member.value):
            return member
    raise CoercionError("one of " + ", ".join(by_name))


def _int(value: Any) -> int:
    read = read_value(value) if isinstance(value, str) else value
    if isinstance(read, float) and read.is_integer():
        return int(read)
    if isinstance(read, bool) or not isinstance(read, int):
        raise CoercionError("int")
    return read


def _float(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise CoercionError("float")
    try:
        return float(value)
    except (ValueError, OverflowError):
        raise CoercionError("float") from None


def _bool(value: Any) -> bool:
    if isinstance(value, str):
        value = value.lower() in _ON if value.lower() in _ON | _OFF else value
    if not isinstance(value, bool):
        raise CoercionError("bool (true or false)")
    return value


def _str(value: Any) -> str:
    if not isinstance(value, str):
        raise CoercionError("str")
    return value


def _path(value: Any) -> Path:
    if not isinstance(value, str):
        raise CoercionError("a path")
    return Path(value).expanduser()


def _none(value: Any) -> None:
    if value is not None and value not in ("None", "null"):
        raise CoercionError("None")


_PLAIN: dict[Any, Callable[[Any], Any]] = {
    int: _int,
    float: _float,
    bool: _bool,
    str: _str,
    Path: _path,
    PurePath: _path,
    NoneType: _none,
}
_SEQUENCES: dict[Any, Callable[[list[Any]], Any]] = {
    list: list,
    Sequence: list,
    Iterable: list,
    Collection: list,
    tuple: tuple,
    set: set,
    frozenset: frozenset,
}


def _to_other(value: Any, hint: Any) -> Any:
    """Return a list, dict, date, dataclass or another type that JSON can be converted to."""
    read = read_value(value) if isinstance(value, str) else value
    kind, inner = get_origin(hint) or hint, get_args(hint)
    if kind in _SEQUENCES:
        return _to_sequence(read, hint, _SEQUENCES[kind], inner)
    if kind in (dict, Mapping, MutableMapping):
        return _to_dict(read, hint, inner)
    for candidate in (value, read):
        try:
            return msgspec.convert(candidate, hint, strict=False)
        except msgspec.ValidationError:
            continue
        except TypeError:  # not a type that msgspec converts to: a TypeVar, a Callable
            return read
    raise CoercionError(_name(hint))


def _to_sequence(read: Any, hint: Any, make: Callable[[list[Any]], Any], inner: tuple[Any, ...]) -> Any:
    if not isinstance(read, list):
        raise CoercionError(f"{_name(hint)} as JSON, such as [1, 2]")
    if make is tuple and inner and inner[-1] is not Ellipsis:
        if len(read) != len(inner):
            raise CoercionError(f"{_name(hint)}, with {len(inner)} items")
        return tuple(map(_to_inner, read, inner))
    return make([_to_inner(one, inner[0]) for one in read] if inner else read)


def _to_dict(read: Any, hint: Any, inner: tuple[Any, ...]) -> Any:
    if not isinstance(read, dict):
        raise CoercionError(f'{_name(hint)} as JSON, such as {{"a": 1}}')
    if not inner:
        return read
    return {_to_inner(key, inner[0]): _to_inner(one, inner[1]) for key, one in read.items()}


def _to_inner(value: Any, hint: Any) -> Any:
    """Return an item of a list or dict: there JSON has decided already what is text."""
    return value if hint is Any or hint is object else coerce(value, hint)


def _name(hint: Any) -> str:
    return (
        hint.__name__ if isinstance(hint, type) and not get_args(hint) else str(hint).replace("typing.", "")
    )
