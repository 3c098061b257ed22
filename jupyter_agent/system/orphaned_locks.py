"""Locks of threads that are gone: after a fork, and while the interpreter is finalized.

Another thread may hold a lock at the moment of the fork, and does not exist in the child. And a daemon thread
that finalization stops may hold one, which a finalizer of the user's then waits for. Such a lock is never
released, so its owner gets a new one.
"""

from __future__ import annotations

import os
import sys
import weakref
from typing import Protocol


class LockOwner(Protocol):
    """An object with locks that code in a forked child, or in a finalizer, may meet."""

    def renew_locks(self) -> None:
        """Replace every lock by a new one; a `with` block that this thread is inside keeps the old."""


_owners: weakref.WeakSet[LockOwner] = weakref.WeakSet()
_finalized = False


def renew_orphaned_locks(owner: LockOwner) -> None:
    """Call ``owner.renew_locks()`` now, and whenever other threads are gone that may have held its locks.

    That is in each forked child before any other code runs there, and at `renew_at_finalization`.
    """
    owner.renew_locks()
    _owners.add(owner)


def renew_at_finalization() -> None:
    """Renew all locks if the interpreter is being finalized: from then on this is its only thread.

    Idempotent.
    """
    global _finalized
    if not _finalized and sys.is_finalizing():
        _finalized = True
        _renew_all()


def _renew_all() -> None:
    for owner in list(_owners):
        owner.renew_locks()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_all)
