"""What a long run says: how to run a failure again, and a report in its place."""

from __future__ import annotations

from pathlib import Path

from tests.faults.long import NUMBERS, PARTS
from tests.faults.report import BEGIN, CHECKED, END, PAGE, WHAT, report, write
from tests.faults.tally import Tally, attempt


def _fails() -> None:
    raise AssertionError("one event is missing")


def test_what_breaks_is_told_with_the_command_that_runs_it_again() -> None:
    tally, said = Tally("network"), list[str]()
    attempt(tally, 7, said.append, _fails)
    assert tally.broken == said
    (told,) = said
    assert told.startswith("network 7: one event is missing (test_report.py:")
    assert told.endswith("\nagain: python -m tests.faults --network 1 --seed 7")


def test_a_report_counts_stretches_together_and_takes_only_its_own_place(tmp_path: Path) -> None:
    first, second = Tally("kernels"), Tally("kernels")
    first.ran(1, 10, 10, 0.5)
    first.saw("SIGKILL")
    second.ran(2, 5, 5, 1.5)
    second.saw("SIGKILL", 2)
    first.merge(second)
    text = report({"kernels": first}, "make faults")
    assert "| kernels killed | 2 | 15 | 15 | 0 | 0 | 0 | 1.00 / 1.49 / 1.50 | 1-2 |" in text
    assert "3 x SIGKILL" in text
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write(text, page)
    write(text, page)
    assert page.read_text() == f"before\n{BEGIN}\n\n{text}\n\n{END}\nafter\n"


def test_every_part_has_a_number_a_name_and_what_it_checks() -> None:
    assert set(PARTS) == set(NUMBERS) == set(WHAT) == set(CHECKED)


def test_the_page_has_one_place_for_the_report() -> None:
    page = PAGE.read_text()
    assert (page.count(BEGIN), page.count(END)) == (1, 1)
    assert page.index(BEGIN) < page.index(END)
