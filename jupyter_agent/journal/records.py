"""Port of the journal's records: small values by name, and the firings of schedules.

A record is a kind, a name and bytes that only its owner decodes; a firing is the claim of one due of a
schedule, with its outcome. Both are committed when the call returns. Older journals do not have the tables;
they are created, empty, when the journal is opened.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol

from ..core.events import TaskState

MAX_KEPT = 500
"""Maximum number of settled firings with a task kept for one schedule; older dues count as fired."""

MAX_KEPT_WITHOUT_TASK = 100
"""The same for firings without a task: beside one long run there may be very many."""

Outcome = Literal["claimed", "waiting", "queued", "skipped", "failed"]
OPEN: tuple[Outcome, ...] = ("claimed", "waiting")


class Firing(NamedTuple):
    """One due of a schedule and its outcome; times are Unix seconds.

    ``claimed``: ``task`` is to be queued for ``worker``; ``waiting``: until the previous run ends;
    ``queued``: the task is in the journal; ``skipped``: the previous run had not ended; ``failed``: it could
    not be queued, for ``reason``. ``missed``: number of earlier dues that this firing stands for. ``asked``:
    a user requested it, it was not due by the clock.
    """

    schedule: str
    due: float
    at: float
    outcome: Outcome
    task: str | None = None
    worker: str | None = None
    missed: int = 0
    asked: bool = False
    reason: str | None = None


class PastRun(NamedTuple):
    """A firing with its task as that is now; ``state`` is ``None`` when the journal does not have the task.

    ``started`` and ``ended`` are those of the task's latest attempt.
    """

    schedule: str
    task: str
    due: float
    asked: bool
    state: TaskState | None
    started: float | None
    ended: float | None


class RecordsExport(NamedTuple):
    """All records and firings of one journal, for `Records.import_records` of another."""

    records: list[tuple[str, str, bytes]]
    firings: list[Firing]
    floors: list[tuple[str, float]]


class Records(Protocol):
    """The part of `base.Journal` that keeps records and firings."""

    def put_record(self, kind: str, ident: str, body: bytes) -> None:
        """Store *body*, in place of an earlier record of that kind and name."""

    def record(self, kind: str, ident: str) -> bytes | None:
        """Return the record, or ``None``."""

    def records(self, kind: str) -> list[tuple[str, bytes]]:
        """Return every record of *kind* with its name, ordered by name."""

    def delete_record(self, kind: str, ident: str) -> bool:
        """Delete the record and the firings of *ident*; return True if it existed."""

    def claim(self, firing: Firing) -> bool:
        """Store *firing*; return False, without storing it, when its due has fired before."""

    def settle(self, firing: Firing) -> None:
        """Store the outcome of a claimed firing; no effect for one that was deleted."""

    def firings(
        self, schedule: str, limit: int = 50, *, before: float | None = None, ran: bool = False
    ) -> list[Firing]:
        """Return firings of one schedule, newest due first; *before* a time, with *ran* those with a task."""

    def last_due(self, schedule: str, upto: float) -> float | None:
        """Return the newest due up to and including *upto* that was claimed by the clock, not by a user.

        Later than *upto* when the firings up to there are forgotten; ``None`` when nothing has fired.
        """

    def open_firings(self, schedule: str | None = None) -> list[Firing]:
        """Return the `OPEN` firings of one schedule, or of every one, oldest due first."""

    def recent_runs(self, schedules: Sequence[str], limit: int) -> list[PastRun]:
        """Return the newest *limit* firings with a task of each of *schedules*, newest due first."""

    def export_records(self) -> RecordsExport:
        """Return everything, for `import_records` of another journal."""

    def import_records(self, export: RecordsExport) -> None:
        """Add what is not here, in one transaction; existing records stay as they are."""
