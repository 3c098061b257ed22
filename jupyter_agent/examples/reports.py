"""Reports of the example agent, as Markdown."""

from __future__ import annotations

from typing import Any

ENDINGS = {"python": "py", "notebook": "ipynb", "text": "txt", "markdown": "md", "json": "json", "csv": "csv"}
"""File endings by the names that people use."""

Found = tuple[str, Any]
"""A path with the result of a tool, or with the exception that the tool raised."""


def summary(found: list[Found]) -> str:
    """Describe the columns of each table."""
    return "\n\n".join(_table(path, facts) for path, facts in found)


def rows(found: list[Found]) -> str:
    """List the number of rows of each table, and of all together."""
    lines = [
        f"- `{path}`: {_refused(n) if isinstance(n, Exception) else _count(n, 'row')}" for path, n in found
    ]
    counted = [n for _, n in found if not isinstance(n, Exception)]
    total = [f"\nTogether: **{_count(sum(counted), 'row')}**."] if len(counted) > 1 else []
    return "\n".join(lines + total)


def files(found: list[str], pattern: str) -> str:
    """List the files that match *pattern*."""
    if not found:
        return f"There are no files `{pattern}`."
    return "\n".join([f"{_count(len(found), 'file')}:", "", *(f"- `{path}`" for path in found)])


def places(text: str, found: list[str]) -> str:
    """List the places where a text was found."""
    if not found:
        return f"`{text}` is in none of the files."
    return "\n".join(
        [f"`{text}` is in {_count(len(found), 'line')}:", "", *(f"- `{place}`" for place in found)]
    )


def text(path: str, content: str) -> str:
    """Show the beginning of a file."""
    return f"The beginning of `{path}`:\n\n```\n{content.rstrip()}\n```"


def number(value: float) -> str:
    """Format a number: whole numbers in full, others with six significant digits."""
    if isinstance(value, float) and not (value.is_integer() and abs(value) < 1e15):
        return f"{value:.6g}"
    return f"{int(value):,}" if abs(value) < 1e15 else str(value)


def _table(path: str, facts: Any) -> str:
    if isinstance(facts, Exception):
        return f"**`{path}`**: {_refused(facts)}"
    head = f"**`{path}`**: {_count(facts['rows'], 'row')}, {_count(len(facts['columns']), 'column')}\n"
    lines = [
        f"| {_cell(column['name'])} | {column['missing']} | {_facts(column)} |" for column in facts["columns"]
    ]
    return "\n".join([head, "| column | missing | what is in it |", "|---|---|---|", *lines])


def _facts(column: dict[str, Any]) -> str:
    if column["kind"] == "empty":
        return "nothing"
    if column["kind"] == "number":
        figures = {word: number(column[word]) for word in ("min", "max", "mean", "median", "stdev")}
        return (
            f"{figures['min']} to {figures['max']}, mean {figures['mean']}, median {figures['median']}, "
            f"standard deviation {figures['stdev']}"
        )
    common = ", ".join(f"{_cell(value)} ({count})" for value, count in column["common"])
    return f"{_count(column['distinct'], 'text')}; most often {common}"


def _cell(value: str) -> str:
    return value[:60].replace("|", "\\|").replace("\n", " ")


def _refused(error: Exception) -> str:
    return f"could not be read ({error})"


def _count(n: int, word: str) -> str:
    return f"{n:,} {word}{'' if n == 1 else 's'}"
