"""What somebody asks to run: the body of ``POST tasks``, made a call that a worker can carry out."""

from __future__ import annotations

import os
import sys
from typing import Annotated, Any

from msgspec import Meta, Struct

from ..core.events import About
from ..errors import BadTarget
from .run_spec import RunSpec, caller_environment
from .target_parser import default_name, expand_user, parse_target

MAX_NAME = 500
MAX_TAGS = 100
MAX_RETRIES = 1000
MAX_SECONDS = 366 * 10 * 86_400.0
Name = Annotated[str, Meta(min_length=1, max_length=MAX_NAME)]


class Submission(Struct, omit_defaults=True):
    """``target`` as text, or a command as a list; ``timeout`` in seconds.

    ``kernel``, ``cell_timeout`` (seconds) and ``allow_errors`` (cells may raise) are for notebooks.

    ``cwd``, ``env`` and ``python`` are the caller's surroundings; without them those of who takes it.
    """

    target: str | list[str]
    name: Name | None = None
    key: Name | None = None
    parameters: dict[str, Any] = {}
    retries: Annotated[int, Meta(ge=0, le=MAX_RETRIES)] = 0
    timeout: Annotated[float, Meta(gt=0, le=MAX_SECONDS)] | None = None
    tags: Annotated[list[Name], Meta(max_length=MAX_TAGS)] = []
    kernel: str | None = None
    cell_timeout: Annotated[float, Meta(gt=0, le=MAX_SECONDS)] | None = None
    allow_errors: bool = False
    cwd: str | None = None
    env: dict[str, str] | None = None
    python: str | None = None
    schedule: dict[str, Any] | None = None


def run_spec_of(asked: Submission, *, agent: str, cwd: str, owner: str) -> RunSpec:
    """What a worker is to do. *agent* (empty: none is named) is for free text, *cwd* for paths without one.

    Raises `BadTarget`.
    """
    where = str(expand_user(asked.cwd or cwd))
    if not os.path.isdir(where):  # noqa: PTH112 - it knows names that are too long
        raise BadTarget(f"cwd: there is no folder {where[:200]!r}")
    python = asked.python or sys.executable
    if "\0" in python or not os.access(python, os.X_OK):
        raise BadTarget(f"python: {python[:200]!r} is no program that can be run here")
    target = parse_target(
        asked.target,
        parameters=asked.parameters,
        kernel=asked.kernel,
        cell_timeout=asked.cell_timeout,
        allow_errors=asked.allow_errors,
        cwd=where,
        agent=agent or None,
    )
    about = About(asked.name or default_name(target), asked.key, tuple(asked.tags), owner)
    env = caller_environment() if asked.env is None else asked.env
    return RunSpec(target, about, python, where, env, asked.retries, asked.timeout)
