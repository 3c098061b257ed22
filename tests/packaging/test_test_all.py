"""`make test-all`: which Pythons it finds, whose turn it is, and the numbers in its table."""

from __future__ import annotations

import argparse
import os
import select
import sys
from pathlib import Path

import pytest

from tests.support.source_trees import ROOT, tools

test_all, pythons = tools("test_all"), tools("pythons")
RUNNING = "{}.{}".format(*sys.version_info[:2])
REPORT = """<testsuites>
<testsuite name="pytest" errors="1" failures="2" skipped="3" tests="10" time="2.5"/>
</testsuites>"""
LIMITS = (0.5, 5, 50)
"""Seconds; the next is tried if a busy machine could not even begin the program in the one before."""
FAKE_PYTHON = """#!/bin/sh
for word; do case $word in --junit-xml=*) report=${word#*=}; esac; done
trap 'echo "$REPORT" > "$report"; exit 2' INT
echo > "$BEGUN"
while :; do sleep 0.05; done
"""


def test_the_pythons_are_those_of_the_classifiers() -> None:
    assert pythons.claimed((ROOT / "pyproject.toml").read_text("utf-8")) == ["3.11", "3.12", "3.13"]


def test_an_interpreter_of_pyenv_is_found_and_one_that_does_not_run_is_not(tmp_path: Path) -> None:
    for folder, target in ((f"{RUNNING}.99", Path(sys.executable)), ("3.98.0", Path("/bin/false"))):
        (tmp_path / folder / "bin").mkdir(parents=True)
        (tmp_path / folder / "bin" / "python").symlink_to(target)
    assert set(pythons.found([RUNNING, "3.98", "3.99"], tmp_path)) == {RUNNING}


def test_the_commit_chooses_one_of_the_other_pythons() -> None:
    machine = {"3.11": "a", "3.12": "b", "3.13": "c"}
    turns = [test_all.in_turn(machine, f"{commit:040x}", "3.11") for commit in (0, 1 << 112, 2 << 112)]
    assert turns == ["3.12", "3.13", "3.12"]
    assert test_all.in_turn({"3.11": "a"}, "f" * 40, "3.11") is None


def test_the_table_counts_errors_as_failures() -> None:
    assert test_all.counts([REPORT]) == {"passed": 4, "failed": 3, "skipped": 3, "seconds": 2.5}


def test_a_report_of_many_tests_has_a_name_that_file_systems_take() -> None:
    many = [f"tests/integration/test_{number}.py" for number in range(40)]
    names = {
        test_all.report_name(many),
        test_all.report_name(many[:-1]),
        test_all.report_name(["tests/unit"]),
    }
    assert len(names) == 3
    assert "tests-unit.xml" in names
    assert all(len(name) < 255 and name.endswith(".xml") for name in names)


def test_a_row_adds_up_the_parts_that_were_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(test_all, "ENVIRONMENTS", tmp_path)
    for name in (
        "3.98-lowest/tests-unit.xml",
        "3.98-lowest/tests-contract.xml",
        "3.98-newest/tests-unit.xml",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(REPORT)
    nothing = argparse.Namespace(dependencies=None, keep=True)
    assert [str(row).split() for row in test_all.rows_of_all(nothing, {})] == [
        ["3.98", "newest", "4", "3", "3", "2"],
        ["3.98", "lowest", "8", "6", "6", "5"],
    ]


def test_tests_that_take_too_long_are_counted_as_far_as_they_came(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(test_all, "ENVIRONMENTS", tmp_path)
    monkeypatch.setenv("REPORT", REPORT)
    monkeypatch.setenv("BEGUN", str(tmp_path / "begun"))
    python = tmp_path / "3.98-newest" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(FAKE_PYTHON)
    python.chmod(0o755)
    for limit in LIMITS:
        row = test_all.run("3.98", "newest", ["tests/unit"], limit)
        if (tmp_path / "begun").exists():
            break
    assert (row.passed, row.failed, row.problem) == (4, 3, f"not finished in {limit:.0f} s")


def test_tests_that_cannot_be_interrupted_are_killed_with_what_they_started(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "held")
    held = os.open(tmp_path / "held", os.O_RDONLY | os.O_NONBLOCK)
    program = f"trap '' INT; (echo begun; exec sleep 600) > '{tmp_path}/held' & wait"
    for limit in LIMITS:
        assert test_all.ended(["sh", "-c", program], limit, grace=0) is None
        if os.read(held, 100) == b"begun\n":
            break
    else:
        pytest.fail("the program never began")
    assert select.select([held], [], [], 20)[0], "the child still has it open"
    os.close(held)
    assert test_all.ended([sys.executable, "-c", "raise SystemExit(3)"], None) == 3
