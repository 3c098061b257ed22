"""What is missing in several places in the same way."""

from __future__ import annotations

from tests.captured.case import Gap, Held, Place
from tests.captured.reasons import PAST_PYTHON

Gaps = dict[Place, Gap]


def past_python(*lines: str) -> Gaps:
    """Only *lines* are kept in a kernel, where the descriptors belong to all cells and tasks."""
    return {"thread": Gap(PAST_PYTHON, Held(lines))}
