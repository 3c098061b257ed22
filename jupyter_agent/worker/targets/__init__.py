"""How each kind of target is run as an attempt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...detached.targets import PickledTarget, Target
from ...notebook.context import TaskContext


def run_target(target: Target, context: TaskContext, content: Path) -> Any:
    """Run *target* in this thread; its result. *content* is where a notebook's function is pickled.

    Raises whatever the work raises.
    """
    match target:
        case PickledTarget():
            from .pickled import run

            return run(content)
        case _:
            raise TypeError(f"{context.id}: there is no way to run {target!r:.100}")
