"""Specification and environment that a child process is started with."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ...system.interpreter import caller_path, program_start_environment
from ...system.process_table import STARTED_BY
from ...system.start import CALLERS_PATH

PARENT_ENDED = "the process that started it ended"
"""The reason of the interruption of a child whose parent is gone."""

STOPPED = 3
"""Exit status of a child whose attempt was asked to stop: what it has started ends with it."""


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """The first line that a child reads. ``report`` is a descriptor, ``parent`` a pid.

    ``timeout`` and ``grace`` are seconds; ``cells`` are `Cell` as JSON. ``output``: the descriptors of two
    pipes for its output, to read from and to write to; ``overflow``: that of their `Overflow`. ``size`` bytes
    follow it: the pickled function and its arguments.
    """

    task: str
    attempt: int
    name: str
    timeout: float | None
    grace: float
    report: int
    parent: int
    size: int
    cells: list[dict[str, Any]]
    output: Sequence[Sequence[int]]
    overflow: int

    def encode(self) -> bytes:
        return json.dumps(asdict(self)).encode() + b"\n"


def child_environment(producer: str, journal: str) -> dict[str, str]:
    """Return the environment of a process that is *producer* of *journal* and imports what this one can."""
    names = {"JUPYTER_AGENT_PRODUCER": producer, "JUPYTER_AGENT_JOURNAL": journal, "PYTHONUNBUFFERED": "1"}
    names[STARTED_BY] = producer
    own = os.environ.get(CALLERS_PATH, os.environ.get("PYTHONPATH", ""))
    return program_start_environment(os.environ | names | {CALLERS_PATH: own, "PYTHONPATH": caller_path()})
