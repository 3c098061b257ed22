"""What a saved notebook says of tasks as text: what stays true, at the same width for every row."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from jupyter_agent.core.events import TaskState
from jupyter_agent.core.task import Task
from jupyter_agent.rendering.formats import moment
from jupyter_agent.rendering.summary import columns_of, saved_line, text_table
from tests.support.builders import TASK

CASES = json.loads((Path(__file__).parents[2] / "formats.json").read_text(encoding="utf-8"))["saved"]
ID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


@pytest.mark.parametrize(("fields", "text"), CASES)
def test_a_card_says_how_its_task_ended_and_before_that_its_name_only(
    fields: dict[str, Any], text: str
) -> None:
    assert saved_line(msgspec.convert({"id": ID, **fields}, Task)) == text


def test_a_table_says_of_which_moment_it_is() -> None:
    tasks = [
        Task(ID, name="fit", state=TaskState.COMPLETED, started=2, ended=190),
        Task(TASK, name="a long\nname", state=TaskState.RUNNING, started=2, updated=14.4),
    ]
    assert text_table(tasks, 1000.0).splitlines() == [
        f"As of {moment(1000.0)} {time.strftime('%Z', time.localtime(1000.0))}",
        "Task         State      Duration  Id",
        "fit          completed  3m 08s    9G5FAV",
        f"a long name  running    12s       {TASK[-6:]}",
    ]
    assert text_table([], 1000.0) == "No tasks."


def test_a_table_has_keys_and_tags_where_there_are_any() -> None:
    assert list(columns_of([Task(ID, name="fit")])) == ["Task", "State", "Duration", "Id"]
    with_both = [Task(ID, name="fit", key="k", tags=("a", "b")), Task(TASK, name="fit")]
    assert columns_of(with_both)["Tags"] == ["a, b", ""]
    assert columns_of(with_both)["Key"] == ["k", ""]
