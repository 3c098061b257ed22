"""Signatures of public names as help and tooltips show them: annotations without quotes.

Python keeps the annotations of this package as text, which `inspect.signature` would show in quotes.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import FunctionType
from typing import Any, TypeVar

T = TypeVar("T")


class Bare(str):
    """Text that a signature shows without quotes; to everything else it is that text."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def readable(target: T) -> T:
    """Show annotations without quotes: a function's, or those of all methods of a class. A decorator."""
    for each in vars(target).values() if isinstance(target, type) else (target,):
        function = getattr(each, "__func__", each)  # of a class method, or a static one
        if isinstance(function, FunctionType):
            texts = function.__annotations__
            texts.update({name: Bare(text) for name, text in texts.items() if isinstance(text, str)})
    return target


def take_keywords(method: Callable[..., Any], function: Callable[..., Any]) -> None:
    """Show *method* with the keywords of *function*; one that is left out changes nothing."""
    first, *_ = inspect.signature(method).parameters.values()
    words = (
        each for each in inspect.signature(function).parameters.values() if each.kind is each.KEYWORD_ONLY
    )
    shown = [first, *(each.replace(default=Bare("unchanged")) for each in words)]
    method.__signature__ = inspect.signature(method).replace(parameters=shown)  # type: ignore[attr-defined]


def submit_signature(function: Callable[..., Any]) -> inspect.Signature:
    """Return the signature of starting *function* as a task: its own parameters, and a handle.

    Raises `TypeError` or `ValueError` for a function without a signature, as some built-in ones are.
    """
    own = inspect.signature(function)
    result = own.return_annotation
    if result is own.empty:
        return own.replace(return_annotation=Bare("TaskHandle"))
    text = result if isinstance(result, str) else inspect.formatannotation(result)
    return own.replace(return_annotation=Bare(f"TaskHandle[{text}]"))
