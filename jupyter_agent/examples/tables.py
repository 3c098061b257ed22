"""Contents and statistics of CSV files, with the standard library only."""

from __future__ import annotations

import csv
import math
import statistics
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

import jupyter_agent as ja

CHECK_EVERY = 1000
"""Rows between two checks whether the task was cancelled."""

SAMPLE = 8192
"""Characters from which the delimiter is guessed."""

MAX_COMMON = 3
EMPTY = {"", "na", "nan", "n/a", "null", "none"}


class TableError(Exception):
    """A file is not a table, or has no such column or statistic."""


STATISTICS: dict[str, Callable[[Sequence[float]], float]] = {
    "mean": statistics.fmean, "median": statistics.median, "sum": math.fsum, "min": min, "max": max,
    "stdev": lambda values: statistics.stdev(values) if len(values) > 1 else 0.0,
}  # fmt: skip


def count_rows(path: Path) -> int:
    """Return the number of rows below the header."""
    return sum(1 for _ in _rows(path)) - 1


def describe(path: Path, name: str) -> dict[str, Any]:
    """Return the number of rows, and for each column statistics or the most common texts."""
    header, columns, rows = _read(path)
    described = [_column(title, values) for title, values in zip(header, columns, strict=True)]
    return {"path": name, "rows": rows, "columns": described}


def statistic(path: Path, column: str, word: str) -> float | int:
    """Return one statistic of a column. Raises `TableError`, which names what the file has instead."""
    header, columns, _ = _read(path)
    wanted = [index for index, title in enumerate(header) if title.lower() == column.strip().lower()]
    if not wanted:
        raise TableError(f"{path.name} has no column {column!r}; it has {', '.join(header)}")
    values = columns[wanted[0]]
    present = [value for value in values if not _is_missing(value)]
    counts = {"count": len(present), "missing": len(values) - len(present), "distinct": len(set(present))}
    if word in counts:
        return counts[word]
    if word not in STATISTICS:
        raise TableError(f"there is no statistic {word!r}; use one of {', '.join([*STATISTICS, *counts])}")
    numbers = _numbers(present)
    if not numbers:
        raise TableError(f"the column {column!r} of {path.name} has no numbers")
    return STATISTICS[word](numbers)


def _read(path: Path) -> tuple[list[str], list[list[str]], int]:
    """Return header, columns and the number of rows."""
    rows = _rows(path)
    header = next(rows)
    titles = [title.strip() or f"column {number}" for number, title in enumerate(header, 1)]
    columns: list[list[str]] = [[] for _ in titles]
    count = 0
    for count, row in enumerate(rows, 1):  # noqa: B007 - the count is used below
        for values, value in zip_longest(columns, row[: len(columns)], fillvalue=""):
            values.append(value.strip())  # type: ignore[union-attr]
    return titles, columns, count


def _rows(path: Path) -> Iterator[list[str]]:
    """Yield the header and every row with content. Raises `TableError` for a file that is not a table."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            sample = file.read(SAMPLE)
            file.seek(0)
            reader = csv.reader(file, delimiter=_delimiter(sample))
            number = -1
            for number, row in enumerate(row for row in reader if any(map(str.strip, row))):
                if number % CHECK_EVERY == 0:
                    ja.current().raise_if_cancelled()
                yield row
            if number < 0:
                raise TableError(f"{path.name} is empty")
    except (csv.Error, UnicodeDecodeError) as error:
        raise TableError(f"{path.name} is no CSV file: {error}") from None


def _delimiter(sample: str) -> str:
    first = sample.split("\n", 1)[0]
    return max(",;\t|", key=first.count)


def _column(title: str, values: list[str]) -> dict[str, Any]:
    present = [value for value in values if not _is_missing(value)]
    facts: dict[str, Any] = {"name": title, "missing": len(values) - len(present)}
    if not present:
        return facts | {"kind": "empty"}
    numbers = _numbers(present)
    if numbers:
        return facts | {"kind": "number"} | {word: figure(numbers) for word, figure in STATISTICS.items()}
    common = Counter(present)
    return facts | {"kind": "text", "distinct": len(common), "common": common.most_common(MAX_COMMON)}


def _numbers(present: list[str]) -> list[float]:
    """Return all values as numbers; none, unless all are finite numbers."""
    try:
        numbers = [float(value) for value in present]
    except ValueError:
        return []
    return numbers if all(map(math.isfinite, numbers)) else []


def _is_missing(value: str) -> bool:
    return value.lower() in EMPTY
