"""Dispatch: each kind of target to the module that runs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, assert_never

from ..detached.targets import (
    AgentTarget,
    CommandTarget,
    FunctionTarget,
    NotebookTarget,
    PickledTarget,
    Target,
)
from ..runtime.context import TaskContext


def run_target(target: Target, context: TaskContext, content: Path) -> Any:
    """Run *target* in this thread and return its result. *content* is the file of a pickled function.

    Each module is imported only for its kind of target: a command needs no nbclient. Raises whatever the
    work raises, `TargetFailed` for what failed in another process, and `BadTarget` for what cannot be run.
    """
    match target:
        case PickledTarget():
            from .functions.pickled import run as run_pickled

            return run_pickled(content)
        case FunctionTarget():
            from .functions.module_function import run as run_function

            return run_function(target)
        case AgentTarget():
            from .functions.agent import run as run_agent

            return run_agent(target)
        case CommandTarget():
            from .commands.command import run as run_command

            return run_command(target, context)
        case NotebookTarget():
            from .notebooks.notebook import run as run_notebook

            return run_notebook(target, context)
        case _:
            assert_never(target)
