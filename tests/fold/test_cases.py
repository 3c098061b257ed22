"""The table of folds that the core and the front-end must both satisfy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from jupyter_agent.core.events import decode_event
from jupyter_agent.core.task import fold

CASES: list[dict[str, Any]] = json.loads(Path(__file__).with_name("cases.json").read_text("utf-8"))
TASK = "01JTASK00000000000000000AA"


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_story_folds_to_its_snapshot(case: dict[str, Any]) -> None:
    task = fold(TASK, [decode_event(json.dumps(event).encode()) for event in case["events"]])
    assert msgspec.json.decode(msgspec.json.encode(task)) == case["snapshot"]
