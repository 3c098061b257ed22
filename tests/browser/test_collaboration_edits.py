"""Real-time collaboration: people edit cells that show a task, together and without a network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.builders import until as wait_until

from .cable import Cable, cable
from .lab import START, Lab, command, run_cell, wait_for_kernel
from .room import DOCUMENT, document, open_in_all, people, reload, views, wait_for_people, wait_for_views
from .stories import HEAD, expect_tasks, tasks, until

IS_WRITER = f"""() => {{
  const {{awareness}} = {DOCUMENT};
  const able = [...awareness.getStates()].filter(([, state]) => state["jupyter-agent"] === "writes");
  return awareness.clientID === Math.min(...able.map(([page]) => page));
}}"""


@pytest.fixture(scope="module")
def shared_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    lab = Lab(tmp_path_factory.mktemp("lab"), extension=True, collaboration=True)
    yield lab
    lab.stop()


def edit(page: Page, cell: int, *names: str) -> None:
    """Execute commands of the notebook in front on a cell of it."""
    page.evaluate("(at) => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = at; }", cell)
    for name in names:
        command(page, f"notebook:{name}")


def split(page: Page, cell: int) -> None:
    """Split a cell after its first line."""
    page.evaluate(
        """(at) => {
          const {content} = window.jupyterapp.shell.currentWidget;
          content.activeCellIndex = at;
          content.activeCell.editor.setCursorPosition({line: 1, column: 0});
        }""",
        cell,
    )
    command(page, "notebook:split-cell-at-cursor")


def shows(page: Page, expected: list[list[tuple[str, str]]]) -> bool:
    """Whether a page's copy of the document has these views under its cells."""
    return [views(outputs) for outputs in document(page)] == expected


def expect_everywhere(lab: Lab, pages: Sequence[Page], name: str, *expected: list[tuple[str, str]]) -> None:
    """Wait until all copies, and the file when it is saved, have these views under their cells."""
    for page in pages:
        wait_until(partial(shows, page, list(expected)), START)
    command(pages[0], "docmanager:save")
    wait_until(
        lambda: [views(lab.outputs(name, cell)) for cell in range(len(expected))] == list(expected), START
    )


def test_edited_cells_of_three_people_have_one_view_and_one_end_each(
    shared_lab: Lab, browser: Browser, tmp_path: Path
) -> None:
    names, stop = ("split", "copied", "cut", "deleted", "one", "other"), tmp_path / "stop"
    with people(browser, 3) as pages:
        runner, editor, watcher = pages
        open_in_all(shared_lab, pages, "edits.ipynb", *(until(stop, name) for name in names))
        for cell in range(len(names)):
            run_cell(runner, cell)
        for page in pages:
            expect_tasks(page, *["running"] * 6)
        edit(editor, 4, "merge-cell-below")  # from below, so that the numbers of the others stay
        edit(editor, 3, "move-cell-down")
        edit(editor, 2, "cut-cell", "paste-cell-below")
        edit(editor, 1, "copy-cell", "paste-cell-below")
        split(editor, 0)
        reload(watcher, 3)
        expect_tasks(watcher, *["running"] * 5)
        editor.evaluate(f"{DOCUMENT}.undoManager.stopCapturing()")  # what comes now is undone alone
        edit(editor, 6, "delete-cell")
        for page in pages:
            page.wait_for_function(f"{DOCUMENT}.cells.length === 6")
        runner.close()
        rest = (editor, watcher)
        for page in rest:
            wait_for_people(page, 2)
        stop.touch()
        for page in rest:
            expect_tasks(page, *["completed"] * 4)
        edit(editor, 0, "undo-cell-action")
        expected = ["", "split", "copied", "copied", "", "cut", "deleted"]
        ends = [[(name, "completed")] if name else [] for name in expected]
        expect_everywhere(shared_lab, rest, "edits.ipynb", *ends)
        reload(watcher)
        expect_tasks(watcher, *["completed"] * 5)


@pytest.fixture
def lines(shared_lab: Lab) -> Iterator[tuple[Cable, Cable]]:
    """The networks of two people."""
    with ExitStack() as stack:
        yield stack.enter_context(cable(shared_lab.url)), stack.enter_context(cable(shared_lab.url))


def test_a_cell_that_another_page_moves_while_it_runs_shows_its_task(
    shared_lab: Lab, browser: Browser, tmp_path: Path
) -> None:
    go, stop = tmp_path / "go", tmp_path / "stop"
    late = HEAD + f"while not pathlib.Path({str(go)!r}).exists(): time.sleep(0.05)\n" + until(stop, "late")
    with people(browser, 2) as pages:
        open_in_all(shared_lab, pages, "running.ipynb", late, "1 + 1")
        run_cell(pages[0], 0)
        pages[1].wait_for_function(f"{DOCUMENT}.cells[0].executionState === 'running'")
        edit(pages[1], 0, "move-cell-down")
        for page in pages:
            page.wait_for_function(f"{DOCUMENT}.cells[1].id === 'cell-0'")
        go.touch()
        for page in pages:
            expect_tasks(page, "running")
        stop.touch()
        expect_everywhere(shared_lab, pages, "running.ipynb", [], [("late", "completed")])


def test_a_page_without_a_network_moves_a_cell_whose_task_ends_meanwhile(
    shared_lab: Lab, browser: Browser, tmp_path: Path, lines: tuple[Cable, Cable]
) -> None:
    stop = tmp_path / "stop"
    with people(browser, 2) as pages:
        shared_lab.open(pages[0], "apart.ipynb", until(stop), "1 + 1", url=lines[0].url)
        shared_lab.visit(pages[1], "apart.ipynb", lines[1].url)
        wait_for_kernel(pages[1])
        for page in pages:
            wait_for_people(page, 2)
        # Nobody waits 30 s for a page that does not write.
        away = 1 if pages[0].evaluate(IS_WRITER) else 0
        there, gone = pages[1 - away], pages[away]
        lines[away].pull()
        edit(gone, 0, "move-cell-down")
        run_cell(there, 0)
        expect_tasks(there, "running")
        stop.touch()
        wait_for_views(there, 0, ("train", "completed"))
        lines[away].plug()
        expect_everywhere(shared_lab, pages, "apart.ipynb", [], [("train", "completed")])
        for page in pages:
            expect_tasks(page, "completed")
        reload(gone)
        expect_tasks(gone, "completed")
        expect(tasks(gone)).to_have_count(1)
