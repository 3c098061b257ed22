"""What is missing in several places in the same way."""

from __future__ import annotations

from tests.captured.case import Gap, Held, Place
from tests.captured.reasons import PAST_PYTHON

Gaps = dict[Place, Gap]


def past_python(*lines: str) -> Gaps:
    """Only *lines* are kept where the descriptors of the process are not read."""
    return {place: Gap(PAST_PYTHON, Held(lines)) for place in ("thread", "process")}
