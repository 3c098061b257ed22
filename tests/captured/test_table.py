"""The page *What is captured* has the table of the cases, and the cases are people's own code."""

from __future__ import annotations

from tests.captured.case import Held
from tests.captured.cases import CASES
from tests.captured.compare import missing
from tests.captured.table import BEGIN, END, PAGE, block_of, table


def test_the_page_has_the_table_of_these_cases() -> None:
    page = PAGE.read_text()
    assert (page.count(BEGIN), page.count(END)) == (1, 1)
    assert block_of(page) == table(), "the page is stale: run `python -m tests.captured`"


def test_names_are_unique_and_code_has_no_line_of_ours() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    assert not [case.name for case in CASES if "jupyter_agent" in case.code or "ja." in case.code]


def test_a_line_too_many_or_too_few_is_noticed() -> None:
    held = Held(("a", "b+"))
    assert missing(["a", "bb"], held, any_order=False) == []
    assert missing(["bb", "a"], held, any_order=True) == []
    assert missing(["a", "bb", "bb"], held, any_order=False)
    assert missing(["a", "bb", "bb"], held, any_order=True) == ["bb"]
    assert missing(["a"], held, any_order=True) == ["b+"]
    assert missing(["bb", "a"], held, any_order=False)
    late = Held(("a",), late="b")
    assert missing(["a"], late, any_order=False) == missing(["a", "b"], late, any_order=False) == []
    assert missing(["a", "b", "b"], late, any_order=False)
