"""The arithmetic of a soak: samples, a straight line through them, and when it is a leak."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

MIB = 1 << 20
HOUR = 3600.0
STEEP = 30.0
"""MiB an hour by which a process may seem to grow in a short run without being called leaky."""

RSS_ROOM = 16.0
"""MiB more at rest, after the load than before it, that are still the same."""


@dataclass(frozen=True)
class Sample:
    """One look from outside: seconds since the start, and what each process holds then."""

    at: float
    rss: int
    descriptors: int
    threads: int
    tasks: int = 0


@dataclass(frozen=True)
class Line:
    """A straight line's slope with its standard error, in units of the values per hour."""

    slope: float
    error: float

    def __str__(self) -> str:
        return f"{self.slope:+.2f} ± {self.error:.2f}"


def fit(times: Sequence[float], values: Sequence[float]) -> Line:
    """The least squares line; *times* in seconds. With fewer than three points the error is infinite."""
    count = len(times)
    if count < 3 or len(set(times)) < 2:
        return Line(0.0, math.inf)
    mean_time, mean_value = sum(times) / count, sum(values) / count
    spread = sum((time - mean_time) ** 2 for time in times)
    pairs = list(zip(times, values, strict=True))
    slope = sum((time - mean_time) * (value - mean_value) for time, value in pairs) / spread
    rest = sum((value - mean_value - slope * (time - mean_time)) ** 2 for time, value in pairs)
    return Line(slope * HOUR, math.sqrt(rest / (count - 2) / spread) * HOUR)


def rss_line(samples: Sequence[Sample]) -> Line:
    """Growth of resident memory, in MiB an hour."""
    return fit([s.at for s in samples], [s.rss / MIB for s in samples])


def is_steep(line: Line) -> bool:
    """Return True if a process grows faster than it may, by three standard errors."""
    return line.slope - 3 * line.error > STEEP


@dataclass
class Tally:
    """The fate of the events, over all producers that reported how many they emitted."""

    emitted: int = 0
    committed: int = 0
    lost: int = 0
    doubled: int = 0
    delivered: int = 0
    missed: int = 0
    """Deliveries that a reader should have had and has not; superseded progress is none of them."""

    disordered: int = 0


def holes(numbers: Sequence[int], last: int, named: Sequence[tuple[int, int]] = ()) -> int:
    """Count those of 1..*last* that are neither in *numbers* nor in a range (first, last) of lost ones."""
    there = set(numbers)
    for first, end in named:
        there.update(range(first, end + 1))
    return sum(1 for number in range(1, last + 1) if number not in there)


def repeats(numbers: Sequence[int]) -> int:
    """Count those that came more than once."""
    return len(numbers) - len(set(numbers))
