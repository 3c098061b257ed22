"""Real-time collaboration: two people's pages show a task once, and one of them writes into the notebook."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.builders import until as wait_until

from .lab import START, Lab, command, restart_kernel, run_cell, wait_for_kernel
from .stories import HEAD, MIME, expect_tasks, tasks, told, until

DOCUMENT = "window.jupyterapp.shell.currentWidget.context.model.sharedModel"
WRITERS = f"""new Set([...{DOCUMENT}.awareness.getStates().values()]
  .filter((state) => state["jupyter-agent"] === "writes" && state.user)
  .map(({{user}}) => user.username)).size"""
"""The number of people who have the notebook open in a page that can write views."""


@pytest.fixture(scope="module")
def shared_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    lab = Lab(tmp_path_factory.mktemp("lab"), extension=True, collaboration=True)
    yield lab
    lab.stop()


@pytest.fixture(scope="module")
def pages(browser: Browser) -> Iterator[tuple[Page, Page]]:
    """The pages of two people: each has cookies, and thereby a name, of its own."""
    contexts = [browser.new_context(viewport={"width": 1100, "height": 700}) for _ in range(2)]
    yield contexts[0].new_page(), contexts[1].new_page()
    for context in contexts:
        context.close()


def open_in_both(lab: Lab, pages: tuple[Page, Page], name: str, *cells: str) -> None:
    lab.open(pages[0], name, *cells)
    lab.visit(pages[1], name)
    wait_for_kernel(pages[1])
    for page in pages:
        wait_for_people(page, 2)


def wait_for_people(page: Page, count: int) -> None:
    """Wait until a page knows that *count* people have the notebook in front open."""
    page.wait_for_function(f"() => {WRITERS} === {count}", timeout=START * 1000)


def reload(page: Page) -> None:
    """Load a page again, and wait until it knows the other one; its kernel may be busy."""
    page.reload()
    page.wait_for_function("window.jupyterapp?.shell.currentWidget?.content?.widgets?.length > 0")
    wait_for_people(page, 2)


def document(page: Page) -> list[list[dict[str, Any]]]:
    """The outputs of each cell in a page's copy of the document."""
    found: list[list[dict[str, Any]]] = page.evaluate(f"{DOCUMENT}.cells.map((cell) => cell.getOutputs())")
    return found


def views(outputs: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """The tasks that outputs show, and their states there."""
    snapshots = [told(output)["snapshot"] for output in outputs if MIME in output.get("metadata", {})]
    return [(snapshot["name"], snapshot["state"]) for snapshot in snapshots]


def wait_for_views(page: Page, cell: int, *expected: tuple[str, str]) -> None:
    """Wait until a page's copy of the document has exactly these views under a cell."""
    wait_until(lambda: views(document(page)[cell]) == list(expected), START)


def expect_document(lab: Lab, pages: tuple[Page, Page], name: str, *expected: tuple[str, str]) -> None:
    """Wait until both copies, and the file when it is saved, have these views under the first cell."""
    for page in pages:
        wait_for_views(page, 0, *expected)
    command(pages[0], "docmanager:save")
    wait_until(lambda: views(lab.outputs(name)) == list(expected), START)
    for _, state in expected:
        html = "".join("".join(output["data"]["text/html"]) for output in lab.outputs(name))
        assert html.count(state) == len(expected)
    for page in pages:
        page.wait_for_function(f"!{DOCUMENT}.dirty")


def test_refreshes_and_an_end_leave_one_view_and_one_end(
    shared_lab: Lab, pages: tuple[Page, Page], tmp_path: Path
) -> None:
    stop = tmp_path / "stop"
    open_in_both(shared_lab, pages, "one.ipynb", until(stop))
    run_cell(pages[0], 0)
    for page in pages:
        expect_tasks(page, "running")
    for page in pages:
        reload(page)
    for page in pages:
        expect_tasks(page, "running")
    stop.touch()
    for page in pages:
        expect_tasks(page, "completed")
    expect_document(shared_lab, pages, "one.ipynb", ("train", "completed"))
    expect_tasks(pages[0], "completed")
    expect_tasks(pages[1], "completed")


def test_a_view_that_its_page_did_not_receive_is_restored_once_and_a_cleared_one_is_not(
    shared_lab: Lab, pages: tuple[Page, Page], tmp_path: Path
) -> None:
    go, stop = tmp_path / "go", tmp_path / "stop"
    late = HEAD + f"while not pathlib.Path({str(go)!r}).exists(): time.sleep(0.05)\n" + until(stop, "lost")
    open_in_both(shared_lab, pages, "lost.ipynb", until(stop, "cleared"), late)
    run_cell(pages[0], 0)
    for page in pages:
        expect_tasks(page, "running")
    command(pages[1], "notebook:clear-all-cell-outputs")
    for page in pages:  # the document: JupyterLab may go on showing what is cleared just as it comes
        wait_for_views(page, 0)
    run_cell(pages[0], 1)
    pages[1].wait_for_function(f"{DOCUMENT}.cells[1].executionState === 'running'")
    reload(pages[0])
    go.touch()
    for page in pages:
        expect_tasks(page, "running")
        assert [views(outputs) for outputs in document(page)] == [[], [("lost", "queued")]]
    stop.touch()
    for page in pages:
        wait_for_views(page, 1, ("lost", "completed"))
        assert document(page)[0] == []


def test_a_cell_that_runs_again_and_a_restart_leave_one_view_and_one_end(
    shared_lab: Lab, pages: tuple[Page, Page], tmp_path: Path
) -> None:
    open_in_both(shared_lab, pages, "again.ipynb", until(tmp_path / "stop"))
    run_cell(pages[0], 0)
    for page in pages:
        expect_tasks(page, "running")
    first = tasks(pages[1]).get_attribute("data-task-id")
    pages[1].reload(wait_until="commit")
    run_cell(pages[0], 0)  # while the other page loads
    for page in pages:
        expect(page.locator(f"jupyter-agent-task:not([data-task-id='{first}'])")).to_have_count(1)
        expect_tasks(page, "running")
    wait_for_kernel(pages[1])
    restart_kernel(pages[1])
    for page in pages:
        expect_tasks(page, "interrupted")
    expect_document(shared_lab, pages, "again.ipynb", ("train", "interrupted"))
