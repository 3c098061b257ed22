"""How soon a command arrives where nothing else runs beside it."""

from __future__ import annotations

from pathlib import Path
from time import monotonic

import pytest

from tests.support.builders import until
from tests.support.kernels import execute
from tests.support.servers import Servers

SOON = 1.0
"""Seconds within which a cancel has ended its task, whatever the cell does."""

pytestmark = [pytest.mark.alone, pytest.mark.timeout(60)]

BLOCKED = """
import time, pathlib
import jupyter_agent as ja

@ja.task
def count():
    while True:
        ja.current().raise_if_cancelled()
        time.sleep(0.01)

pathlib.Path({path!r}).write_text(count.submit().id)
time.sleep(60)
"""


def test_a_cancel_beside_a_cell_that_blocks_ends_its_task_at_once(
    fresh: Servers, no_disk: dict[str, str], tmp_path: Path
) -> None:
    house = fresh.start(env=no_disk)
    kernel = house.start_kernel()
    execute(house, kernel, BLOCKED.format(path=str(tmp_path / "task")))
    task = until(lambda: (tmp_path / "task").exists() and (tmp_path / "task").read_text())
    until(lambda: (house.task(task) or {}).get("state") == "running")
    asked = monotonic()
    answer = house.ask(f"tasks/{task}/commands", method="POST", body={"command": "cancel", "args": {}})
    assert answer.status == 202
    until(lambda: house.task(task)["state"] == "cancelled")
    assert monotonic() - asked < SOON
