"""Comparing tasks: on the tasks page with a real server, and in JupyterLab."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support import kernels, servers
from tests.support.builders import until
from tests.support.servers import Server

from .axe import grave_faults
from .lab import Lab, run_cell, wait_for_kernel, write_notebook
from .page_faults import page_without_faults

SWEEP = """\
import math
import jupyter_agent as ja

@ja.task
def fit(lr, layers=2):
    for step in range(40):
        ja.current().metric("train/loss", math.exp(-step * lr), step)
        ja.current().metric("val/loss", math.exp(-step * lr) + 0.1, step)
        ja.current().metric("accuracy", 1 - math.exp(-step * lr), step)

for lr in (0.01, 0.1, 0.05):
    fit.submit(lr).wait()
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a sweep of three runs."""
    with servers.servers(tmp_path_factory.mktemp("compare")) as factory:
        made = factory.start(base_url="/user/x/")
        with ThreadPoolExecutor(1) as pool:  # this thread's loop is Playwright's
            pool.submit(kernels.execute, made, made.start_kernel(), SWEEP).result()
        until(lambda: len(made.ask("tasks?state=completed").json["tasks"]) == 3)
        yield made


def ids_of(server: Server) -> list[str]:
    return sorted(str(task["id"]) for task in server.ask("tasks").json["tasks"])


@pytest.fixture
def open_page(browser: Browser, server: Server) -> Iterator[Any]:
    """``open_page(path, **options)``: a page that is logged in; its faults fail the test."""
    faults: list[str] = []
    contexts = []

    def make(path: str = "", **options: Any) -> Page:
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
        page.goto(f"{server.url}login?token={server.token}")
        page.goto(f"{server.url}jupyter-agent/{path}")
        return page

    yield make
    for context in contexts:
        context.close()
    assert faults == []


def key(page: Page, label: str) -> Locator:
    """The legend's button of a run."""
    return page.get_by_role("group", name="Runs that are drawn").get_by_role("button", name=label, exact=True)


def rows(page: Page) -> Locator:
    return page.locator(".jac-table tbody th")


def is_drawn(page: Page, runs: int) -> None:
    """Wait until both panels, of the losses and of the accuracy, have a curve for each run and metric."""
    expect(page.locator("jupyter-agent-compare-plots canvas")).to_have_count(2)
    page.wait_for_function(
        """(runs) => { const view = document.querySelector("jupyter-agent-compare-plots");
        return view.plotted.series.size === 3 * runs && Object.keys(view.shown).length === 2; }""",
        arg=runs,
    )


def select_by_keyboard(page: Page, tasks: Locator, count: int) -> None:
    """Select the first tasks of a list and press *Compare*, without the mouse."""
    expect(tasks.locator(".jal-row")).to_have_count(count)
    tasks.locator(".jal-row .jal-name").first.focus()
    for at in range(count):
        page.keyboard.press("x")
        expect(tasks.locator(".jal-row[data-selected]")).to_have_count(at + 1)
        page.keyboard.press("ArrowDown")
    tasks.get_by_role("button", name="Compare", exact=True).press("Enter")


def test_runs_are_selected_by_keyboard_and_their_address_can_be_shared(
    server: Server, open_page: Any
) -> None:
    page = open_page()
    tasks = page.locator("jupyter-agent-tasks[data-connection=live]")
    select_by_keyboard(page, tasks, 3)
    expect(page.get_by_role("heading", name="3 runs of fit")).to_be_visible()
    ids = sorted(ids_of(server), reverse=True)
    expect(page).to_have_url(f"{server.url}jupyter-agent/?compare={','.join(ids)}")
    is_drawn(page, 3)
    shared = open_page(page.url.partition("jupyter-agent/")[2])
    expect(shared.get_by_role("heading", name="3 runs of fit")).to_be_visible()
    is_drawn(shared, 3)


