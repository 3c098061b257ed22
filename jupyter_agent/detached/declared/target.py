"""Description of a target: what it is, its name, and the parameters that it declares."""

from __future__ import annotations

import os
from pathlib import Path

from msgspec import Struct

from ...errors import BadTarget
from ..target_parser import expand_user, parse_target
from ..targets import FunctionTarget, NotebookTarget, Target, default_name, kind_of
from .function_source import function_parameters
from .notebook_cell import notebook_parameters
from .parameter import Declaration, DeclaredParameter


class TargetDescription(Struct, frozen=True, kw_only=True):
    """``kind`` is that of the task's snapshot; the rest is as in `Declaration`."""

    target: Target
    kind: str
    name: str
    cwd: str
    parameters: list[DeclaredParameter]
    more: bool
    note: str | None


def describe_target(asked: str, *, cwd: str, agent: str | None) -> TargetDescription:
    """Return what *asked* names, without executing anything of it. Raises `BadTarget`."""
    where = str(expand_user(cwd))
    if not os.path.isdir(where):  # noqa: PTH112 - false for names that are too long; Path raises
        raise BadTarget(f"cwd: there is no folder {where[:200]!r}")
    target = parse_target(asked, cwd=where, agent=agent)
    found = _declaration(target, where)
    return TargetDescription(
        target=target,
        kind=kind_of(target),
        name=default_name(target),
        cwd=where,
        parameters=found.parameters,
        more=found.more,
        note=found.note,
    )


def _declaration(target: Target, cwd: str) -> Declaration:
    match target:
        case NotebookTarget():
            return notebook_parameters(Path(target.path))
        case FunctionTarget():
            return function_parameters(target.function, cwd)
        case _:
            return Declaration()
