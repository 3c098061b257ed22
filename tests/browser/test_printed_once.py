"""What a task prints, in JupyterLab and Notebook 7: in its view, and not again below the cell."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from .lab import (
    Lab,
    held,
    run_cell,
    save,
    view,
    wait_for_kernel,
    wait_for_state,
    write_notebook,
)
from .page_faults import page_without_faults
from .stories import wait_for_html

TASK = """\
import logging, sys, warnings
import jupyter_agent as ja
from tqdm import tqdm
print("cell: first")
@ja.task
def train():
    print("task: text")
    print("task: error", file=sys.stderr)
    warnings.warn("task: warning")
    logging.getLogger("mine").warning("task: record")
    list(tqdm([1], desc="task: bar"))
    ja.current().ask("Go on?", ["yes"])
    print("task: last")
run = train.submit()
print("cell: last")
"""
MAGIC = """\
%%task named
print("task: text")
6 * 7
"""
BOTH = {"printedBelow": True}


@pytest.fixture
def page(lab: Lab, browser: Browser) -> Iterator[Page]:
    with page_without_faults(lab, browser) as page:
        yield page


@pytest.fixture(params=["lab", "notebook7"])
def visit(request: pytest.FixtureRequest, lab: Lab) -> Any:
    """Shows a notebook, that is there, in JupyterLab or in Notebook 7."""
    return lab.visit if request.param == "lab" else lab.visit_classic


def below(page: Page) -> Locator:
    """What is shown of the outputs of cells but for views."""
    return page.locator(".jp-Cell-outputArea .jp-OutputArea-output:not(:has(jupyter-agent-task)):visible")


def log(page: Page) -> Locator:
    return page.get_by_role("log")


def printed(lab: Lab, name: str) -> str:
    """All that streams have in the file."""
    return "".join(one["text"] for one in map(joined, lab.outputs(name)) if one["output_type"] == "stream")


def joined(output: dict[str, Any]) -> dict[str, Any]:
    return {**output, "text": "".join(output.get("text", ""))}


def save_now(page: Page) -> None:
    save(page)
    page.wait_for_function("!window.jupyterapp.shell.currentWidget.content.model.dirty")


def set_setting(page: Page, values: dict[str, Any]) -> None:
    """Save the user's settings as a page does, for the pages that are loaded after this."""
    page.evaluate(
        "(raw) => window.jupyterapp.serviceManager.settings.save('jupyter-agent-tasks:plugin', raw)",
        json.dumps(values),
    )


def test_what_a_task_prints_is_in_its_view_alone(lab: Lab, page: Page, visit: Any) -> None:
    name = f"{visit.__name__}.ipynb"
    write_notebook(lab.root / name, (TASK,))
    visit(page, name)
    wait_for_kernel(page)
    run_cell(page, 0)
    yes = view(page).get_by_role("button", name="yes", exact=True)
    yes.wait_for()
    expect(log(page)).to_contain_text("task: record")
    expect(below(page)).to_have_text(["cell: first\n", "cell: last\n"])
    save_now(page)
    for what in ("text", "error", "warning", "record", "bar"):
        assert f"task: {what}" in printed(lab, name)
    page.reload()
    expect(log(page)).to_contain_text("task: record")
    expect(below(page)).to_have_text(["cell: first\n", "cell: last\n"])
    yes.click()
    wait_for_state(page, "completed")
    expect(log(page)).to_contain_text("task: last")
    wait_for_html(page, "completed")
    save_now(page)
    export = [
        sys.executable,
        "-m",
        "nbconvert",
        "--to",
        "html",
        "--no-input",
        "--stdout",
        str(lab.root / name),
    ]
    html = subprocess.run(export, capture_output=True, text=True, check=True).stdout
    tasks = [f"task: {what}" for what in ("text", "error", "warning", "record", "bar", "last")]
    assert [line for line in ("cell: first", "cell: last", *tasks) if line not in html] == []


def test_the_value_of_a_cell_that_is_a_task_is_in_its_view_alone(lab: Lab, page: Page, visit: Any) -> None:
    name = f"magic-{visit.__name__}.ipynb"
    write_notebook(lab.root / name, ("%load_ext jupyter_agent", MAGIC, "6 * 9"))
    with held(page, "jupyter-agent/static/log.js"):
        visit(page, name)
        wait_for_kernel(page)
        run_cell(page, 0)
        run_cell(page, 1)
        wait_for_state(page, "completed")
        run_cell(page, 2)
        expect(below(page).last).to_have_text("54")
        expect(below(page).get_by_text("42")).to_have_count(0)
    expect(below(page)).to_have_text(["54"])
    expect(view(page).locator(".ja-result")).to_have_text("42")
    save_now(page)
    kinds = [[output["output_type"] for output in lab.outputs(name, cell)] for cell in (1, 2)]
    assert kinds == [["display_data", "stream", "execute_result"], ["execute_result"]]
    page.reload()
    wait_for_state(page, "completed")
    expect(below(page)).to_have_text(["54"])


def test_a_setting_shows_both(lab: Lab, page: Page, visit: Any) -> None:
    name = f"both-{visit.__name__}.ipynb"
    write_notebook(lab.root / name, ("%load_ext jupyter_agent", MAGIC))
    visit(page, name)
    wait_for_kernel(page)
    set_setting(page, BOTH)
    try:
        page.reload()
        wait_for_kernel(page)
        run_cell(page, 0)
        run_cell(page, 1)
        expect(below(page)).to_have_text(["task: text\n", "42"])
        expect(log(page)).to_contain_text("task: text")
    finally:
        set_setting(page, {})
    page.reload()
    expect(log(page)).to_contain_text("task: text")
