"""The view in a real JupyterLab, with a real kernel and a real server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from .lab import (
    START,
    Lab,
    block,
    command,
    restart_kernel,
    run_cell,
    view,
    wait_for_kernel,
    wait_for_state,
    write_notebook,
)
from .stories import HELPER, USES

HEAD = """\
import time
import jupyter_agent as ja
"""
TEN_LINES = (
    HEAD
    + """\
@ja.task
def train():
    for number in range(10):
        print("line", number)
    while True:
        ja.current().raise_if_cancelled()
        time.sleep(0.02)

run = train.submit()
"""
)
TWO = (
    HEAD
    + """\
def first():
    for _ in ja.track(range(20)):
        time.sleep(0.02)

def second():
    print("from the second")

one, two = ja.submit(first), ja.submit(second)
"""
)
BROKEN = (
    HEAD
    + """\
@ja.task
def broken():
    print("before")
    raise ValueError("no such column: price")

run = broken.submit()
"""
)

AT_LINE = """(line) => {
  const cell = window.jupyterapp?.shell.currentWidget?.content?.activeCell;
  return cell?.editor?.getCursorPosition().line === line - 1 && cell.model.sharedModel.getSource();
}"""


@pytest.fixture
def lab_page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1100, "height": 800})
    yield page
    page.context.close()


def wait_for_progress(page: Page, beyond: int) -> int:
    """Wait until the bar says more than *beyond*; what it says then."""
    page.wait_for_function(
        "(beyond) => Number(document.querySelector('.ja-bar')?.ariaValueNow ?? -1) > beyond",
        arg=beyond,
        timeout=START * 1000,
    )
    return int(page.locator(".ja-bar").get_attribute("aria-valuenow") or 0)


def wait_until_busy(page: Page) -> None:
    page.wait_for_function(
        "window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'busy'"
    )


def test_a_kernel_restart_leaves_an_interrupted_task_with_all_it_printed(lab: Lab, lab_page: Page) -> None:
    attach = "import jupyter_agent as ja; ja.attach(ja.tasks(limit=1)[0].id)"
    lab.open(lab_page, "restart.ipynb", TEN_LINES, attach)
    run_cell(lab_page, 0)
    expect(lab_page.locator(".ja-line")).to_have_count(10)
    restart_kernel(lab_page)
    wait_for_state(lab_page, "interrupted")
    told = lab.api("jupyter-agent/tasks?limit=1")["tasks"][0]
    assert (told["state"], told["logs"]) == ("interrupted", 10)
    expect(lab_page.locator(".ja-line")).to_have_text([f"line {n}" for n in range(10)])
    expect(lab_page.get_by_text("ended before the task was done")).to_be_visible()
    wait_for_kernel(lab_page)
    run_cell(lab_page, 1)
    wait_for_state(lab_page, "interrupted", index=1)
    expect(view(lab_page, 1)).to_have_attribute("data-task-id", told["id"])
    expect(view(lab_page, 1).locator(".ja-line")).to_have_count(10)


def test_a_task_is_cancelled_while_a_cell_blocks_the_kernel(lab: Lab, lab_page: Page, tmp_path: Path) -> None:
    lab.open(lab_page, "cancel.ipynb", TEN_LINES, block(tmp_path / "over"))
    run_cell(lab_page, 0)
    expect(lab_page.locator(".ja-line")).to_have_count(10)
    run_cell(lab_page, 1)
    wait_until_busy(lab_page)
    lab_page.get_by_role("button", name="Cancel", exact=True).click()
    wait_for_state(lab_page, "cancelled")
    (tmp_path / "over").touch()


def test_a_traceback_leads_to_the_line_of_another_cell(lab: Lab, lab_page: Page) -> None:
    """Also after that cell has run again, with another number."""
    lab.open(lab_page, "lines.ipynb", HELPER, USES)
    run_cell(lab_page, 0)
    run_cell(lab_page, 1)
    wait_for_state(lab_page, "failed")
    place = lab_page.get_by_role("button", name="Cell [1], line 3")
    expect(place).to_be_visible()
    run_cell(lab_page, 0)
    expect(lab_page.locator(".jp-InputPrompt").first).to_have_text("[3]:")
    place.click()
    cell = lab_page.locator(".jp-Notebook-cell").nth(0)
    expect(cell).to_have_class(re.compile("jp-mod-active"))
    expect(lab_page.get_by_text("Ln 3, Col 1")).to_be_visible()


def test_a_traceback_leads_to_its_line_in_a_notebook_that_is_not_open(lab: Lab, lab_page: Page) -> None:
    """From the tasks page, in a new tab of JupyterLab; and there, after the notebook was closed."""
    write_notebook(lab.root / "ran.ipynb", ("limit = 3", f"{HELPER}\n\nprice()"))
    task = lab.ask("jupyter-agent/tasks", "POST", {"target": "ran.ipynb"})["id"]
    lab_page.goto(f"{lab.url}jupyter-agent/?task={task}&token={lab.token}")
    wait_for_state(lab_page, "failed")
    with lab_page.context.expect_page() as opened:
        lab_page.get_by_role("button", name="Cell [2], line 3").click()
    page = opened.value
    page.wait_for_function(AT_LINE, arg=3, timeout=START * 1000)
    assert page.evaluate(AT_LINE, 3).startswith("def price")
    page.evaluate("window.jupyterapp.shell.currentWidget.dispose()")
    command(page, "jupyter-agent:show-tasks")
    page.locator(f'.jal-row[data-task-id="{task}"] .jal-name').click()
    page.get_by_role("button", name="Cell [2], line 3").click()
    page.wait_for_function(AT_LINE, arg=3)
    assert page.evaluate(AT_LINE, 3).startswith("def price")
    page.close()


def test_two_tasks_of_one_cell_have_a_view_each_and_share_a_socket(lab: Lab, lab_page: Page) -> None:
    sockets: list[str] = []
    lab_page.on("websocket", lambda socket: sockets.append(socket.url))
    lab.open(lab_page, "two.ipynb", TWO)
    run_cell(lab_page, 0)
    for index in (0, 1):
        wait_for_state(lab_page, "completed", index)
    expect(view(lab_page, 0)).to_contain_text("20 / 20")
    expect(view(lab_page, 1)).to_contain_text("from the second")
    assert len([url for url in sockets if "jupyter-agent/ws" in url]) == 1


def test_a_failed_task_shows_its_error_and_its_traceback(lab: Lab, lab_page: Page) -> None:
    lab.open(lab_page, "broken.ipynb", BROKEN)
    run_cell(lab_page, 0)
    wait_for_state(lab_page, "failed")
    trace = lab_page.locator(".ja-traceback")
    expect(trace).to_be_visible()
    expect(trace).to_contain_text("Cell [1], line 6, in broken")
    expect(trace.locator(".ja-source")).to_have_text('raise ValueError("no such column: price")')
    expect(lab_page.get_by_role("log")).to_have_text("before")
    expect(lab_page.get_by_role("button", name="Retry", exact=True)).to_be_enabled()
