"""The example agent in JupyterLab: its question outlives a refresh, and its work a restart of the kernel."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from .lab import Lab, restart_kernel, run_cell, save, view, wait_for_kernel, wait_for_state

AGENT = """
from pathlib import Path
import jupyter_agent as ja
from jupyter_agent.examples.agent import agent
Path("sales.csv").write_text("region,amount\\nnorth,10\\nsouth,20.5\\n")
run = ja.task(agent, key="mean").submit("What is the mean of price?")
"""


ASK = """
import jupyter_agent as ja
run = ja.task(lambda: ja.current().ask("Which of `north` and `south`?"), name="ask").submit()
"""


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1000, "height": 900})
    yield page
    page.context.close()


def test_it_is_answered_after_a_refresh_and_a_restart_of_its_kernel(lab: Lab, page: Page) -> None:
    before = len(lab.loud())
    lab.open(page, "agent.ipynb", AGENT)
    run_cell(page, 0)
    answer = view(page).get_by_role("button", name="amount", exact=True)
    answer.wait_for()
    first = view(page).get_attribute("data-task-id")
    save(page)
    page.reload()
    answer.wait_for()
    expect(view(page).locator(".ja-message")).to_have_count(2)  # the plan, the question
    wait_for_kernel(page)
    restart_kernel(page)
    wait_for_state(page, "interrupted")
    expect(answer).to_be_hidden()
    save(page)
    page.reload()
    wait_for_kernel(page)
    run_cell(page, 0)
    answer.wait_for()
    assert view(page).get_attribute("data-task-id") == first
    expect(view(page).locator(".ja-attempt")).to_have_text("attempt 2")
    expect(view(page).get_by_text("I go on after step 2.")).to_be_visible()
    answer.click()
    wait_for_state(page, "completed")
    expect(view(page).locator(".ja-message").last).to_contain_text(
        "The mean of amount in sales.csv is 15.25."
    )
    expect(view(page).get_by_text("My plan:")).to_have_count(1)
    assert lab.loud()[before:] == []


def test_a_task_whose_kernel_is_gone_offers_its_cell_and_no_retry(lab: Lab, page: Page) -> None:
    lab.open(page, "again.ipynb", ASK)
    run_cell(page, 0)
    again = view(page).get_by_role("button", name="Run cell again")
    wait_for_state(page, "running")
    expect(again).to_have_count(0)
    first = view(page).get_attribute("data-task-id")
    restart_kernel(page)
    wait_for_state(page, "interrupted")
    expect(view(page).get_by_role("button", name="Retry")).to_have_count(0)
    again.click()
    wait_for_state(page, "running")
    expect(view(page)).not_to_have_attribute("data-task-id", first or "")


def test_enter_sends_an_answer(lab: Lab, page: Page) -> None:
    """JupyterLab prevents the browser's own way of submitting a form inside of a cell."""
    lab.open(page, "enter.ipynb", ASK)
    run_cell(page, 0)
    view(page).get_by_role("textbox").click()
    page.keyboard.type("south")
    page.keyboard.press("Enter")
    wait_for_state(page, "completed")
    expect(view(page).locator(".ja-result")).to_have_text("'south'")
    expect(view(page).locator(".ja-message[data-prompt=true] code")).to_have_text(["north", "south"])
