"""Skills of the rule-based model: each is recognised by words and works with tools."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from . import reports

CAN = (
    "I can list files, summarise CSV files, count their rows, tell the mean, median, sum, minimum, maximum "
    "or standard deviation of a column, search texts, show a file, and calculate."
)
EXAMPLES = ["Summarise the CSV files here", "How many rows do the CSV files have?", "List the files"]
HERE = {"here", "this", "it", "them", "all", "each", "every", "the", "my", "there", "total", "csv", "files"}
"""Words after "in" that are not the name of a folder."""

STATISTICS = {
    "mean": "mean", "average": "mean", "median": "median", "sum": "sum", "total": "sum", "minimum": "min",
    "min": "min", "smallest": "min", "lowest": "min", "maximum": "max", "max": "max", "largest": "max",
    "highest": "max", "biggest": "max", "standard deviation": "stdev", "stdev": "stdev", "std": "stdev",
    "distinct": "distinct", "unique": "distinct", "missing": "missing",
}  # fmt: skip


NAMES = {
    "min": "minimum", "max": "maximum", "stdev": "standard deviation",
    "distinct": "number of distinct values", "missing": "number of missing values",
}  # fmt: skip


class Refused(Exception):
    """A tool call failed; the message is a sentence that says why."""


class Talk(Protocol):
    """The interface of `rules.Talk` for skills."""

    def plan(self, *steps: str) -> None: ...

    def call(self, tool: str, **args: Any) -> Any: ...

    def ask(self, question: str, choices: Sequence[str] = ()) -> str: ...


@dataclass(frozen=True, slots=True)
class Skill:
    """``words``: a regular expression that is searched in the goal; ``run`` returns the report."""

    words: str
    run: Callable[[Talk, str, re.Match[str]], str]


def summarise(talk: Talk, goal: str, _: re.Match[str]) -> str:
    talk.plan("Find the CSV files", "Read each of them", "Report what is in their columns")
    return reports.summary([_try(talk, "describe_csv", path) for path in _tables(talk, goal)])


def count_rows(talk: Talk, goal: str, _: re.Match[str]) -> str:
    talk.plan("Find the CSV files", "Count the rows of each", "Add them up")
    return reports.rows([_try(talk, "count_rows", path) for path in _tables(talk, goal)])


def statistic(talk: Talk, goal: str, found: re.Match[str]) -> str:
    word = STATISTICS[found["what"].lower()]
    name = NAMES.get(word, word)
    talk.plan("Find the CSV files", "Find the column", f"Compute its {name}")
    described = [
        facts
        for path in _tables(talk, goal.replace(found[0], ""))
        if isinstance(facts := _try(talk, "describe_csv", path)[1], dict)
    ]
    path, column = _column(talk, described, found["column"].strip("`'\"“” "))
    value = talk.call("column_statistic", path=path, column=column, statistic=word)
    return f"The {name} of `{column}` in `{path}` is **{reports.number(value)}**."


def list_files(talk: Talk, goal: str, found: re.Match[str]) -> str:
    talk.plan("Look into the folder", "Report what is there")
    kind = (found["kind"] or "").strip(" .*").lower()
    anything = not kind or kind in HERE - {"csv"}
    pattern = "*" if anything else f"*.{reports.ENDINGS.get(kind, kind)}"
    return reports.files(talk.call("list_files", pattern=pattern, folder=_folder(goal)), pattern)


def search(talk: Talk, goal: str, found: re.Match[str]) -> str:
    talk.plan("Search the files", "Report where it is")
    text = found["text"]
    return reports.places(text, talk.call("search_text", text=text, pattern="*", folder=_folder(goal)))


def show(talk: Talk, _: str, found: re.Match[str]) -> str:
    talk.plan("Read the beginning of the file", "Show it")
    return reports.text(found["path"], talk.call("read_text", path=found["path"]))


def calculate(talk: Talk, _: str, found: re.Match[str]) -> str:
    expression = found["expression"].strip(" ?=.")
    percent = re.fullmatch(r"([\d.]+)\s*(?:%|percent) of ([\d.]+)", expression)
    asked = f"{percent[1]} / 100 * {percent[2]}" if percent else expression.replace("^", "**")
    talk.plan("Calculate", "Report the result")
    return f"{expression} = **{reports.number(talk.call('calculate', expression=asked))}**"


def _try(talk: Talk, tool: str, path: str) -> tuple[str, Any]:
    """Return the path with the tool's result, or with the error that the tool raised."""
    try:
        return path, talk.call(tool, path=path)
    except Refused as refused:
        return path, refused


