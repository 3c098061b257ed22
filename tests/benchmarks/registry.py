"""The measurements by name, in the order of the page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from . import (
    acks,
    calls,
    fanout,
    growing,
    imports,
    ingest,
    large_journal,
    loops,
    old_journal,
    others,
    pools,
    refresh,
)
from .growth import Growth
from .rows import Row, table


@dataclass(frozen=True)
class Result:
    """Markdown, the plot that belongs to it, and the rows with their targets."""

    text: str
    plot: str | None = None
    rows: Sequence[Row] = ()


@dataclass(frozen=True)
class Subject:
    """``measure(long)`` takes minutes at most."""

    name: str
    measure: Callable[[bool], Result]


def _rows(name: str, measure: Callable[[], list[Row]]) -> Subject:
    def run(_long: bool) -> Result:
        found = measure()
        return Result(table(found), rows=found)

    return Subject(name, run)


def _sized(name: str, measure: Callable[[bool], list[Row]]) -> Subject:
    def run(long: bool) -> Result:
        found = measure(long)
        return Result(table(found), rows=found)

    return Subject(name, run)


def _growth(name: str, measure: Callable[[bool], Growth]) -> Subject:
    def run(long: bool) -> Result:
        found = measure(long)
        return Result(found.table(), found.plot())

    return Subject(name, run)


SUBJECTS = {
    subject.name: subject
    for subject in (
        _rows("loops", loops.measure),
        _rows("calls", calls.measure),
        _rows("pools", pools.measure),
        _rows("acks", acks.measure),
        _rows("latency", fanout.latency),
        _rows("burst", fanout.burst),
        _rows("memory", fanout.memory),
        _rows("ingest", ingest.measure),
        _rows("replay", fanout.replay),
        _rows("refresh", refresh.measure),
        _rows("others", others.measure),
        _rows("imports", imports.measure),
        _growth("growth-sockets", growing.sockets),
        _growth("growth-tasks", growing.tasks),
        _growth("growth-journal", old_journal.measure),
        _growth("growth-producers", growing.producers),
        _sized("large-journal", large_journal.measure),
    )
}
