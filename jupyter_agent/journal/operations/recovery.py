"""Crash recovery: merge abandoned journals, then import the spools of dead producers.

Every step is idempotent by ``(producer, n)``, and a source is deleted only after the commit and under its own
lock: a kill at any point neither loses nor doubles an event.
"""

from __future__ import annotations

from ...system.paths import DataPaths
from ...transport.discovery import DEFAULT
from ..session import JournalSession
from .journal_merge import merge_journals
from .spool_recovery import recover_spools


def recover_all(session: JournalSession, paths: DataPaths, slot: str) -> int:
    """Recover everything that is due to the holder of *slot*; return the number of sources."""
    sources = merge_journals(session, paths) if slot == DEFAULT else 0
    return sources + recover_spools(session, paths, slot)
