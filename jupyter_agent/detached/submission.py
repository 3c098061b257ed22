"""Submissions: the body of ``POST tasks``, and the run spec made from it."""

from __future__ import annotations

import os
import sys
from typing import Annotated, Any

from msgspec import Meta, Struct

from ..core.events import About
from ..errors import BadTarget
from ..system.graces import MAX_GRACE
from ..system.paths import data_paths
from .run_spec import RunSpec, caller_environment
from .target_parser import expand_user, parse_target
from .targets import NotebookTarget, default_name, kind_of, params_of
from .worker_slots import load_grace

MAX_NAME = 500
MAX_TAGS = 100
MAX_RETRIES = 1000
MAX_SECONDS = 366 * 10 * 86_400.0
"""Ten years."""

Name = Annotated[str, Meta(min_length=1, max_length=MAX_NAME)]


class Submission(Struct, omit_defaults=True):
    """What a caller wants to run: ``target`` as text, or a command as a list; ``timeout`` and ``grace`` in
    seconds.

    ``kernel``, ``cell_timeout`` (seconds) and ``allow_errors`` (cells may raise) are for notebooks.
    ``cwd``, ``env`` and ``python`` are the caller's environment; without them, that of the process which
    queues the task.
    """

    target: str | list[str]
    name: Name | None = None
    key: Name | None = None
    parameters: dict[str, Any] = {}
    retries: Annotated[int, Meta(ge=0, le=MAX_RETRIES)] = 0
    timeout: Annotated[float, Meta(gt=0, le=MAX_SECONDS)] | None = None
    tags: Annotated[list[Name], Meta(max_length=MAX_TAGS)] = []
    grace: Annotated[float, Meta(ge=0, le=MAX_GRACE)] | None = None
    kernel: str | None = None
    cell_timeout: Annotated[float, Meta(gt=0, le=MAX_SECONDS)] | None = None
    allow_errors: bool = False
    cwd: str | None = None
    env: dict[str, str] | None = None
    python: str | None = None
    schedule: dict[str, Any] | None = None


def run_spec_of(submission: Submission, *, agent: str, cwd: str, owner: str) -> RunSpec:
    """Return what a worker is to run. Raises `BadTarget`.

    *agent* (empty: none is configured) gets free text; *cwd* is the default of ``cwd``.
    """
    where = str(expand_user(submission.cwd or cwd))
    if not os.path.isdir(where):  # noqa: PTH112 - false for names that are too long; Path raises
        raise BadTarget(f"cwd: there is no folder {where[:200]!r}")
    python = submission.python or sys.executable
    if "\0" in python or not os.access(python, os.X_OK):
        raise BadTarget(f"python: {python[:200]!r} is not a program that can be run here")
    target = parse_target(
        submission.target,
        parameters=submission.parameters,
        kernel=submission.kernel,
        cell_timeout=submission.cell_timeout,
        allow_errors=submission.allow_errors,
        cwd=where,
        agent=agent or None,
    )
    name = submission.name or default_name(target)
    grace = load_grace(data_paths(), submission.grace)
    about = About(
        name,
        key=submission.key,
        tags=tuple(submission.tags),
        owner=owner,
        params=params_of(target) or None,
        notebook=target.path if isinstance(target, NotebookTarget) else None,
        kind=kind_of(target),
        on="detached",
        grace=grace,
    )
    env = caller_environment() if submission.env is None else submission.env
    return RunSpec(target, about, python, where, env, submission.retries, submission.timeout, grace)
