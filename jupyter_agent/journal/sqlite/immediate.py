"""One immediate transaction on a connection in autocommit mode."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from sqlite3 import Connection, Cursor

Run = Callable[..., Cursor]


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
