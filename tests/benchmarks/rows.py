"""One figure with its target, the alternative's figure, and notes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

HEAD = "| what | ours | target | | beside it, in the same run | note |\n|---|---|---|---|---|---|"


@dataclass(frozen=True)
class Target:
    """A bound on a figure: at most, or at least."""

    sense: Literal["<=", ">="]
    bound: float

    def met_by(self, value: float) -> bool:
        return value <= self.bound if self.sense == "<=" else value >= self.bound

    def __str__(self) -> str:
        return f"{'≤' if self.sense == '<=' else '≥'} {show(self.bound)}"


@dataclass(frozen=True)
class Row:
    """``value`` and ``peers`` are in ``unit``, all from one run."""

    what: str
    value: float
    unit: str
    target: Target | None = None
    peers: dict[str, float] = field(default_factory=dict)
    note: str = ""

    @property
    def verdict(self) -> str:
        """``met`` or ``missed``; nothing without a target."""
        if self.target is None:
            return ""
        return "**missed**" if self.is_missed else "met"

    @property
    def is_missed(self) -> bool:
        return self.target is not None and not self.target.met_by(self.value)

    def __str__(self) -> str:
        peers = "; ".join(f"{name} {show(value)}" for name, value in self.peers.items())
        target = str(self.target) if self.target else ""
        cells = [self.what, f"{show(self.value)} {self.unit}", target, self.verdict, peers, self.note]
        return f"| {' | '.join(cells)} |"


def table(rows: Iterable[Row]) -> str:
    """The rows as a Markdown table."""
    return "\n".join([HEAD, *map(str, rows)])


def summary(rows: Sequence[Row]) -> str:
    """Return how many targets were met, and which were not."""
    aimed = [row for row in rows if row.target is not None]
    missed = [f"- {row.what}: {show(row.value)} {row.unit}, {row.target}" for row in aimed if row.is_missed]
    told = f"{len(aimed) - len(missed)} of {len(aimed)} targets met"
    return "\n".join([f"{told}; missed:", "", *missed]) if missed else f"{told}."


def at_most(bound: float) -> Target:
    return Target("<=", bound)


def at_least(bound: float) -> Target:
    return Target(">=", bound)


def show(value: float) -> str:
    """A figure with three significant digits."""
    if value == 0:
        return "0"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