def test_a_comparison_hides_and_opens_its_runs_and_outlives_a_reload(server: Server, open_page: Any) -> None:
    ids = ids_of(server)
    page = open_page(f"?compare={','.join(ids)}")
    is_drawn(page, 3)
    expect(page.locator("jupyter-agent-compare-plots .ja-metric-title")).to_have_text(["loss", "accuracy"])
    expect(rows(page)).to_have_text(["lr=0.01", "lr=0.1", "lr=0.05"], use_inner_text=True)
    page.reload()
    is_drawn(page, 3)
    key(page, "lr=0.1").click()
    expect(key(page, "lr=0.1")).to_have_attribute("aria-pressed", "false")
    is_drawn(page, 2)
    page.get_by_role("button", name="Show all").click()
    is_drawn(page, 3)
    page.get_by_role("row", name="lr=0.05").get_by_role("link").click()
    expect(page.locator(f'jupyter-agent-task[data-task-id="{ids[2]}"]')).to_be_visible()
    offer = page.get_by_role("button", name="Compare the 3 runs of fit")
    expect(offer).to_be_visible()
    page.go_back()
    is_drawn(page, 3)


def test_the_table_sorts_by_keyboard(server: Server, open_page: Any) -> None:
    page = open_page(f"?compare={','.join(ids_of(server))}")
    is_drawn(page, 3)
    head = page.get_by_role("columnheader", name="lr", exact=True)
    head.get_by_role("button").press("Enter")
    expect(head).to_have_attribute("aria-sort", "ascending")
    expect(rows(page)).to_have_text(["lr=0.01", "lr=0.05", "lr=0.1"], use_inner_text=True)
    head.get_by_role("button").press("Enter")
    expect(head).to_have_attribute("aria-sort", "descending")
    expect(rows(page)).to_have_text(["lr=0.1", "lr=0.05", "lr=0.01"], use_inner_text=True)
    expect(head.get_by_role("button")).to_be_focused()


def test_tasks_that_are_gone_and_too_many_are_said_in_a_sentence(server: Server, open_page: Any) -> None:
    gone = [f"01JNOSUCHTASK000000000{n:02}AA" for n in range(20)]
    page = open_page(f"?compare={','.join([ids_of(server)[0], *gone])}")
    note = page.locator(".jac-note")
    expect(note).to_contain_text("At most 20 runs are compared: these are the first 20 of 21.")
    expect(note).to_contain_text("19 of the tasks are not there any more.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_has_all_of_it_without_grave_faults(server: Server, open_page: Any, scheme: Any) -> None:
    viewport = {"width": 360, "height": 800}
    page = open_page(f"?compare={','.join(ids_of(server))}", viewport=viewport, color_scheme=scheme)
    is_drawn(page, 3)
    wide = "document.querySelector('.jap-list').scrollWidth - document.querySelector('.jap-list').clientWidth"
    assert page.evaluate(wide) == 0
    assert grave_faults(page, "jupyter-agent-compare") == []


def test_jupyterlab_compares_in_a_tab_that_a_reload_restores(lab: Lab, page: Page) -> None:
    lab.open(page, "sweep.ipynb", SWEEP, "ja.tasks(name='fit')")
    for cell in (0, 1):
        run_cell(page, cell)
    select_by_keyboard(page, page.locator(".jp-Notebook jupyter-agent-tasks[data-connection=live]"), 3)
    expect(page.get_by_role("tab", name="Compare 3 runs")).to_be_visible()
    is_drawn(page, 3)
    until(lambda: "jupyter-agent-compare" in json.dumps(lab.ask("lab/api/workspaces/sweep")))
    page.reload()
    expect(page.get_by_role("tab", name="Compare 3 runs")).to_be_visible()
    is_drawn(page, 3)


def test_notebook_7_compares_on_the_tasks_page(lab: Lab, browser: Browser) -> None:
    write_notebook(lab.root / "classic.ipynb", (SWEEP.replace("fit", "refit"), "ja.tasks(name='refit')"))
    with page_without_faults(lab, browser) as page:
        lab.visit_classic(page, "classic.ipynb")
        wait_for_kernel(page)
        for cell in (0, 1):
            run_cell(page, cell)
        tasks = page.locator(".jp-Notebook jupyter-agent-tasks[data-connection=live]")
        with page.context.expect_page() as opened:  # without an opener, so no popup of this page
            select_by_keyboard(page, tasks, 3)
        compared = opened.value
        expect(compared.get_by_role("heading", name="3 runs of refit")).to_be_visible()
        is_drawn(compared, 3)
        compared.close()
