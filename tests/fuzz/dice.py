"""The source of a target's randomness: a seed, hypothesis, or a coverage-guided fuzzer's bytes."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")
MAX_KEPT = 64
"""Maximum number of inputs kept, the newest, to be shown after a find."""


class Dice:
    """Draws, and remembers what was fed to the code under test."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.fed: list[bytes] = []

    def chance(self, probability: float) -> bool:
        """True in that share of the throws."""
        return self.random.random() < probability

    def upto(self, most: int) -> int:
        """A whole number from 0 to *most*, both included."""
        return self.random.randint(0, most)

    def pick(self, some: Sequence[T]) -> T:
        """One of them."""
        return some[self.random.randint(0, len(some) - 1)]

    def junk(self, most: int) -> bytes:
        """At most so many bytes of anything."""
        return bytes(self.random.randint(0, 255) for _ in range(self.upto(most)))

    def feed(self, data: bytes | str) -> bytes:
        """Note *data* as an input, and hand it on as bytes."""
        raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
        self.fed.append(raw)
        del self.fed[:-MAX_KEPT]
        return raw


class ByteRandom(Random):
    """A `Random` whose every draw is the next of some bytes, and 0 when they are used up."""

    def __init__(self, data: bytes) -> None:
        super().__init__(0)
        self._data = memoryview(data)

    def random(self) -> float:
        """From two bytes."""
        return self.getrandbits(16) / 65536

    def getrandbits(self, k: int) -> int:
        """From as few bytes as hold *k* bits."""
        count = (k + 7) // 8
        taken, self._data = bytes(self._data[:count]), self._data[count:]
        return int.from_bytes(taken.ljust(count, b"\0"), "big") >> (8 * count - k)

    def randint(self, a: int, b: int) -> int:
        """Draw without rejection, which would waste bytes."""
        span = b - a + 1
        return a + self.getrandbits(span.bit_length() + 8) % span
