"""What a detached task runs: one type for each kind of target, as it is kept on disk."""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class PickledTarget(Struct, frozen=True, tag="pickled", tag_field="kind"):
    """A function of a notebook with its arguments, pickled beside the call; ``label`` is its name."""

    label: str


class FunctionTarget(Struct, frozen=True, tag="function", tag_field="kind"):
    """``module:function`` with arguments by name; a text is read as the parameter's annotation says."""

    function: str
    parameters: dict[str, Any] = {}


class NotebookTarget(Struct, frozen=True, tag="notebook", tag_field="kind"):
    """A notebook's file. ``kernel``: ``None`` for the one it names; ``cell_timeout``: seconds;
    ``allow_errors``: a cell that raises does not end it."""

    path: str
    parameters: dict[str, Any] = {}
    kernel: str | None = None
    cell_timeout: float | None = None
    allow_errors: bool = False


class CommandTarget(Struct, frozen=True, tag="command", tag_field="kind"):
    """A program with its arguments; no shell is between."""

    argv: list[str]


class AgentTarget(Struct, frozen=True, tag="agent", tag_field="kind"):
    """Free text for the agent ``module:function``."""

    function: str
    text: str


Target = PickledTarget | FunctionTarget | NotebookTarget | CommandTarget | AgentTarget