def _tables(talk: Talk, goal: str) -> list[str]:
    """Return the CSV files that the goal names, or those in its folder; ask the user when there are none."""
    if named := re.findall(r"[\w./-]+\.(?:csv|tsv|tab|dat|txt)\b", goal, re.IGNORECASE):
        return list(dict.fromkeys(named))
    found: list[str] = talk.call("list_files", pattern="*.csv", folder=_folder(goal))
    if not found and (folder := talk.ask("I see no CSV files there. In which folder shall I look?")):
        found = talk.call("list_files", pattern="*.csv", folder=folder)
    if not found:
        raise Refused("there are no CSV files")
    return found


def _folder(goal: str) -> str:
    """Return the folder that the goal names; else the working directory."""
    for word in re.findall(
        r"\b(?:in|under|below|inside) (?:the )?(?:folder )?[`'\"]?([\w./-]+)", goal, re.IGNORECASE
    ):
        name = word.rstrip(".")
        if name.lower() not in HERE and not re.search(r"\.\w+$", name):
            return str(name).rstrip("/") or "."
    return "."


def _column(talk: Talk, tables: list[dict[str, Any]], name: str) -> tuple[str, str]:
    """Return the file and the exact name of a column; ask the user when that is ambiguous."""
    for _ in range(2):
        homes = {
            t["path"]: c["name"] for t in tables for c in t["columns"] if c["name"].lower() == name.lower()
        }
        if len(homes) == 1:
            return next(iter(homes.items()))
        if homes:
            path = talk.ask(f"Several files have a column `{name}`. Which one do you mean?", list(homes))
            if path in homes:
                return path, homes[path]
            break
        names = dict.fromkeys(c["name"] for t in tables for c in t["columns"] if c["kind"] == "number")
        name = talk.ask(f"There is no column `{name}`. Which one do you mean?", list(names))
    raise Refused(f"there is no column {name!r}" if name else "I was not told which column")


SKILLS = [
    Skill(r"\bhow many (rows|records|lines|entries)\b|\bcount (the |all )?(rows|records)\b", count_rows),
    Skill(
        rf"\b(?P<what>{'|'.join(sorted(STATISTICS, key=len, reverse=True))})\b(?: values?| number)?"
        r" (?:of|in|for) (?:the )?(?:column )?(?P<column>`[^`]+`|'[^']+'|\"[^\"]+\"|[\w-]+)",
        statistic,
    ),
    Skill(
        r"\b(summari[sz]e|summary|describe|profile|overview|analy[sz]e)\b.*\b(csv|tsv|tables?|data|files?)\b",
        summarise,
    ),
    Skill(r"\b(find|search|grep|where is|look for)\b.*?[`'\"](?P<text>[^`'\"]+)[`'\"]", search),
    Skill(
        r"\b(show|read|print|head of|beginning of|first lines of) (me )?(the )?(file )?`?"
        r"(?P<path>[\w./-]+\.\w+)",
        show,
    ),
    Skill(
        r"\b(list|show|which|what|find)\b(?: me)?(?: all)?(?: the| my)?(?P<kind> [\w*.]+)? files\b",
        list_files,
    ),
    Skill(
        r"(?:\b(?:what is|what's|calculate|compute|how much is|evaluate)\b|^)\s*(?=.*\d)"
        r"(?P<expression>(?:sqrt|abs|round|percent|of|[-+*/^().,%=?\d\s])+)$",
        calculate,
    ),
]
"""In order of priority: the first whose words are in the goal is used."""
