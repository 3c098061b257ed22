"""Run spec: what a detached task runs and in which environment, kept for as long as the task is.

``calls/<task>/call.json`` and, for a function of a notebook, ``content.pickle`` beside it. They hold the
caller's environment and so are for this user only.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import msgspec
from msgspec import Struct

from ..core.events import About
from ..core.ids import is_ulid
from ..errors import UnknownTask
from ..system.files import make_private, write_private
from ..system.paths import DataPaths
from .targets import Target

_LEFT_OUT = ("JPY_", "JUPYTER_AGENT_PRODUCER", "JUPYTER_AGENT_JOURNAL", "KERNEL_", "MPLBACKEND")
"""Variables that speak of the caller's own process: a kernel's parent, its journal, its way to plot."""

CALLERS_PATH = "JUPYTER_AGENT_PYTHONPATH"
"""Where the caller's own ``PYTHONPATH`` is kept, for programs that a worker starts."""


class RunSpec(Struct, frozen=True, omit_defaults=True):
    """``timeout`` is in seconds; ``about`` is what the ``queued`` event says of the task."""

    target: Target
    about: About
    python: str
    cwd: str
    env: dict[str, str]
    retries: int = 0
    timeout: float | None = None


def caller_environment() -> dict[str, str]:
    """This process's environment as a worker gets it: it imports what this process can import.

    Variables that are not UTF-8, which JSON cannot keep, are left out.
    """
    path = os.pathsep.join(entry for entry in sys.path if entry)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_LEFT_OUT)}
    own = os.environ.get(CALLERS_PATH, os.environ.get("PYTHONPATH", ""))
    found = kept | {"PYTHONPATH": path, CALLERS_PATH: own, "PYTHONUNBUFFERED": "1"}
    return {name: value for name, value in found.items() if is_utf8(name + value)}


def is_utf8(text: str) -> bool:
    """Whether JSON can keep *text*; what came from bytes that are not UTF-8 it cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def save_run_spec(paths: DataPaths, task: str, run_spec: RunSpec, content: bytes | None = None) -> None:
    """Keep what *task* runs, in place of what it ran before."""
    folder = make_private(_folder(paths, task))
    if content is not None:
        write_private(folder / "content.pickle", content)
    write_private(folder / "call.json", msgspec.json.encode(run_spec))


def load_run_spec(paths: DataPaths, task: str) -> RunSpec | None:
    """What *task* runs; ``None`` when it is no detached task, or what was kept cannot be read."""
    try:
        return msgspec.json.decode((_folder(paths, task) / "call.json").read_bytes(), type=RunSpec)
    except (OSError, msgspec.MsgspecError):
        return None


def content_path(paths: DataPaths, task: str) -> Path:
    """The file with the pickled function and arguments."""
    return _folder(paths, task) / "content.pickle"


def _folder(paths: DataPaths, task: str) -> Path:
    if not is_ulid(task):
        raise UnknownTask(f"{task[:80]!r} is not a task id", task_id=task)
    return paths.calls / task
