"""Signatures of the public names as help and tooltips show them: annotations without quotes.

Annotations are not evaluated here, so Python keeps them as text, which `inspect.signature` shows in quotes.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import FunctionType
from typing import Any, TypeVar

T = TypeVar("T")


class Annotation(str):
    """An annotation that is shown as it stands in the source; to everything else it is that text."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def readable(target: T) -> T:
    """Show annotations without quotes: those of a function, or of all methods of a class. A decorator."""
    found = vars(target).values() if isinstance(target, type) else (target,)
    for each in found:
        function = getattr(each, "__func__", each)  # of a class method, or a static one
        if isinstance(function, FunctionType):
            for name, annotation in function.__annotations__.items():
                if isinstance(annotation, str):
                    function.__annotations__[name] = Annotation(annotation)
    return target


def submit_signature(function: Callable[..., Any]) -> inspect.Signature:
    """Return the signature of starting *function* as a task: its own parameters, and a handle.

    Raises `ValueError` or `TypeError` for a function that has none, as some built-in ones.
    """
    own = inspect.signature(function)
    result = own.return_annotation
    if result is own.empty:
        return own.replace(return_annotation=Annotation("TaskHandle"))
    text = result if isinstance(result, str) else inspect.formatannotation(result)
    return own.replace(return_annotation=Annotation(f"TaskHandle[{text}]"))
