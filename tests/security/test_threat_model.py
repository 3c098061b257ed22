"""The page about threats names existing tests, and each of its claims names one."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "explanation" / "threat-model.md").read_text()
TESTS = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))


def test_every_test_that_the_page_names_is_there() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert len(named) > 50
    assert named <= set(re.findall(r"^def (test_\w+)\(", TESTS, re.MULTILINE))


def test_every_claim_in_a_table_names_its_test() -> None:
    tested = [table for table in re.findall(r"(?:^\|.*\n)+", PAGE, re.MULTILINE) if "tested by" in table]
    assert len(tested) >= 7
    for table in tested:
        for row in table.splitlines()[2:]:
            assert re.search(r"\| `test_\w+`[^|]*\|$", row), row
