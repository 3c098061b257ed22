"""Targets of detached tasks: one type for each kind, as saved on disk."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any, assert_never

from msgspec import Struct

MAX_NAME = 60
"""Characters of a task's default name."""


class PickledTarget(Struct, frozen=True, tag="pickled", tag_field="kind"):
    """A function of a notebook with its arguments, pickled beside the run spec; ``label`` is its name."""

    label: str


class FunctionTarget(Struct, frozen=True, tag="function", tag_field="kind"):
    """``module:function`` with arguments by name; texts are coerced to the parameters' annotations."""

    function: str
    parameters: dict[str, Any] = {}


class NotebookTarget(Struct, frozen=True, tag="notebook", tag_field="kind"):
    """A notebook's file.

    ``kernel``: ``None`` for the one that the notebook names. ``cell_timeout``: seconds. ``allow_errors``: the
    notebook goes on after a cell that raises.
    """

    path: str
    parameters: dict[str, Any] = {}
    kernel: str | None = None
    cell_timeout: float | None = None
    allow_errors: bool = False


class CommandTarget(Struct, frozen=True, tag="command", tag_field="kind"):
    """A program with its arguments, run without a shell."""

    argv: list[str]


class AgentTarget(Struct, frozen=True, tag="agent", tag_field="kind"):
    """Free text for the agent ``module:function``."""

    function: str
    text: str


Target = PickledTarget | FunctionTarget | NotebookTarget | CommandTarget | AgentTarget


def default_name(target: Target) -> str:
    """Return the name of a task of this target that was given none."""
    match target:
        case NotebookTarget():
            name = Path(target.path).stem
        case FunctionTarget():
            name = target.function
        case CommandTarget():
            name = shlex.join([Path(target.argv[0]).name, *target.argv[1:]])
        case AgentTarget():
            name = target.text
        case PickledTarget():
            name = target.label
        case _:
            assert_never(target)
    line = " ".join(name.split())
    return line if len(line) <= MAX_NAME else line[: MAX_NAME - 1].rstrip() + "…"
