"""Tasks as a pandas DataFrame, one row for each; pandas is imported here only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...core.task import Task

_TIMES = ("queued", "started", "ended")
_WORDS = {"True": True, "False": False}


def frame_of(tasks: Iterable[Task], now: float) -> Any:
    """Return a ``pandas.DataFrame``; *now*, in Unix seconds, ends the durations of running tasks.

    Raises `ImportError` without pandas.
    """
    try:
        import pandas as pd  # type: ignore[import-untyped]
    except ImportError as error:
        raise ImportError(
            "to_frame() needs pandas, which is not installed here; install it with %pip install pandas"
        ) from error
    rows = list(tasks)
    frame = pd.DataFrame([_about(task, now) for task in rows], columns=[*_about(Task(""), now)])
    for name in _TIMES:
        frame[name] = pd.to_datetime(frame[name], unit="s", utc=True, errors="coerce")
    params = {name: None for task in rows for name in task.params}
    columns = {f"params.{name}": _param([task.params.get(name) for task in rows], pd) for name in params}
    for metric in {name: None for task in rows for name in task.metrics}:
        points = [task.metrics.get(metric) for task in rows]
        for word, field in (("last", "value"), ("min", "min"), ("max", "max")):
            values = [None if point is None else point[field] for point in points]
            columns[f"metrics.{metric}.{word}"] = pd.Series(values, dtype="float64")
    return pd.concat([frame, pd.DataFrame(columns, index=frame.index)], axis=1)


def _about(task: Task, now: float) -> dict[str, Any]:
    duration = None if task.started is None else max(0.0, (task.ended or now) - task.started)
    return {
        "id": task.id,
        "name": task.name,
        "kind": task.kind,
        "state": task.state.value,
        "queued": task.queued,
        "started": task.started,
        "ended": task.ended,
        "duration": duration,
    }


def _param(texts: list[str | None], pd: Any) -> Any:
    """Return a column of numbers or of truth values where all texts are some; of texts otherwise."""
    known = [text for text in texts if text is not None]
    if all(text in _WORDS for text in known):
        return pd.Series(
            [None if text is None else _WORDS[text] for text in texts], dtype="object"
        ).infer_objects()
    column = pd.Series(texts, dtype="object")
    numbers = pd.to_numeric(column, errors="coerce")
    is_numeric = bool((numbers.notna() | column.isna() | (column == "nan")).all())
    return numbers if is_numeric else column
