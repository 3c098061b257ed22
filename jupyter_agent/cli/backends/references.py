"""References as people type them: an id, the beginning or end of one, a name, or the newest."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable

from ...core.ids import is_ulid
from ...core.query import TaskQuery
from ...core.task import Task
from ...errors import UnknownTask

LAST = "--last"
"""The reference to the newest; no other reference begins with a dash."""

MIN_PART = 4
"""Characters of an id from which on they count as a part of one."""

MAX_SEARCHED = 1000
"""Newest tasks among which the end of an id is looked for."""

_PART = re.compile(rf"[0-9A-Z]{{{MIN_PART},25}}\Z")
_LARGEST = "Z" * 26
Search = Callable[[TaskQuery], Awaitable[list[Task]]]
"""Returns the tasks of all journals that fit, newest first."""


async def task_id_of(search: Search, reference: str) -> str:
    """Return the id of the task that *reference* means; of several with that name the newest one's.

    Raises `UnknownTask` when there is none, and when a part fits the ids of several tasks.
    """
    ident = reference.upper()
    if is_ulid(ident):
        return ident
    if reference == LAST:
        found = await search(TaskQuery(limit=1))
    else:
        found = await _by_part(search, ident)
        if len(found) != 1:  # the whole of a name counts more than a part of several ids
            found = await search(TaskQuery(name=reference, limit=1)) or found
    if len(found) != 1:
        raise UnknownTask(why_not_one(reference, len(found), "task", "tasks"), task_id=reference)
    return found[0].id


def fitting(reference: str, known: Iterable[tuple[str, str]]) -> list[str]:
    """Return the ids that *reference* may mean, of *known* ids and names, newest first."""
    ident, pairs = reference.upper(), list(known)
    if reference == LAST:
        return [one for one, _ in pairs[:1]]
    if is_ulid(ident):
        return [one for one, _ in pairs if one == ident]
    found: list[str] = []
    if _PART.match(ident):
        for fits in (str.startswith, str.endswith):
            if found := [one for one, _ in pairs if fits(one, ident)]:
                break
    return found if len(found) == 1 else [one for one, name in pairs if name == reference][:1] or found


def why_not_one(reference: str, found: int, what: str, command: str) -> str:
    """Return a sentence about a *reference* that does not mean one *what*; the group *command* lists them."""
    if found > 1:
        return f"{reference!r} is part of more than one {what}'s id; give more of it"
    if reference == LAST:
        return f"there is no {what} yet"
    return (
        f"{reference!r} is not the id of a {what}, the beginning or end of one, or a {what}'s name; "
        f"'jupyter agent {command} list' shows them"
    )


async def _by_part(search: Search, part: str) -> list[Task]:
    """Return tasks whose id begins with *part*, at most two, or else those whose id ends with it."""
    if not _PART.match(part):
        return []
    newest = await search(TaskQuery(before=part + _LARGEST[len(part) :], limit=2))
    beginning = [task for task in newest if task.id.startswith(part)]
    if beginning:
        return beginning
    return [task for task in await search(TaskQuery(limit=MAX_SEARCHED)) if task.id.endswith(part)]
