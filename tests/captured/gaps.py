"""What is missing in several places in the same way."""

from __future__ import annotations

from dataclasses import replace

from tests.captured.case import PLACES, Gap, Held, Place, Reason
from tests.captured.reasons import AS_TEXT, BY_IPYTHON, PAST_PYTHON

Gaps = dict[Place, Gap]


def past_python(*lines: str) -> Gaps:
    """Only *lines* are kept where the descriptors of the process are not read."""
    return {place: Gap(PAST_PYTHON, Held(lines)) for place in ("thread", "process")}


def everywhere(why: Reason, held: Held) -> Gaps:
    """The lines of *held* have control codes, in each place."""
    return {place: Gap(why, replace(held, codes=True)) for place in PLACES}


def in_workers(why: Reason, held: Held) -> Gaps:
    """The lines of *held* have control codes outside a kernel."""
    return {place: Gap(why, replace(held, codes=True)) for place in ("process", "detached")}


def by_ipython(*lines: str) -> Gaps:
    """A display is lost in a kernel, and *lines* of text outside."""
    text = Gap(AS_TEXT, Held(lines))
    return {"thread": Gap(BY_IPYTHON, Held()), "process": text, "detached": text}
