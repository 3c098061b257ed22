"""Declarations of operations: what a handler's method takes and answers, beside the method itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar

from msgspec import Meta

_Method = TypeVar("_Method", bound=Callable[..., Any])
_ATTRIBUTE = "__jupyter_agent_operation__"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a query: its meaning, and its type as a text.

    A whole number has a *maximum* and begins at 1; *default* stands for none.
    """

    text: str
    kind: Any = str
    maximum: int | None = None
    default: int | None = None
    required: bool = False

    @property
    def type(self) -> Any:
        """The type that a schema is made of."""
        return self.kind if self.maximum is None else Annotated[int, Meta(ge=1, le=self.maximum)]


@dataclass(frozen=True, slots=True)
class Operation:
    """What one method of an address takes and answers.

    *answers*: the type of the JSON by status, or several in a tuple; ``None`` for none. *others*: further
    media types of the first status. *body*: the type of the request's JSON, or several in a tuple.
    *refusals*: statuses of refusals beside 400, 403 and 503, and 404 where the path has an id.
    """

    answers: Mapping[int, Any]
    body: Any = None
    others: tuple[str, ...] = ()
    refusals: tuple[int, ...] = field(default=())


def operation(
    answers: Mapping[int, Any],
    *,
    body: Any = None,
    others: tuple[str, ...] = (),
    refusals: tuple[int, ...] = (),
) -> Callable[[_Method], _Method]:
    """Declare what the decorated method of a handler takes and answers, as `Operation` has it.

    The first line of the method's docstring says what it does.
    """
    declared = Operation(answers, body, others, refusals)

    def declare(method: _Method) -> _Method:
        setattr(method, _ATTRIBUTE, declared)
        return method

    return declare


def declared_operation(method: object) -> Operation | None:
    """Return what *method* declares; ``None`` when it declares nothing."""
    found = getattr(method, _ATTRIBUTE, None)
    return found if isinstance(found, Operation) else None
