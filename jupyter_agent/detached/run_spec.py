"""Run spec: what a detached task runs, and in which environment.

Kept as long as the task: ``calls/<task>/call.json`` and, for a function of a notebook, ``content.pickle``
beside it. They hold the caller's environment, and so only this user can read them.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
from msgspec import Struct

from ..core.events import About
from ..core.ids import is_ulid
from ..errors import UnknownTask
from ..system.files import make_private, write_private
from ..system.interpreter import caller_path
from ..system.paths import DataPaths
from ..system.start import CALLERS_PATH, SYS_PATH
from .targets import Target

_EXCLUDED = ("JPY_", "JUPYTER_AGENT_PRODUCER", "JUPYTER_AGENT_JOURNAL", "KERNEL_", "MPLBACKEND", SYS_PATH)
"""Prefixes of variables about the caller's own process: a kernel's parent, its journal, its plot backend."""


class Cell(Struct, frozen=True):
    """A cell that the function comes from: file name of its code, number as in ``[3]``, source.

    ``codes``: the qualified name and the first line of what is defined in it.
    """

    file: str
    number: int
    source: str
    codes: tuple[tuple[str, int], ...] = ()


class RunSpec(Struct, frozen=True, omit_defaults=True):
    """``timeout`` and ``grace`` are in seconds; ``about`` is the data of the task's ``queued`` event."""

    target: Target
    about: About
    python: str
    cwd: str
    env: dict[str, str]
    retries: int = 0
    timeout: float | None = None
    grace: float | None = None
    cells: tuple[Cell, ...] = ()


def caller_environment() -> dict[str, str]:
    """Return this process's environment for a worker, which can then import what this process can.

    Variables that are not UTF-8, which JSON cannot keep, are excluded.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_EXCLUDED)}
    own = os.environ.get(CALLERS_PATH, os.environ.get("PYTHONPATH", ""))
    found = kept | {"PYTHONPATH": caller_path(), CALLERS_PATH: own, "PYTHONUNBUFFERED": "1"}
    return {name: value for name, value in found.items() if is_utf8(name + value)}


def is_utf8(text: str) -> bool:
    """Return True if JSON can keep *text*: not when it comes from bytes that are not UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def save_run_spec(paths: DataPaths, task: str, run_spec: RunSpec, content: bytes | None = None) -> None:
    """Save what *task* runs, in place of what it ran before."""
    folder = make_private(_folder(paths, task))
    if content is not None:
        write_private(folder / "content.pickle", content)
    # Last: a call.json on disk means that everything it needs is there.
    write_private(folder / "call.json", msgspec.json.encode(run_spec))


def is_detached(paths: DataPaths, task: str) -> bool:
    """Return True if *task* runs in a worker, and so needs no process but that."""
    return is_ulid(task) and (_folder(paths, task) / "call.json").exists()


def load_run_spec(paths: DataPaths, task: str) -> RunSpec | None:
    """Return what *task* runs; ``None`` when it is not a detached task, or its file cannot be read."""
    try:
        return msgspec.json.decode((_folder(paths, task) / "call.json").read_bytes(), type=RunSpec)
    except (OSError, msgspec.MsgspecError):
        return None


def content_path(paths: DataPaths, task: str) -> Path:
    """Return the file of the pickled function and arguments."""
    return _folder(paths, task) / "content.pickle"


def _folder(paths: DataPaths, task: str) -> Path:
    if not is_ulid(task):
        raise UnknownTask(f"{task[:80]!r} is not a task id", task_id=task)
    return paths.calls / task
