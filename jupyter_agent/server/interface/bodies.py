"""Bodies of answers that have no type elsewhere."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from ...core.query import EventsPage
from ...core.triggers import Trigger
from ...detached.observed.waiting import WorkersStatus
from ...forwarding.spec import ForwardStatus
from ...journal.operations.schedules import ScheduleView
from ...journal.records import Outcome
from ...protocol.messages import Right


class ProblemDetails(Struct):
    """A refusal (RFC 9457). ``code`` is a stable word, ``detail`` a sentence for people."""

    title: str
    status: int
    detail: str
    code: str
    type: str = "about:blank"


class JournalFacts(Struct):
    """The journal of this server: its slot, its epoch, its newest offset, its size in bytes."""

    slot: str
    epoch: str
    head: int
    bytes: int


class Health(Struct):
    """``status`` is for everybody; the rest is for users who may read.

    ``origin_refusal``: why a page at the origin that was asked about gets no WebSocket; absent if it
    gets one.
    """

    status: Literal["ok", "degraded"]
    journal: JournalFacts | UnsetType | None = UNSET
    lag: int | UnsetType = UNSET
    connections: int | UnsetType = UNSET
    workers: WorkersStatus | UnsetType = UNSET
    trouble: list[str] | UnsetType = UNSET
    rights: list[Right] | UnsetType = UNSET
    moved: str | UnsetType = UNSET
    origin_refusal: str | UnsetType = UNSET


class EventsAnswer(EventsPage):
    """``looked``: how many log events a search has looked at; absent without one."""

    looked: int | UnsetType = UNSET


class Accepted(Struct):
    """The command was stored, and is on its way to the task."""

    status: Literal["accepted"] = "accepted"


class SchedulesAnswer(Struct):
    """All schedules, oldest first."""

    schedules: list[ScheduleView]


class FiringView(Struct):
    """One due of a schedule and its outcome; the fields are those of the journal's `Firing`."""

    schedule: str
    due: float
    at: float
    outcome: Outcome
    task: str | None = None
    worker: str | None = None
    missed: int = 0
    asked: bool = False
    reason: str | None = None


class FiringsPage(Struct):
    """Past dues of a schedule, newest first."""

    firings: list[FiringView]
    more: bool


class NextRun(Struct):
    """``due`` is in Unix seconds, ``text`` the same time by the clocks of the time zone."""

    due: float
    text: str


class TriggerPreview(Struct):
    """A trigger in words, and when it is due next."""

    text: str
    timezone: str
    trigger: Trigger
    next: list[NextRun]


class ForwardsAnswer(Struct):
    """All forwards, oldest first."""

    forwards: list[ForwardStatus]
