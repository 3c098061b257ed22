"""How many runs, which ones, and how to run a machine."""

from __future__ import annotations

import os

import hypothesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from .machine import Delivery

RUNS = int(os.environ.get("MODEL_RUNS", "2000"))
SEED = os.environ.get("MODEL_SEED")
STEPS = 50


def plan(runs: int = RUNS, *, shrink: bool = True) -> settings:
    """The same runs each time, unless ``MODEL_SEED`` asks for others."""
    return settings(
        max_examples=runs,
        stateful_step_count=STEPS,
        deadline=None,
        derandomize=SEED is None,
        database=None,
        phases=(Phase.generate, Phase.shrink) if shrink else (Phase.generate,),
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )


def run(machine: type[Delivery], how: settings) -> None:
    """Make the runs that *how* says; raises what the first bad one ends with, and prints its steps."""
    if SEED is not None:
        machine = hypothesis.seed(int(SEED))(machine)
    run_state_machine_as_test(machine, settings=how)
