"""One immediate transaction on a connection in autocommit mode."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from sqlite3 import Connection, Cursor

Run = Callable[..., Cursor]


@contextmanager
def unsynced(db: Connection) -> Iterator[None]:
    """Commit without waiting for the disk: for work that is done again when a power failure undoes it.

    Commits are undone from the last one on, and the next one elsewhere syncs these, too.
    """
    db.execute("PRAGMA synchronous=NORMAL")
    try:
        yield
    finally:
        db.execute("PRAGMA synchronous=FULL")


@contextmanager
def immediate(db: Connection) -> Iterator[Run]:
    """Yield what runs statements in one transaction: commit at the end, roll back on any exception."""
    run = db.execute
    run("BEGIN IMMEDIATE")
    try:
        yield run
        run("COMMIT")
    except BaseException:
        if db.in_transaction:  # some errors, such as a full disk, have rolled back already
            run("ROLLBACK")
        raise
