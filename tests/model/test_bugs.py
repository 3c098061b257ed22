"""Known bugs, planted: the same machine has to find each of them within its standard number of runs."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any
from unittest.mock import patch

import pytest

from jupyter_agent.journal.transaction import Transaction

from .bugs import Bug
from .machine import Delivery
from .runs import plan, run

STANDARD = 2000
"""Runs, whatever ``MODEL_RUNS`` says."""


def planted(bug: Bug) -> AbstractContextManager[Any]:
    """What has to be changed outside the model while *bug* is there."""
    if bug is Bug.LOST_UNSAID:
        return patch.object(Transaction, "_lost", lambda *_: None)
    return nullcontext()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("bug", Bug, ids=lambda bug: bug.name.lower().replace("_", "-"))
def test_a_planted_bug_is_found(bug: Bug, record_property: Any) -> None:
    runs = 0

    class Broken(Delivery):
        def __init__(self) -> None:
            nonlocal runs
            runs += 1
            super().__init__(bug)

    with planted(bug), pytest.raises(AssertionError) as found:
        run(Broken, plan(STANDARD, shrink=False))
    record_property("runs", runs)
    print(f"{bug.name}: found within {runs} runs: {str(found.value).splitlines()[0][:100]}")
