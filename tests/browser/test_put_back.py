"""Restored views: they come back under their cells when a page left before a save."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from time import time

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.support.builders import until as wait_until

from .lab import START, Lab, block, command, held, is_dirty, run_cell, save, wait_for_kernel
from .page_faults import watch_scripts
from .stories import HEAD, expect_tasks, shown, tasks, told, until, wait_for_html


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1100, "height": 800})
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    page = context.new_page()
    faults = watch_scripts(page)
    yield page
    assert faults == []


def save_for_good(page: Page) -> None:
    """Save the notebook in front once JupyterLab has noted its kernel's language in it."""
    wait_for_kernel(page)
    save(page)
    page.wait_for_function("!window.jupyterapp.shell.currentWidget.content.model.dirty")


def reload_and_look(page: Page) -> None:
    """Load the page again, and wait until it has asked for the tasks of its notebook."""
    with page.expect_response(lambda response: "tasks?notebook=" in response.url, timeout=START * 1000):
        page.reload()


def rename(lab: Lab, old: str, new: str) -> None:
    """Rename a notebook as JupyterLab's file browser does."""
    assert lab.ask(f"api/contents/{old}", "PATCH", {"path": new})["path"] == new


def test_a_view_comes_back_after_a_refresh_before_the_first_save_and_only_once(
    lab: Lab, page: Page, tmp_path: Path
) -> None:
    stop = tmp_path / "stop"
    lab.open(page, "unsaved.ipynb", until(stop), "1 + 1")
    run_cell(page, 0)
    expect_tasks(page, "running")
    for _ in range(3):
        reload_and_look(page)
        expect_tasks(page, "running")
    expect(page.locator(".jp-Cell").first.locator("jupyter-agent-task")).to_have_count(1)
    save_for_good(page)
    assert shown(lab.outputs("unsaved.ipynb")) == ["train"]
    reload_and_look(page)
    expect_tasks(page, "running")
    stop.touch()
    expect_tasks(page, "completed")
    wait_for_html(page, "completed")
    save_for_good(page)
    [output] = lab.outputs("unsaved.ipynb")
    assert told(output)["snapshot"]["state"] == "completed"


def test_a_task_that_ended_while_no_page_was_there_comes_back(lab: Lab, page: Page, tmp_path: Path) -> None:
    stop = tmp_path / "stop"
    lab.open(page, "away.ipynb", until(stop))
    run_cell(page, 0)
    expect_tasks(page, "running")
    page.goto("about:blank")
    stop.touch()
    lab.visit(page, "away.ipynb")
    expect_tasks(page, "completed")


def test_only_the_tasks_of_the_latest_run_come_back_in_their_order(
    lab: Lab, page: Page, tmp_path: Path
) -> None:
    stop = tmp_path / "stop"
    stop.touch()
    lab.open(page, "runs.ipynb", until(stop, "one", "two", "three"))
    for _ in range(3):
        run_cell(page, 0)
        expect_tasks(page, "completed", "completed", "completed")
        wait_for_kernel(page)
    ids = tasks(page).evaluate_all("(views) => views.map((view) => view.dataset.taskId)")
    reload_and_look(page)
    expect_tasks(page, "completed", "completed", "completed")
    assert tasks(page).evaluate_all("(views) => views.map((view) => view.dataset.taskId)") == ids


def test_a_view_comes_back_while_its_cell_still_blocks_the_kernel(
    lab: Lab, page: Page, tmp_path: Path
) -> None:
    stop = tmp_path / "stop"
    wait = f"while not pathlib.Path({str(stop)!r}).exists(): time.sleep(0.05)"
    lab.open(page, "blocked.ipynb", until(stop) + f"for _ in ja.track(range(1), name='slim'):\n    {wait}")
    run_cell(page, 0)
    expect_tasks(page, "running", "running")
    reload_and_look(page)
    expect_tasks(page, "running", "running")
    assert tasks(page).evaluate_all("(views) => views.map((view) => view.slim)") == [False, True]
    stop.touch()
    expect_tasks(page, "completed", "completed")


def test_what_a_run_before_had_left_is_replaced(lab: Lab, page: Page, tmp_path: Path) -> None:
    stop = tmp_path / "stop"
    stop.touch()
    lab.open(page, "replaced.ipynb", until(stop, "one", "two") + "print('said')")
    run_cell(page, 0)
    expect_tasks(page, "completed", "completed")
    save_for_good(page)
    before = tasks(page).evaluate_all("(views) => views.map((view) => view.dataset.taskId)")
    run_cell(page, 0)
    page.wait_for_function(
        "(id) => !document.querySelector(`jupyter-agent-task[data-task-id='${id}']`)", arg=before[0]
    )
    expect_tasks(page, "completed", "completed")
    again = tasks(page).evaluate_all("(views) => views.map((view) => view.dataset.taskId)")
    reload_and_look(page)
    expect(page.locator(f"jupyter-agent-task[data-task-id='{again[0]}']")).to_have_count(1)
    assert tasks(page).evaluate_all("(views) => views.map((view) => view.dataset.taskId)") == again


