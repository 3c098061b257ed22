"""Words that the documentation no longer uses, because a reader has to guess what they mean here."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
RETIRED = re.compile(
    r"\b(doors?|desk|take[ns]? in|taking in|doomed|breathes?|lanes?|parked|lasts"
    r"|somebody|nobody|whoever|anybody|everybody|seldom)\b",
    re.IGNORECASE,
)
_CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", re.MULTILINE | re.DOTALL)


def prose(page: Path) -> str:
    """Return the page without its code."""
    return _CODE.sub("", page.read_text())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_uses_no_retired_word(page: Path) -> None:
    assert not RETIRED.findall(prose(page))


def test_a_retired_word_is_noticed_and_code_is_not_prose(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("Nobody knows `the door`.\n\n```text\na desk\n```\n\nIt lasts.\n")
    assert RETIRED.findall(prose(page)) == ["Nobody", "lasts"]
