"""Migration: journals that another version of this package has written.

A newer schema is refused before anything is written: a second environment, or a downgrade, is no damage. An
older one is brought up to date after a copy.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

from ...errors import JournalError, NewerJournal
from .connection import Run, immediate
from .schema import SCHEMA_VERSION

Step = Callable[[Run], None]
MIGRATIONS: Mapping[int, Step] = {}
"""What brings a journal of a schema version to the next one; empty as long as there is one version."""


def check_schema(path: Path) -> None:
    """Raise `NewerJournal` when this version cannot read *path*; bring an older journal up to date.

    A file that is no journal, or damaged, is left to the caller, who opens it.
    """
    found = stored_schema(path)
    if found is None or found == SCHEMA_VERSION:
        return
    if found > SCHEMA_VERSION:
        raise NewerJournal(
            f"{path} was written by a newer version of jupyter_agent (schema {found}, this one knows "
            f"{SCHEMA_VERSION}) and is left as it is; upgrade this environment, or set JUPYTER_AGENT_DIR"
        )
    if all(version in MIGRATIONS for version in range(found, SCHEMA_VERSION)):
        migrate(path, found)


def stored_schema(path: Path) -> int | None:
    """Return the schema version in *path*, reading only; ``None`` when there is none to be read.

    The write-ahead log is read too, and not written back. The caller holds the journal's slot.
    """
    beside = [path.with_name(path.name + suffix) for suffix in ("-wal", "-shm")]
    new = [file for file in beside if not file.exists()]
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
            row = db.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
        return int(row[0]) if row else None
    except (sqlite3.Error, UnicodeDecodeError, ValueError, TypeError):
        return None
    finally:
        for file in new:  # a read-only connection leaves them behind, empty
            file.unlink(missing_ok=True)


def migrate(path: Path, found: int, steps: Mapping[int, Step] = MIGRATIONS, to: int = SCHEMA_VERSION) -> None:
    """Bring the journal in *path* from schema *found* to schema *to*, step by step, after a copy.

    One transaction: what is killed in the middle finds the old schema again. The copy is ``…-schema-1``, with
    its write-ahead log beside it. Raises `JournalError` when there is no room for it.
    """
    _copy(path, found)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA locking_mode=EXCLUSIVE")
        with immediate(db) as run:
            for version in range(found, to):
                steps[version](run)
            run("UPDATE meta SET value = ? WHERE key = 'schema'", [str(to)])


def _copy(path: Path, found: int) -> None:
    try:
        for suffix in ("-wal", ""):  # the file last: with it, the copy is complete
            source = path.with_name(path.name + suffix)
            if source.exists():
                target = path.with_name(f"{path.name}-schema-{found}{suffix}")
                partial = target.with_name(f".{target.name}")
                shutil.copy2(source, partial)
                partial.replace(target)
    except OSError as error:
        raise JournalError(f"{path} cannot be copied before its upgrade: {error.strerror}") from error
