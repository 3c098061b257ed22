"""Real-time collaboration: two people's pages show a task once, and one of them writes into the notebook."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from .lab import Lab, command, restart_kernel, run_cell, wait_for_kernel
from .room import DOCUMENT, document, expect_document, open_in_all, people, reload, views, wait_for_views
from .stories import HEAD, expect_tasks, tasks, until


@pytest.fixture(scope="module")
def shared_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    lab = Lab(tmp_path_factory.mktemp("lab"), extension=True, collaboration=True)
    yield lab
    lab.stop()


@pytest.fixture(scope="module")
def pages(browser: Browser) -> Iterator[tuple[Page, ...]]:
    with people(browser, 2) as pages:
        yield pages


def test_refreshes_and_an_end_leave_one_view_and_one_end(
    shared_lab: Lab, pages: tuple[Page, ...], tmp_path: Path
) -> None:
    stop = tmp_path / "stop"
    open_in_all(shared_lab, pages, "one.ipynb", until(stop))
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
    shared_lab: Lab, pages: tuple[Page, ...], tmp_path: Path
) -> None:
    go, stop = tmp_path / "go", tmp_path / "stop"
    late = HEAD + f"while not pathlib.Path({str(go)!r}).exists(): time.sleep(0.05)\n" + until(stop, "lost")
    open_in_all(shared_lab, pages, "lost.ipynb", until(stop, "cleared"), late)
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
    shared_lab: Lab, pages: tuple[Page, ...], tmp_path: Path
) -> None:
    open_in_all(shared_lab, pages, "again.ipynb", until(tmp_path / "stop"))
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
