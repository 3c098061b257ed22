"""Paths that the guides for contributors name exist, and decisions are complete."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "jupyter_agent"
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
_QUOTED = re.compile(r"`([\w.-]+(?:/[\w.-]*)+)`")
_LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
ROWS = re.findall(r"^\| \d\..+\|$", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE)
BUILT = ("static/", "labextension/")
"""Folders that a build creates and a fresh checkout does not have."""


def paths_in(page: Path) -> set[str]:
    """Return the words in backticks that have a slash and only characters of paths."""
    return {path for path in _QUOTED.findall(page.read_text()) if not path.startswith(BUILT)}


def test_every_path_in_the_guide_for_contributors_exists() -> None:
    named = paths_in(ROOT / "CONTRIBUTING.md")
    assert len(named) > 30
    missing = sorted(path for path in named if not (ROOT / path).exists())
    assert not missing, f"CONTRIBUTING.md names {missing}"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip()[:40])
def test_the_names_of_a_step_are_in_the_files_of_that_step(row: str) -> None:
    step, files = row.strip("| ").rsplit("|", 1)
    paths = [*_QUOTED.findall(files), *_QUOTED.findall(step)]
    text = "".join(_source(ROOT / path) for path in paths)
    names = re.findall(r"`(?:\w+\.)*(\w+)`", _QUOTED.sub("", step))
    assert not [name for name in names if not re.search(rf"\b{name}\b", text)]


def _source(path: Path) -> str:
    if path.is_file():
        return path.read_text()
    return "".join(file.read_text() for file in sorted(path.rglob("*.py")))


def test_every_path_in_the_architecture_exists() -> None:
    named = paths_in(ROOT / "docs" / "explanation" / "architecture.md")
    places = (PACKAGE, PACKAGE / "server", PACKAGE / "frontend", PACKAGE / "frontend" / "src")
    missing = sorted(path for path in named if not any((place / path).exists() for place in places))
    assert not missing, f"docs/explanation/architecture.md names {missing}"


def test_every_test_that_a_guarantee_names_exists() -> None:
    page = (ROOT / "docs" / "explanation" / "guarantees.md").read_text()
    named = set(re.findall(r"\btests/[\w/.]*\w", page))
    assert len(named) > 8
    assert not sorted(path for path in named if not (ROOT / path).exists())


def test_a_path_that_does_not_exist_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("See `core/task.py`, `no/such.py`, `<task>/x` and `a b/c`.")
    assert paths_in(page) == {"core/task.py", "no/such.py"}


@pytest.mark.parametrize("page", sorted(ROOT.glob("*.md")), ids=lambda page: page.name)
def test_every_link_to_a_file_of_the_repository_leads_somewhere(page: Path) -> None:
    missing = [target for target in _LINK.findall(page.read_text()) if not (ROOT / target).exists()]
    assert not missing


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_a_decision_is_dated_and_has_its_three_sections(page: Path) -> None:
    text = page.read_text()
    assert re.match(r"# .+\n\n\d{4}-\d\d-\d\d\n", text)
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"]


def test_decisions_are_numbered_without_gaps_and_are_on_the_index_page() -> None:
    index = (ROOT / "docs" / "decisions" / "index.md").read_text()
    assert [int(page.name[:4]) for page in DECISIONS] == list(range(1, len(DECISIONS) + 1))
    assert not [page.stem for page in DECISIONS if f"\n{page.stem}\n" not in index]
