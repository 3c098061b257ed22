"""Work items, run specs, and programs in place of workers, for tests of detached tasks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from jupyter_agent.core.events import About
from jupyter_agent.detached.run_spec import RunSpec
from jupyter_agent.detached.targets import PickledTarget
from jupyter_agent.detached.work_queue import WorkItem
from jupyter_agent.system.ids import new_id
from tests.support.builders import TASK


def work_item(*, created: float = 0.0, **changes: Any) -> WorkItem:
    """A work item of `TASK` for a new worker."""
    return WorkItem(
        TASK,
        changes.pop("attempt", 1),
        changes.pop("producer", None) or new_id(),
        "default",
        created,
        **changes,
    )


def run_spec(python: Path | str, cwd: Path | None = None) -> RunSpec:
    """A run spec whose worker is started by *python*."""
    return RunSpec(
        PickledTarget("work"), About("work"), str(python), str(cwd or Path.cwd()), dict(os.environ)
    )


def program(path: Path, text: str) -> Path:
    """Write a program that stands for the interpreter of a worker."""
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path
