"""Locks after a fork: a forked child gets new ones.

Another thread of the parent may hold a lock at the moment of the fork. That thread does not exist in the
child, so the child's copy of the lock is never released.
"""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class LockOwner(Protocol):
    """An object with locks that code in a forked child may meet."""

    def renew_locks(self) -> None:
        """Replace every lock by a new one; a `with` block that the forking thread is inside keeps the old."""


_owners: weakref.WeakSet[LockOwner] = weakref.WeakSet()


def renew_locks_after_fork(owner: LockOwner) -> None:
    """Call ``owner.renew_locks()`` now, and in each forked child before any other code runs there."""
    owner.renew_locks()
    _owners.add(owner)


def _after_fork_in_child() -> None:
    for owner in list(_owners):
        owner.renew_locks()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
