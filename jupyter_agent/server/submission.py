"""What ``POST tasks`` asks for: read, checked, and made a call that a worker can carry out."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from ..core.events import About
from ..core.task import Task
from ..detached.call import Call, caller_environment
from ..detached.parse import name_of, parse_target
from ..journal.holder import Desk
from ..journal.queueing import queue_call
from .rest import BadRequest
from .services import Services

Name = Annotated[str, Meta(min_length=1, max_length=500)]
MOST_TAGS = 100


class Submission(Struct):
    """The body. ``target`` as text, or a command as a list; ``timeout`` in seconds.

    ``cwd``, ``env`` and ``python`` are the caller's surroundings; without them the server's own.
    """

    target: str | list[str]
    name: Name | None = None
    key: Name | None = None
    parameters: dict[str, Any] = {}
    retries: Annotated[int, Meta(ge=0, le=1000)] = 0
    timeout: Annotated[float, Meta(gt=0)] | None = None
    tags: Annotated[list[Name], Meta(max_length=MOST_TAGS)] = []
    kernel: str | None = None
    cwd: str | None = None
    env: dict[str, str] | None = None
    python: str | None = None
    schedule: dict[str, Any] | None = None


def read_submission(body: bytes) -> Submission:
    """Raises `BadRequest` with a sentence about what does not fit."""
    try:
        return msgspec.json.decode(body, type=Submission)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        what = str(error)[:200].replace("`", "'")
        raise BadRequest(f'{what}; send {{"target": "notebook.ipynb"}} and what else it needs') from error


def call_of(asked: Submission, *, agent: str, cwd: str, owner: str) -> Call:
    """What a worker is to do. *agent* (empty: none is named) is for free text, *cwd* for paths without one.

    Raises `BadTarget` or `BadRequest`.
    """
    where = str(Path(asked.cwd or cwd).expanduser())
    if not Path(where).is_dir():
        raise BadRequest(f"cwd: there is no folder {where[:200]!r}")
    python = asked.python or sys.executable
    if not os.access(python, os.X_OK):
        raise BadRequest(f"python: {python[:200]!r} is no program that can be run here")
    target = parse_target(
        asked.target, parameters=asked.parameters, kernel=asked.kernel, cwd=where, agent=agent or None
    )
    about = About(asked.name or name_of(target), asked.key, tuple(asked.tags), owner)
    env = caller_environment() if asked.env is None else asked.env
    return Call(target, about, python, where, env, asked.retries, asked.timeout)


async def submit(services: Services, call: Call) -> tuple[Task, bool]:
    """Queue *call* and have its worker started; the task, and whether it was queued now."""
    feed = services.feed

    def job(desk: Desk) -> tuple[Task, bool]:
        return queue_call(desk, services.places, feed.holder.slot.name, call)

    task, new = await feed.call(job)
    services.dispatch.wake()
    return services.shown([task])[0], new
