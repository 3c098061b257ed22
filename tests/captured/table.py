"""The cases as a table in Markdown, and its place in the documentation."""

from __future__ import annotations

import textwrap
from dataclasses import replace
from pathlib import Path

from tests.captured.case import PLACES, Case, Place, Reason
from tests.captured.cases import CASES

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "what-is-captured.md"
BEGIN, END = "<!-- captured: begin -->", "<!-- captured: end -->"
NOTHING = "-"
WIDTH = 140
"""Characters of a line of the documentation."""


def table(cases: tuple[Case, ...] = CASES) -> str:
    """Return the table, and below it a paragraph for each reason why something is missing."""
    lines = ["| library | code |" + "".join(f" {place}: log | progress |" for place in PLACES)]
    lines.append("|---|---|" + "---|---|" * len(PLACES))
    lines += [_row(case) for case in cases]
    reasons = dict.fromkeys(gap.why for case in cases for gap in case.gaps.values() if gap.why)
    for reason in reasons:
        lines += ["", f"## {reason.heading}", "", textwrap.fill(" ".join(reason.text.split()), WIDTH)]
    return "\n".join(lines)


def _row(case: Case) -> str:
    cells = [cell for place in PLACES for cell in (_log_cell(case, place), _progress_cell(case, place))]
    return "| " + " | ".join([case.library, case.form, *cells]) + " |"


def _log_cell(case: Case, place: Place) -> str:
    held, gap = case.held, case.gaps.get(place)
    if gap is not None and replace(gap.held, progress=held.progress) != held:
        return _link(gap.why)
    return "shown" if held.displays else "kept" if held.lines else NOTHING


def _progress_cell(case: Case, place: Place) -> str:
    held, gap = case.held, case.gaps.get(place)
    if gap is not None and gap.held.progress != held.progress:
        return _link(gap.why)
    return "moves" if held.progress else NOTHING


def _link(reason: Reason | None) -> str:
    if reason is None:
        return "kept"
    return f"[{reason.word}](#{reason.heading.lower().replace(' ', '-')})"


def block_of(page: str) -> str:
    """Return what is between the two marks in *page*."""
    return page.partition(BEGIN)[2].partition(END)[0].strip()


def write(text: str, page: Path = PAGE) -> None:
    """Put *text* between the two marks in the page."""
    before, mark, rest = page.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    assert mark, f"{page} has no place for the table"
    assert end, f"{page} has no end of the table"
    page.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")
