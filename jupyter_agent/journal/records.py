"""What a journal keeps beside tasks and events: small records, and which schedule has fired for what.

A record is a kind, a name and bytes that only its owner reads; a firing is the claim of one due of a
schedule, and what became of it. Both are committed when the call returns. Journals of before have no such
tables; they get them, empty, when they are opened.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, Protocol

MAX_KEPT = 500
"""Settled firings with a task that are kept of one schedule; whatever is older counts as fired."""

MAX_KEPT_WITHOUT_TASK = 100
"""The same of those without a task: beside a long run there may be very many."""

Outcome = Literal["claimed", "waiting", "queued", "skipped", "failed"]
OPEN: tuple[Outcome, ...] = ("claimed", "waiting")


class Firing(NamedTuple):
    """That a schedule was due at ``due``, and what became of it; times are Unix seconds.

    ``claimed``: decided, and ``task`` is to be queued for ``worker``; ``waiting``: for the task before to
    end; ``queued``: the task is in the journal; ``skipped``: the task before was still going on;
    ``failed``: it could not be queued, ``reason`` says why. ``missed`` dues before this one are made up for
    by it. ``asked``: a person wanted it now, the clock did not.
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


class RecordsExport(NamedTuple):
    """Everything of one journal that this module keeps, to be taken over by another."""

    records: list[tuple[str, str, bytes]]
    firings: list[Firing]
    floors: list[tuple[str, float]]


class Records(Protocol):
    """The part of `base.Journal` that keeps records and firings."""

    def put_record(self, kind: str, ident: str, body: bytes) -> None:
        """Store *body*; it replaces what was there."""

    def record(self, kind: str, ident: str) -> bytes | None:
        """What was stored last; ``None`` when there is nothing."""

    def records(self, kind: str) -> list[tuple[str, bytes]]:
        """Every record of *kind* with its name, in the order of the names."""

    def delete_record(self, kind: str, ident: str) -> bool:
        """Remove it, and what *ident* has fired; whether it was there."""

    def claim(self, firing: Firing) -> bool:
        """Store that *firing* was decided; false, and nothing, when its due has fired before."""

    def settle(self, firing: Firing) -> None:
        """Store what became of a firing that was claimed; one that is unknown (deleted) stays so."""

    def firings(
        self, schedule: str, limit: int = 50, *, before: float | None = None, ran: bool = False
    ) -> list[Firing]:
        """Of one schedule, newest due first; of dues *before* that time only, and those that have a task."""

    def last_due(self, schedule: str, upto: float) -> float | None:
        """The newest due up to and with *upto* that the clock, not a person, has claimed.

        Later than *upto* when so much of what has fired is forgotten; ``None``: nothing has.
        """

    def open_firings(self) -> list[Firing]:
        """Those of every schedule that are `OPEN`, oldest due first."""

    def export_records(self) -> RecordsExport:
        """Everything, for `import_records` of another journal."""

    def import_records(self, kept: RecordsExport) -> None:
        """Take over what is not here, in one transaction; what is here already stays as it is."""
