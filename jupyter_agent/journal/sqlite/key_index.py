"""Index from keys to tasks: a table beside ``tasks``.

Older journals do not have the table; it is created and filled when they are opened.
"""

from __future__ import annotations

from collections.abc import Iterable

from ...core.task import Task
from .schema import SOUND_SNAPSHOT, Row

_KEY = f"json_extract({SOUND_SNAPSHOT}, '$.key')"
CREATE = (
    "CREATE TABLE keys (task TEXT PRIMARY KEY, key TEXT) WITHOUT ROWID",
    "CREATE INDEX keys_by_key ON keys (key, task)",
    f"INSERT INTO keys SELECT id, {_KEY} FROM tasks WHERE {_KEY} IS NOT NULL",
)
TASKS, AT = "keys CROSS JOIN tasks ON id = keys.task", "keys.key = ?"
"""The tasks with a key, in the order of their ids, and the condition for the key."""

WITH_KEY = "id IN (SELECT task FROM keys WHERE key = ?)"
"""The condition for tasks with a key; its value is the key."""


def rows(tasks: Iterable[Task]) -> list[Row]:
    """Return the rows of those *tasks* that have a key, or may have had one in an earlier attempt."""
    return [(t.id, t.key) for t in tasks if t.key is not None or t.attempt > 1]
