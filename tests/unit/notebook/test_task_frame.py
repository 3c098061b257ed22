"""`tasks().to_frame()`: the tasks as a pandas DataFrame."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pandas as pd  # type: ignore[import-untyped]
import pytest

import jupyter_agent as ja
from jupyter_agent.core.events import TaskState
from jupyter_agent.core.snapshots import MetricPoint
from jupyter_agent.core.task import Task
from jupyter_agent.notebook.display.frame import frame_of
from jupyter_agent.notebook.task_list import TaskList
from tests.support.runtime import own_producer, run_script  # noqa: F401

SWEEP = """
import jupyter_agent as ja

@ja.task
def fit(lr, layers=2):
    for step, value in enumerate((3.0, 1.0, 2.0)):
        ja.current().metric("train/loss", value * lr, step)

for lr in (1.0, 0.5):
    fit.submit(lr).wait()
"""


def test_a_sweep_is_a_table_of_parameters_and_metrics(tmp_path: Path) -> None:
    run_script(tmp_path, SWEEP)
    frame = ja.tasks(name="fit").to_frame()
    assert list(frame.columns) == [
        *("id", "name", "kind", "state", "queued", "started", "ended", "duration"),
        *("params.lr", "params.layers"),
        *("metrics.train/loss.last", "metrics.train/loss.min", "metrics.train/loss.max"),
    ]
    assert frame["params.lr"].tolist() == [0.5, 1.0]
    assert frame["metrics.train/loss.min"].tolist() == [0.5, 1.0]
    assert frame["metrics.train/loss.max"].tolist() == [1.5, 3.0]
    assert frame["metrics.train/loss.last"].tolist() == [1.0, 2.0]
    assert set(frame["kind"]) == {"function"}
    assert (frame["ended"] - frame["started"]).dt.total_seconds().tolist() == pytest.approx(
        frame["duration"].tolist(), abs=1e-3
    )


def test_tasks_of_this_process_and_parts_of_a_list_have_frames_too() -> None:
    def work(n: int) -> None:
        ja.current().metric("n", n)

    for n in range(3):
        ja.task(work).submit(n).wait(10)
    frame = ja.tasks()[:2].to_frame()
    assert frame["params.n"].tolist() == [2, 1]
    assert frame["metrics.n.last"].tolist() == [2.0, 1.0]


def task(**fields: Any) -> Task:
    return Task("01JTASK00000000000000000AA", **fields)


def test_what_a_task_does_not_have_is_missing_and_a_running_one_lasts_until_now() -> None:
    first = task(params={"lr": "3e-4", "mixed": "1", "big": "True"}, metrics={"acc": MetricPoint(None, 1)})
    second = task(state=TaskState.RUNNING, started=100.0, params={"mixed": "adam", "big": "False"})
    frame = frame_of([first, second], now=160.0)
    assert frame["params.lr"][0] == 3e-4
    assert pd.isna(frame["params.lr"][1])
    assert frame["params.mixed"].tolist() == ["1", "adam"]
    assert frame["params.big"].tolist() == [True, False]
    assert frame["duration"].isna().tolist() == [True, False]
    assert frame["duration"][1] == 60.0
    assert frame["metrics.acc.min"].isna().all()
    assert isinstance(frame["started"].dtype, pd.DatetimeTZDtype)
    assert frame["ended"].isna().all()


def test_no_tasks_have_the_columns_that_every_task_has() -> None:
    frame = TaskList().to_frame()
    assert len(frame) == 0
    assert list(frame.columns)[:4] == ["id", "name", "kind", "state"]


def test_without_pandas_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"to_frame\(\) needs pandas.*%pip install pandas"):
        TaskList().to_frame()


def test_nothing_else_imports_pandas(tmp_path: Path) -> None:
    run_script(
        tmp_path, "import sys\nimport jupyter_agent as ja\nja.tasks()\nassert 'pandas' not in sys.modules\n"
    )
