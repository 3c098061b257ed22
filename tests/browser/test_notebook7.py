"""The view in Notebook 7, which draws notebooks with the same extension on pages of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from .cable import cable
from .exact import Teller, expect_exact, tasks, wait_for_end, wait_until_it_moves
from .lab import Lab, restart_kernel, run_cell, save, wait_for_kernel, write_notebook
from .page_faults import page_without_faults
from .stories import HELPER, USES


@pytest.fixture
def page(lab: Lab, browser: Browser) -> Iterator[Page]:
    with page_without_faults(lab, browser) as page:
        yield page


@pytest.fixture
def teller(tmp_path: Path) -> Iterator[Teller]:
    teller = Teller(tmp_path / "tell")
    yield teller
    teller.stop()


def start(lab: Lab, page: Page, name: str, *cells: str) -> Locator:
    """Open a notebook of these cells and run the first; its view, which moves."""
    write_notebook(lab.root / name, cells)
    lab.visit_classic(page, name)
    wait_for_kernel(page)
    run_cell(page, 0)
    wait_until_it_moves(tasks(page).first)
    return tasks(page).first


def save_now(page: Page) -> None:
    save(page)
    page.wait_for_function("!window.jupyterapp.shell.currentWidget.content.model.dirty")


def test_refreshes_and_a_second_tab_lose_and_double_nothing(lab: Lab, page: Page, teller: Teller) -> None:
    view = start(lab, page, "refresh.ipynb", teller.cell)
    for saved in (False, False, True):
        if saved:
            save_now(page)
        page.reload()
        wait_until_it_moves(view)
        expect(tasks(page)).to_have_count(1)
    other = page.context.new_page()
    lab.visit_classic(other, "refresh.ipynb")
    wait_until_it_moves(tasks(other))
    teller.stop()
    for one in (view, tasks(other)):
        wait_for_end(one, "completed")
        expect_exact(lab, one, teller)


def test_a_kernel_that_was_restarted_and_a_server_that_was_stopped_leave_everything_that_was_said(
    lab: Lab, page: Page, tmp_path: Path
) -> None:
    first, second = (Teller(tmp_path / name, name=name, last=20) for name in ("first", "second"))
    view = start(lab, page, "restart.ipynb", first.cell, second.cell)
    expect(view.locator(".ja-line")).to_have_count(20)
    restart_kernel(page)
    wait_for_end(view, "interrupted")
    wait_for_kernel(page)
    run_cell(page, 1)
    expect(tasks(page).nth(1).locator(".ja-line")).to_have_count(20)
    lab.stop()
    lab.start()
    for at, teller in enumerate((first, second)):
        wait_for_end(tasks(page).nth(at), "interrupted")
        expect_exact(lab, tasks(page).nth(at), teller)
    page.reload()
    for at, teller in enumerate((first, second)):
        wait_for_end(tasks(page).nth(at), "interrupted")
        expect_exact(lab, tasks(page).nth(at), teller)


def test_a_stranger_s_copy_of_a_notebook_shows_the_task_and_the_network_may_go_meanwhile(
    lab: Lab, page: Page, teller: Teller
) -> None:
    start(lab, page, "own.ipynb", teller.cell)
    save_now(page)
    copy = json.loads((lab.root / "own.ipynb").read_text())
    copy["cells"][0]["source"] = "# not trusted"
    (lab.root / "strange.ipynb").write_text(json.dumps(copy))
    with cable(lab.url) as line:
        page.goto(f"{line.url}notebooks/strange.ipynb?token={lab.token}")
        view = tasks(page)
        wait_until_it_moves(view)
        assert (
            page.evaluate("[...window.jupyterapp.shell.currentWidget.content.model.cells][0].trusted")
            is False
        )
        line.pull()
        expect(view).not_to_have_attribute("data-connection", "live")
        line.plug()
        wait_until_it_moves(view)
        teller.stop()
        wait_for_end(view, "completed")
        expect_exact(lab, view, teller)
        page.goto("about:blank")


def test_a_traceback_leads_to_the_line_of_another_cell(lab: Lab, page: Page) -> None:
    write_notebook(lab.root / "lines.ipynb", (HELPER, USES))
    lab.visit_classic(page, "lines.ipynb")
    wait_for_kernel(page)
    run_cell(page, 0)
    run_cell(page, 1)
    page.get_by_role("button", name="Cell [1], line 3").click()
    page.wait_for_function(
        """() => {
          const { activeCellIndex, activeCell } = window.jupyterapp.shell.currentWidget.content;
          return activeCellIndex === 0 && activeCell.editor.getCursorPosition().line === 2;
        }"""
    )
