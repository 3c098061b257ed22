"""The argument of commands that names a task, a schedule or a forward, and the option in its place."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click
from click.shell_completion import CompletionItem

from ..backends.references import LAST
from .options import check_utf8

WAYS = "its id, the beginning or end of it, its name"
last_option = click.option(LAST, is_flag=True, help="The newest one.")
Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]
Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def argument(name: str, metavar: str, complete: Completer) -> Decorator:
    """Return a decorator that gives a command the optional argument *name*."""
    return click.argument(name, metavar=metavar, required=False, callback=check_utf8, shell_complete=complete)


def reference(name: str, metavar: str, complete: Completer) -> Decorator:
    """Return a decorator that gives a command the argument *name*.

    It is an id, the beginning or end of one, a name, or `LAST`.
    """

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(command)
        def with_reference(*, last: bool, **others: Any) -> Any:
            others[name] = chosen(others[name], metavar, last=last)
            if others[name] is None:
                raise click.UsageError(f"say which {metavar}: {WAYS}, or {LAST}")
            return command(**others)

        return argument(name, metavar, complete)(last_option(with_reference))

    return decorate


def chosen(given: str | None, metavar: str, *, last: bool) -> str | None:
    """Return the reference that was given. Raises `click.UsageError` when it is given twice."""
    if last and given is not None:
        raise click.UsageError(f"give {metavar} or {LAST}, not both")
    return LAST if last else given
