"""The quickstart in JupyterLab, with a page that is refreshed while a task runs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from .lab import Lab, run_cell, save, view, wait_for_state
from .test_lab import wait_for_progress

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "quickstart.ipynb"
SECONDS = 200
REFRESHES = 5
HURRY = "SECONDS = 4"


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1100, "height": 900})
    yield page
    page.context.close()


def code_cells() -> list[str]:
    """The notebook's code, with a task that lasts for as long as it is disturbed."""
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    slow = [text.replace('"JUPYTER_AGENT_DEMO_SECONDS", "2"', f'"-", "{SECONDS}"') for text in code]
    assert slow != code
    return slow


def test_its_task_moves_on_through_five_refreshes(lab: Lab, page: Page) -> None:
    before = len(lab.loud())
    cells = code_cells()
    submit = next(number for number, text in enumerate(cells) if "fit.submit" in text)
    lab.open(page, "quickstart.ipynb", *cells[: submit + 1], HURRY)
    for number in range(submit + 1):
        run_cell(page, number)
    seen = wait_for_progress(page, 5)
    save(page)
    for _ in range(REFRESHES):
        page.reload()
        seen = wait_for_progress(page, seen)
        expect(view(page)).to_have_attribute("data-connection", "live")
        expect(view(page)).to_have_attribute("data-state", "running")
    run_cell(page, submit + 1)
    wait_for_state(page, "completed")
    expect(page.locator(".ja-line")).to_have_text([re.compile(rf"^epoch {n}:") for n in (0, 100, 200, 300)])
    (task,) = lab.api("jupyter-agent/tasks?name=fit")["tasks"]
    assert (task["state"], task["logs"], task["progress"]["done"]) == ("completed", 4, 400)
    assert lab.loud()[before:] == []
