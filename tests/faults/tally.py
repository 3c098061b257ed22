"""What a part of the fault tests counts, and how it fails: with the command that does it again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import quantiles
from traceback import extract_tb
from typing import Any, NoReturn

Say = Callable[[str], object]
"""Prints the progress of a run."""


class Broken(AssertionError):
    """A promise was broken; its message ends with the command that runs the same seed again."""


@dataclass
class Tally:
    """Counts of one part. *recoveries* are seconds from the end of a fault until all was told."""

    part: str
    runs: int = 0
    seeds: list[int] = field(default_factory=list)
    emitted: int = 0
    delivered: int = 0
    lost: int = 0
    doubled: int = 0
    faults: dict[str, int] = field(default_factory=dict)
    recoveries: list[float] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def saw(self, fault: str, times: int = 1) -> None:
        """Count a fault by its name."""
        self.faults[fault] = self.faults.get(fault, 0) + times

    def ran(self, seed: int, emitted: int, delivered: int, recovery: float | None = None) -> None:
        """One run held what is promised."""
        self.runs += 1
        self.seeds.append(seed)
        self.emitted += emitted
        self.delivered += delivered
        if recovery is not None:
            self.recoveries.append(recovery)

    def percentiles(self) -> tuple[float, float, float] | None:
        """The 50th and 99th percentile and the longest recovery, in seconds; ``None`` without two."""
        if len(self.recoveries) < 2:
            return None
        cuts = quantiles(self.recoveries, n=100, method="inclusive")
        return cuts[49], cuts[98], max(self.recoveries)

    def encode(self) -> dict[str, Any]:
        """As JSON; `Tally(**value)` is its inverse."""
        return asdict(self)

    def merge(self, other: Tally) -> None:
        """Add the counts of another stretch of the same part."""
        self.runs += other.runs
        self.seeds += other.seeds
        self.emitted += other.emitted
        self.delivered += other.delivered
        self.lost += other.lost
        self.doubled += other.doubled
        self.recoveries += other.recoveries
        self.broken += other.broken
        self.seconds += other.seconds
        for fault, times in other.faults.items():
            self.saw(fault, times)


def again(part: str, seed: int, runs: int = 1) -> str:
    """The command that runs the same again."""
    return f"python -m tests.faults --{part} {runs} --seed {seed}"


def broken(part: str, seed: int, what: object, runs: int = 1) -> NoReturn:
    """Fail with what was seen and the command that does it again."""
    raise Broken(f"{what}\nagain: {again(part, seed, runs)}")


def attempt(tally: Tally, seed: int, say: Say, run: Callable[[], object], runs: int = 1) -> None:
    """Run one seed; what breaks is kept in the tally, with the command that does it again."""
    try:
        run()
    except Exception as error:
        at = extract_tb(error.__traceback__)[-1]
        what = f"{str(error) or type(error).__name__} ({Path(at.filename).name}:{at.lineno})"
        tally.broken.append(f"{tally.part} {seed}: {what}\nagain: {again(tally.part, seed, runs)}")
        say(tally.broken[-1])


def compare(wanted: list[Any], found: list[Any], where: str) -> str | None:
    """``None`` when they are equal, else one sentence: how many are missing, doubled, or out of order."""
    if wanted == found:
        return None
    missing = [item for item in wanted if item not in found]
    doubled = len(found) - len({repr(item) for item in found})
    strange = [item for item in found if item not in wanted]
    return (
        f"{where}: {len(found)} of {len(wanted)} events; {len(missing)} missing (first: {missing[:1]}), "
        f"{doubled} doubled, {len(strange)} never emitted (first: {strange[:1]}), or out of order"
    )
