"""Targets of detached tasks: one type for each kind, as saved on disk."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any, assert_never

from msgspec import Struct

from ..core.params import as_params
from ..core.secrets import as_command_line, mask_secrets
from ..core.short_text import short_text

MAX_NAME = 60
"""Characters of a task's default name."""


class PickledTarget(Struct, frozen=True, tag="pickled", tag_field="kind"):
    """A function of a notebook with its arguments, pickled beside the run spec; ``label`` is its name."""

    label: str


class FunctionTarget(Struct, frozen=True, tag="function", tag_field="kind"):
    """``module:function`` or ``/path/file.py:function`` with arguments by name; texts are coerced to the
    parameters' annotations.
    """

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


def kind_of(target: Target) -> str:
    """Return the kind of a task of this target, as in `About`."""
    match target:
        case NotebookTarget():
            return "notebook"
        case FunctionTarget():
            return "module"
        case CommandTarget():
            return "command"
        case AgentTarget():
            return "agent"
        case PickledTarget():
            return "function"
        case _:
            assert_never(target)


def params_of(target: Target) -> dict[str, str]:
    """Return what was passed to *target*, as short texts; of a pickled function nothing is known here."""
    match target:
        case NotebookTarget() | FunctionTarget():
            return as_params(target.parameters)
        case CommandTarget():
            return {"command": short_text(shlex.join(as_command_line(target.argv)))}
        case AgentTarget():
            return {"text": short_text(target.text)}
        case PickledTarget():
            return {}
        case _:
            assert_never(target)


def default_name(target: Target) -> str:
    """Return the name of a task of this target that was given none."""
    match target:
        case NotebookTarget():
            name = Path(target.path).stem
        case FunctionTarget():
            name = Path(target.function).name
        case CommandTarget():
            name = shlex.join([Path(target.argv[0]).name, *as_command_line(target.argv[1:])])
        case AgentTarget():
            name = mask_secrets(target.text)
        case PickledTarget():
            name = target.label
        case _:
            assert_never(target)
    line = " ".join(name.split())
    return line if len(line) <= MAX_NAME else line[: MAX_NAME - 1].rstrip() + "…"
