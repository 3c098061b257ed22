"""The JupyterLab extension draws tasks from the server, and the notebook keeps how they ended."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from .lab import Lab, command, is_dirty, run_cell, save, wait_for_kernel, write_notebook
from .page_faults import watch_scripts
from .stories import HEAD, MIME, WIDGET, expect_tasks, tasks, told, until, wait_for_html

SHIPPED = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
QUICK = HEAD + "run = ja.task(lambda: 42, name='quick').submit()"
RICH = (
    HEAD
    + """
from IPython.display import HTML

def paint():
    ja.current().display(HTML("<b id='said'>bold</b><script>window.hacked = true</script>"))

run = ja.submit(paint)
"""
)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1100, "height": 800})
    faults = watch_scripts(page)
    yield page
    page.context.close()
    assert faults == []


def wait_until_saved(page: Page) -> None:
    page.wait_for_function("!window.jupyterapp.shell.currentWidget.content.model.dirty")


@pytest.fixture(scope="module")
def saved(lab: Lab, browser: Browser) -> dict[str, Any]:
    """The output of a task that ran, as its notebook ``first.ipynb`` was saved."""
    page = browser.new_page(viewport={"width": 1100, "height": 800})
    lab.open(page, "first.ipynb", QUICK)
    run_cell(page, 0)
    expect_tasks(page, "completed")
    wait_for_html(page, "completed")
    save(page)
    wait_until_saved(page)
    page.context.close()
    [output] = lab.outputs("first.ipynb")
    return output


def write_outputs(path: Path, *outputs: dict[str, Any]) -> None:
    """A notebook whose only cell has these outputs; it is not trusted."""
    write_notebook(path, ("",))
    notebook = json.loads(path.read_text())
    notebook["cells"][0]["outputs"] = outputs
    path.write_text(json.dumps(notebook))


def test_the_element_draws_a_task_where_a_widget_could(lab: Lab, page: Page, tmp_path: Path) -> None:
    stop = tmp_path / "stop"
    lab.open(page, "draws.ipynb", until(stop))
    run_cell(page, 0)
    expect_tasks(page, "running")
    expect(tasks(page)).to_have_attribute("data-connection", "live")
    expect(page.locator(".jp-RenderedJupyterAgentTask > jupyter-agent-task")).to_have_count(1)
    expect(page.locator(".jupyter-widgets")).to_have_count(0)
    stop.touch()
    expect_tasks(page, "completed")


def test_a_saved_notebook_shows_how_its_task_ended_without_any_server(
    lab: Lab, saved: dict[str, Any]
) -> None:
    assert told(saved)["snapshot"]["state"] == "completed"
    assert WIDGET not in saved["data"]
    assert "completed" in "".join(saved["data"]["text/html"])
    assert saved["data"][MIME] == {"v": 1}
    export = [sys.executable, "-m", "nbconvert", "--to", "html", "--stdout", str(lab.root / "first.ipynb")]
    exported = subprocess.run(export, capture_output=True, text=True, timeout=60, check=True).stdout
    assert "<strong>quick</strong>" in exported
    assert "completed" in exported


@pytest.mark.parametrize("name", [path.name for path in SHIPPED])
def test_a_notebook_as_it_is_shipped_shows_what_was_saved(lab: Lab, page: Page, name: str) -> None:
    """Its outputs have no metadata: they would differ with every run."""
    shutil.copy(SHIPPED[0].parent / name, lab.root)
    lab.visit(page, name)
    wait_for_kernel(page)
    notebook = page.locator(".jp-Notebook")
    expect(notebook.locator(".jp-OutputArea-output").first).to_be_attached()
    for words in ("does not say which task", "Offline", "deleted", "Error displaying"):
        expect(notebook.get_by_text(words)).to_have_count(0)
    for output in outputs_of_ours(lab, name):
        shown = re.sub(r"<[^>]*>", " ", "".join(output["data"]["text/html"])).split()
        expect(notebook).to_contain_text(" ".join(shown[:3] if shown[0] == "●" else shown[:1]))


def outputs_of_ours(lab: Lab, name: str) -> list[dict[str, Any]]:
    cells = json.loads((lab.root / name).read_text())["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    return [output for output in outputs if any("jupyter-agent" in mime for mime in output.get("data", {}))]


@pytest.mark.usefixtures("saved")
def test_a_notebook_that_knows_the_end_is_not_changed_by_being_opened(lab: Lab, page: Page) -> None:
    lab.visit(page, "first.ipynb")
    expect_tasks(page, "completed")
    expect(tasks(page)).to_have_attribute("data-connection", "live")
    with page.expect_response(lambda response: "/jupyter-agent/tasks?" in response.url):
        page.reload()
    expect_tasks(page, "completed")
    expect(tasks(page)).to_have_attribute("data-connection", "live")
    assert not is_dirty(page)


def test_an_end_that_came_while_no_page_was_there_is_kept_when_one_is(
    lab: Lab, page: Page, tmp_path: Path
) -> None:
    stop = tmp_path / "stop"
    lab.open(page, "later.ipynb", until(stop))
    run_cell(page, 0)
    expect_tasks(page, "running")
    save(page)
    wait_until_saved(page)
    page.goto("about:blank")
    stop.touch()
    lab.visit(page, "later.ipynb")
    wait_for_html(page, "completed")
    assert is_dirty(page)


def test_the_end_is_kept_of_an_output_that_is_collapsed(lab: Lab, page: Page, tmp_path: Path) -> None:
    stop = tmp_path / "stop"
    lab.open(page, "collapsed.ipynb", until(stop))
    run_cell(page, 0)
    expect_tasks(page, "running")
    command(page, "notebook:hide-cell-outputs")
    expect_tasks(page)
    stop.touch()
    wait_for_html(page, "completed")


def test_an_untrusted_notebook_shows_its_task_alive(lab: Lab, page: Page, saved: dict[str, Any]) -> None:
    write_outputs(lab.root / "stranger.ipynb", saved)
    lab.visit(page, "stranger.ipynb")
    expect_tasks(page, "completed")
    expect(tasks(page)).to_have_attribute("data-connection", "live")
    assert page.evaluate("[...window.jupyterapp.shell.currentWidget.content.model.cells][0].trusted") is False


def test_a_task_that_the_server_does_not_know_is_drawn_as_it_was_saved(
    lab: Lab, page: Page, saved: dict[str, Any]
) -> None:
    output = json.loads(json.dumps(saved).replace(told(saved)["task_id"], "0" * 26))
    assert told(output)["task_id"] == "0" * 26
    write_outputs(lab.root / "foreign.ipynb", output)
    lab.visit(page, "foreign.ipynb")
    expect_tasks(page, "completed")
    expect(tasks(page)).to_contain_text("does not know the task")
    outputs = "[...window.jupyterapp.shell.currentWidget.content.model.cells][0].outputs.toJSON()"
    [kept] = page.evaluate(outputs)
    assert told(kept) == told(output)


def test_an_output_that_names_no_task_says_so(lab: Lab, page: Page) -> None:
    write_outputs(
        lab.root / "empty.ipynb", {"output_type": "display_data", "data": {MIME: {"v": 1}}, "metadata": {}}
    )
    lab.visit(page, "empty.ipynb")
    expect(page.get_by_text("There is nothing here that draws it")).to_be_visible()


def test_without_the_servers_extension_a_task_is_drawn_as_it_was_saved(
    page: Page, tmp_path: Path, saved: dict[str, Any]
) -> None:
    bare = Lab(tmp_path / "bare", extension=True, agent=False)
    try:
        write_outputs(bare.root / "bare.ipynb", saved)
        bare.visit(page, "bare.ipynb")
        expect_tasks(page, "completed")
        expect(tasks(page)).to_have_attribute("data-connection", "offline")
        page.close()
    finally:
        bare.stop()


def test_an_output_that_is_drawn_again_keeps_its_element(lab: Lab, page: Page, tmp_path: Path) -> None:
    stop = tmp_path / "stop"
    lab.open(page, "again.ipynb", until(stop))
    run_cell(page, 0)
    expect_tasks(page, "running")
    tasks(page).evaluate("(element) => { element.mine = true; }")
    stop.touch()
    wait_for_html(page, "completed")
    expect_tasks(page, "completed")
    assert tasks(page).evaluate("(element) => element.mine") is True


def test_two_views_of_an_output_show_the_same_and_keep_one_end(lab: Lab, page: Page, tmp_path: Path) -> None:
    stop = tmp_path / "stop"
    lab.open(page, "twice.ipynb", until(stop))
    run_cell(page, 0)
    expect_tasks(page, "running")
    command(page, "notebook:create-output-view")
    both = page.locator(".jp-OutputArea-output > jupyter-agent-task")
    expect(both).to_have_count(2)
    stop.touch()
    for index in (0, 1):
        expect(both.nth(index)).to_have_attribute("data-state", "completed")
    page.evaluate("window.jupyterapp.shell.activateById([...window.jupyterapp.shell.widgets('main')][0].id)")
    wait_for_html(page, "completed")
    save(page)
    wait_until_saved(page)
    [output] = lab.outputs("twice.ipynb")
    assert told(output)["snapshot"]["state"] == "completed"


def test_what_a_task_shows_is_drawn_by_the_notebook_itself(lab: Lab, page: Page) -> None:
    lab.open(page, "rich.ipynb", RICH)
    run_cell(page, 0)
    expect_tasks(page, "completed")
    expect(tasks(page).locator(".jp-RenderedHTML #said")).to_have_text("bold")
