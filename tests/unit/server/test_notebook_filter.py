"""Which tasks are a notebook's, whatever became of its file since."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from jupyter_agent.journal.base import CellLocation
from jupyter_agent.server.handlers import notebook_filter
from jupyter_agent.server.handlers.notebook_filter import NotebookMatcher, cells_of


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    (folder / "a folder").mkdir(parents=True)
    return folder


def save(file: Path, *cells: str) -> str:
    """Save a notebook with these cells; return its name as a kernel learns it."""
    file.write_text(json.dumps({"cells": [{"id": c, "source": []} for c in cells], "nbformat": 4}))
    return str(file)


CHANCE = "0a1b2c3d"
"""The id of a cell as nbformat makes it."""


def ours(root: Path | None, path: str, recorded: str | None, cell: str = "one", *others: str) -> bool:
    """Whether a task that says it was started there belongs to a notebook that has such a cell.

    *others* are further cells of the recorded notebook that started tasks.
    """
    matcher, location = NotebookMatcher(path, root), CellLocation(recorded, cell)
    cells = {notebook: {cell, *others} for notebook in matcher.gone([location])}
    return bool(matcher.choose([location], by_cell=True, cells_of_gone=cells))


@pytest.mark.parametrize(
    "name",
    ["study.ipynb", "a folder/mein Heft.ipynb", "ünï😀.ipynb", "50%.ipynb", "C:d.ipynb", "it's.ipynb"],
)
def test_a_notebook_that_is_where_it_was_is_found(root: Path, name: str) -> None:
    recorded = save(root / name, "one")
    assert ours(root, name, recorded)
    assert ours(root, name, name), "as a kernel learns it where a session has no name"
    other = NotebookMatcher("other.ipynb", root).choose([CellLocation(recorded, "one")], by_cell=False)
    assert not other


def test_a_renamed_or_moved_notebook_is_found_by_its_cells(root: Path) -> None:
    recorded = save(root / "study.ipynb", CHANCE)
    (root / "study.ipynb").rename(root / "a folder" / "final.ipynb")
    assert ours(root, "a folder/final.ipynb", recorded, CHANCE)
    assert not NotebookMatcher("a folder/final.ipynb", root).choose(
        [CellLocation(recorded, CHANCE)], by_cell=False
    )


@pytest.mark.parametrize("now", ["a folder/study.ipynb", "final.ipynb"])
def test_cells_with_given_names_are_found_if_the_name_or_the_folder_is_the_same(root: Path, now: str) -> None:
    recorded = save(root / "study.ipynb", "one", "two")
    (root / "study.ipynb").rename(root / now)
    assert ours(root, now, recorded, "one", "two")


def test_a_notebook_that_shares_given_names_with_one_that_is_gone_gets_nothing_of_it(root: Path) -> None:
    save(root / "agent.ipynb", "setup", "fail")
    save(root / "a folder" / "agent.ipynb", "setup", "fail", "fit")
    assert not ours(root, "agent.ipynb", str(root / "quickstart.ipynb"), "fail", "fit")
    assert not ours(root, "agent.ipynb", str(root / "elsewhere" / "quickstart.ipynb"), "fail")
    assert not ours(root, "a folder/agent.ipynb", str(root / "quickstart.ipynb"), "fail", "fit")


def test_a_moved_folder_takes_its_notebooks_along(root: Path) -> None:
    recorded = save(root / "a folder" / "study.ipynb", "one", "two")
    (root / "a folder").rename(root / "elsewhere")
    (root / "a folder").write_text("a file where the folder was")
    assert ours(root, "elsewhere/study.ipynb", recorded)


def test_a_copy_does_not_get_what_belongs_to_its_original(root: Path) -> None:
    recorded = save(root / "study.ipynb", "one", "two")
    save(root / "study-Copy1.ipynb", "one", "two")
    assert ours(root, "study.ipynb", recorded)
    assert not ours(root, "study-Copy1.ipynb", recorded)


def test_a_new_notebook_under_the_old_name_takes_nothing_from_the_renamed_one(root: Path) -> None:
    recorded = save(root / "Untitled.ipynb", "one")
    (root / "Untitled.ipynb").rename(root / "analysis.ipynb")
    save(root / "Untitled.ipynb", "three")
    assert ours(root, "analysis.ipynb", recorded)


def test_a_notebook_on_another_ones_kernel_keeps_what_its_own_cells_started(root: Path) -> None:
    recorded = save(root / "first.ipynb", "one")
    save(root / "second.ipynb", "two")
    assert ours(root, "second.ipynb", recorded, cell="two")
    assert not ours(root, "second.ipynb", recorded, cell="one")


@pytest.mark.parametrize("path", ["RTC:study.ipynb", "RTC:/study.ipynb", "my-drive:study.ipynb"])
def test_the_prefix_of_a_drive_is_passed_over(root: Path, path: str) -> None:
    recorded = save(root / "study.ipynb", "one")
    assert NotebookMatcher(path, root).choose([CellLocation(recorded, "one")], by_cell=False)


def test_a_colon_further_on_is_no_drive(root: Path) -> None:
    recorded = save(root / "x.ipynb", "one")
    assert not NotebookMatcher("a folder/b:x.ipynb", root).choose(
        [CellLocation(recorded, "one")], by_cell=False
    )


def test_links_lead_to_the_same_notebook(root: Path, tmp_path: Path) -> None:
    recorded = save(root / "study.ipynb", "one")
    (tmp_path / "link").symlink_to(root)
    (root / "shortcut.ipynb").symlink_to(root / "study.ipynb")
    for asked, said in (
        (NotebookMatcher("study.ipynb", tmp_path / "link"), recorded),
        (NotebookMatcher("study.ipynb", root), str(tmp_path / "link" / "study.ipynb")),
        (NotebookMatcher("shortcut.ipynb", root), recorded),
    ):
        assert asked.choose([CellLocation(said, "one")], by_cell=False)


@pytest.mark.parametrize("recorded", ["", "a folder", "a folder/"])
def test_a_session_without_a_name_says_no_notebook(root: Path, recorded: str) -> None:
    assert ours(root, "study.ipynb", str(root / recorded))
    assert not NotebookMatcher("a folder", root).choose(
        [CellLocation(str(root / recorded), "one")], by_cell=False
    )


@pytest.mark.parametrize("recorded", ["/nul\0.ipynb", "/surrogate\ud800.ipynb", "x\n.ipynb"])
def test_a_name_that_no_file_has_is_of_a_notebook_that_is_gone(root: Path, recorded: str) -> None:
    assert ours(root, "study.ipynb", recorded, CHANCE)
    assert not ours(root, "study.ipynb", recorded, "one")
    assert not NotebookMatcher("study.ipynb", root).choose([CellLocation(recorded, CHANCE)], by_cell=False)


def test_what_cannot_be_read_is_not_of_another_notebook(root: Path) -> None:
    (root / "loop.ipynb").symlink_to(root / "loop.ipynb")
    assert not ours(root, "study.ipynb", str(root / "loop.ipynb"))


def test_a_task_that_names_no_notebook_is_found_by_its_cell(root: Path) -> None:
    assert ours(root, "study.ipynb", None)
    assert not NotebookMatcher("study.ipynb", root).choose([CellLocation(None, "one")], by_cell=False)


def test_where_contents_are_no_files_the_name_decides() -> None:
    assert ours(None, "bucket/study.ipynb", "/home/ada/study.ipynb")
    assert ours(None, "RTC:study.ipynb", "/home/ada/study.ipynb")
    assert not ours(None, "bucket/study-Copy1.ipynb", "/home/ada/study.ipynb")
    assert ours(None, "bucket/study.ipynb", None)


def test_each_file_is_looked_at_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded = save(root / "study.ipynb", "one", "two")
    read: list[Path] = []

    def cells_of_noted(file: Path) -> frozenset[str] | None:
        read.append(file)
        return cells_of(file)

    monkeypatch.setattr(notebook_filter, "cells_of", cells_of_noted)
    locations = [CellLocation(recorded, cell) for cell in ("one", "two", "three", None)]
    assert NotebookMatcher("x.ipynb", root).choose(locations, by_cell=True) == locations[2:]
    assert read == [root / "study.ipynb"]


class TestCells:
    def test_they_are_read_whatever_else_is_in_the_file(self, tmp_path: Path) -> None:
        file = tmp_path / "a.ipynb"
        file.write_text('{"metadata":{"cells":[{"id":"x"}]},"cells":[{"id":"a","outputs":[{"id":7}]},{}]}')
        assert cells_of(file) == frozenset({"a", ""})

    @pytest.mark.parametrize("text", [b"", b"{", b'{"cells":7}', b"\xff\xfe", b'{"cells":' + b"[" * 100_000])
    def test_what_is_no_notebook_has_none_that_are_known(self, tmp_path: Path, text: bytes) -> None:
        file = tmp_path / "a.ipynb"
        file.write_bytes(text)
        assert cells_of(file) is None

    def test_nothing_but_a_notebook_of_a_sensible_size_is_read(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        save(tmp_path / "a.json", "one")
        save(tmp_path / "large.ipynb", "one")
        os.mkfifo(tmp_path / "pipe.ipynb")
        monkeypatch.setattr(notebook_filter, "MAX_BYTES", 10)
        for name in ("a.json", "large.ipynb", "pipe.ipynb", "nothing.ipynb"):
            assert cells_of(tmp_path / name) is None
