"""The delivery path holds its promises in every run."""

from __future__ import annotations

import pytest

from .machine import Delivery
from .runs import RUNS, plan, run


@pytest.mark.timeout(60 + RUNS * 0.2)
def test_everything_emitted_reaches_every_reader_once_and_in_order() -> None:
    run(Delivery, plan())