def test_a_task_that_begins_later_in_a_blocked_cell_gets_its_view(
    lab: Lab, page: Page, tmp_path: Path
) -> None:
    stop = tmp_path / "stop"
    wait = f"    while not pathlib.Path({str(stop)!r}).exists(): time.sleep(0.05)\n"
    loop = "for _ in ja.track(range(1), name={!r}):\n"
    cell = HEAD + loop.format("first") + wait + loop.format("second") + "    time.sleep(0.1)\n"
    lab.open(page, "late.ipynb", cell)
    run_cell(page, 0)
    expect_tasks(page, "running")
    reload_and_look(page)
    expect_tasks(page, "running")
    stop.touch()
    expect_tasks(page, "completed", "completed")


def test_a_task_that_begins_while_the_page_loads_gets_its_view(lab: Lab, page: Page, tmp_path: Path) -> None:
    go, stop = tmp_path / "go", tmp_path / "stop"
    more = f"{block(go)}\nja.task(look, name='meanwhile').submit()\n{block(stop)}"
    lab.open(page, "loading.ipynb", until(stop) + more)
    run_cell(page, 0)
    expect_tasks(page, "running")
    with held(page, "jupyter-agent/health"):  # the list of tasks is asked for after it
        reload_and_look(page)
        expect_tasks(page, "running")
        go.touch()
        wait_until(lambda: "meanwhile" in names(lab), START)
    expect_tasks(page, "running", "running")
    stop.touch()
    expect_tasks(page, "completed", "completed")


def names(lab: Lab) -> list[str]:
    """The names of all tasks."""
    return [task["name"] for task in lab.api("jupyter-agent/tasks")["tasks"]]


def test_a_cleared_view_does_not_come_back(lab: Lab, page: Page, tmp_path: Path) -> None:
    stop = tmp_path / "stop"
    stop.touch()
    lab.open(page, "cleared.ipynb", until(stop))
    run_cell(page, 0)
    expect_tasks(page, "completed")
    wait_for_html(page, "completed")
    command(page, "notebook:clear-all-cell-outputs")
    expect_tasks(page)
    save_for_good(page)
    later = time() + 10  # the file is to be newer than the task by more than the rule's slack
    os.utime(lab.root / "cleared.ipynb", (later, later))
    reload_and_look(page)
    wait_for_kernel(page)
    expect_tasks(page)
    assert not is_dirty(page)


def test_a_task_that_did_not_show_itself_does_not_come_back(lab: Lab, page: Page) -> None:
    lab.open(page, "hidden.ipynb", HEAD + "ja.task(lambda: 1, name='hidden', show=False).submit().result()")
    run_cell(page, 0)
    expect(page.locator(".jp-OutputArea-output")).to_have_text("1")
    reload_and_look(page)
    wait_for_kernel(page)
    expect_tasks(page)


def test_a_renamed_notebook_gets_its_views_back(lab: Lab, page: Page, tmp_path: Path) -> None:
    stop = tmp_path / "stop"
    lab.open(page, "before.ipynb", until(stop))
    run_cell(page, 0)
    expect_tasks(page, "running")
    page.goto("about:blank")
    rename(lab, "before.ipynb", "after.ipynb")
    lab.visit(page, "after.ipynb")
    expect_tasks(page, "running")
    stop.touch()


def test_a_cell_with_a_view_that_came_back_is_trusted_as_after_its_run(
    lab: Lab, page: Page, tmp_path: Path
) -> None:
    stop = tmp_path / "stop"
    stop.touch()
    lab.open(page, "trust.ipynb", until(stop))
    run_cell(page, 0)
    expect_tasks(page, "completed")
    reload_and_look(page)
    expect_tasks(page, "completed")
    save_for_good(page)
    page.reload()
    expect_tasks(page, "completed")
    assert page.evaluate("[...window.jupyterapp.shell.currentWidget.content.model.cells][0].trusted") is True


def test_a_second_tab_shows_the_view_and_does_not_want_to_save_it(
    lab: Lab, context: BrowserContext, page: Page, tmp_path: Path
) -> None:
    stop = tmp_path / "stop"
    lab.open(page, "tabs.ipynb", until(stop))
    save_for_good(page)
    run_cell(page, 0)
    expect_tasks(page, "running")
    second = context.new_page()
    second.goto(f"{lab.url}lab/workspaces/second/tree/tabs.ipynb?token={lab.token}")
    expect_tasks(second, "running")
    stop.touch()
    for one in (page, second):
        expect_tasks(one, "completed")
        wait_for_html(one, "completed")
    assert (is_dirty(page), is_dirty(second)) == (True, False)


def test_views_come_back_in_notebook_7(lab: Lab, page: Page, tmp_path: Path) -> None:
    stop = tmp_path / "stop"
    lab.open(page, "seven.ipynb", until(stop))
    page.goto("about:blank")
    lab.visit_classic(page, "seven.ipynb")
    wait_for_kernel(page)
    run_cell(page, 0)
    expect_tasks(page, "running")
    reload_and_look(page)
    expect_tasks(page, "running")
    stop.touch()
    expect_tasks(page, "completed")
    wait_for_html(page, "completed")
    assert is_dirty(page)
