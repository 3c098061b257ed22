"""Running and scheduling from screens: in JupyterLab, in Notebook 7, and on the tasks page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from .axe import grave_faults
from .lab import Lab, command, wait_for_kernel
from .page_faults import page_without_faults, watch_scripts

PARAMETERS = "city = 'Oslo'  # where to look\ndays = 3"
JOB = """\
def report(city: str, days: int = 3, full: bool = False) -> str:
    print("looking at", city)
    return f"{city} for {days} days"
"""

BUSY = """async code => {
    const { kernel } = window.jupyterapp.shell.currentWidget.sessionContext.session;
    kernel.requestExecute({ code });
    while (kernel.status !== "busy") await new Promise(resolve => kernel.statusChanged.connect(resolve));
}"""


@pytest.fixture
def page(lab: Lab, browser: Browser) -> Iterator[Page]:
    with page_without_faults(lab, browser) as page:
        yield page


@pytest.fixture
def tab(lab: Lab, browser: Browser) -> Iterator[Page]:
    """A tab with the tasks page, as wide as a phone."""
    context = browser.new_context(viewport={"width": 360, "height": 760}, reduced_motion="reduce")
    tab = context.new_page()
    faults: list[str] = []
    tab.on("pageerror", lambda error: faults.append(str(error)))
    tab.goto(f"{lab.url}login?token={lab.token}")
    yield tab
    context.close()
    assert faults == []


def write_report(path: Path) -> None:
    """A notebook with a `parameters` cell, which needs no package in its kernel."""
    cells: list[dict[str, Any]] = [
        {"source": PARAMETERS, "metadata": {"tags": ["parameters"]}},
        {"source": "print('looking at', city, days)", "metadata": {}},
    ]
    more: dict[str, Any] = {"cell_type": "code", "outputs": [], "execution_count": None}
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    made = [{**more, **cell, "id": f"cell-{n}"} for n, cell in enumerate(cells)]
    content = {"cells": made, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(content))


def form(page: Page) -> Locator:
    return page.get_by_role("dialog")


def newest(lab: Lab) -> dict[str, Any]:
    found: dict[str, Any] = lab.api("jupyter-agent/tasks?limit=1")["tasks"][0]
    return found


def has_focus(page: Page, within: str) -> None:
    page.wait_for_function("within => document.activeElement?.closest(within)", arg=within)


def test_keys_alone_lead_from_the_palette_to_the_result(lab: Lab, page: Page) -> None:
    write_report(lab.root / "weather.ipynb")
    lab.visit(page, "weather.ipynb")
    wait_for_kernel(page)  # until then JupyterLab moves the focus by itself
    page.keyboard.press("Control+Shift+C")
    expect(page.locator(".lm-CommandPalette-input")).to_be_focused()
    page.keyboard.type("run this notebook as task")
    expect(page.locator(".lm-CommandPalette-item.lm-mod-active")).to_contain_text("Run This Notebook as Task")
    page.keyboard.press("Enter")
    expect(form(page).get_by_label("city")).to_have_value("Oslo")
    expect(form(page).get_by_role("button", name="Run", exact=True)).to_be_focused()
    expect(form(page).get_by_label("Notebook", exact=True).last).to_have_value("weather.ipynb")
    for _ in range(30):
        page.keyboard.press("Shift+Tab")
        if page.evaluate("document.activeElement.id") == "jar-p-city":
            break
    page.keyboard.press("Control+A")
    page.keyboard.type("Bergen")
    page.keyboard.press("Enter")
    view = page.locator(".ja-tab jupyter-agent-task")
    expect(view).to_have_attribute("data-state", "completed")
    has_focus(page, ".ja-tab")
    expect(view.get_by_role("log")).to_contain_text("looking at Bergen 3")
    assert newest(lab)["params"] == {"city": "Bergen"}


def test_what_the_server_refuses_is_said_and_nothing_typed_is_lost(lab: Lab, browser: Browser) -> None:
    page = browser.new_page()
    faults = watch_scripts(page)
    (lab.root / "jobs.py").write_text(JOB)
    page.goto(f"{lab.url}lab/workspaces/files?token={lab.token}")
    item = page.locator(".jp-DirListing-item", has_text="jobs.py")
    item.click(button="right")
    page.locator(".lm-Menu-item", has_text="Run as Task").click()
    expect(form(page).get_by_label("Command").last).to_have_value("python jobs.py")
    form(page).get_by_text("Function", exact=True).first.click()
    target = form(page).locator("#jar-target")
    expect(target).to_have_value("jobs.py:")
    target.fill("jobs.py:repott")
    expect(form(page).locator("#jar-target-error")).to_contain_text("repott")
    target.fill("jobs.py:report")
    expect(form(page).get_by_label("days")).to_have_value("3")
    expect(form(page).get_by_label("full")).to_have_value("False")
    form(page).get_by_label("city").fill("Oslo")
    form(page).get_by_text("Every", exact=True).click()
    form(page).get_by_label("Interval").fill("soon")
    expect(form(page).get_by_text("'soon'")).to_be_visible()
    form(page).get_by_role("button", name="Schedule", exact=True).click()
    expect(form(page).get_by_role("alert")).to_contain_text("soon")
    expect(form(page).get_by_label("city")).to_have_value("Oslo")
    form(page).get_by_text("Now", exact=True).click()
    form(page).get_by_label("days").fill("8")
    form(page).get_by_label("days").press("Enter")
    view = page.locator(".ja-tab jupyter-agent-task")
    expect(view).to_have_attribute("data-state", "completed")
    expect(view).to_contain_text("Oslo for 8 days")
    page.close()
    assert faults == []


def test_a_cell_is_run_as_a_task_from_its_menu_also_while_the_kernel_is_busy(lab: Lab, page: Page) -> None:
    lab.open(page, "cellmenu.ipynb", "total = 6 * 7\ntotal")
    (lab.root / "busy").touch()
    page.evaluate(
        BUSY, f"import os, time\nwhile os.path.exists({str(lab.root / 'busy')!r}): time.sleep(0.02)"
    )
    page.locator(".jp-CodeCell .cm-content").first.click(button="right")
    page.locator(".lm-Menu-item", has_text="Run Cell as Task").click()
    waiting = page.get_by_text("The kernel is busy. The cell runs as a task as soon as it is free.")
    expect(waiting).to_be_visible()
    (lab.root / "busy").unlink()
    expect(waiting).to_have_count(0)
    view = page.locator(".jp-Notebook jupyter-agent-task")
    expect(view).to_have_attribute("data-state", "completed")
    expect(view).to_contain_text("42")
    expect(page.locator(".jp-CodeCell .cm-content").first).to_contain_text("%%task")
    command(page, "jupyter-agent:run-cell-as-task")
    expect(view).to_have_attribute("data-state", "completed")
    text = page.evaluate(
        "window.jupyterapp.shell.currentWidget.content.activeCell.model.sharedModel.getSource()"
    )
    assert text == "%%task\ntotal = 6 * 7\ntotal"


def test_launcher_toolbar_and_panel_lead_to_the_form(lab: Lab, page: Page) -> None:
    write_report(lab.root / "places.ipynb")
    lab.visit(page, "places.ipynb")
    page.locator(".jp-NotebookPanel .jp-Cell").first.wait_for()
    page.get_by_role("button", name="Run or schedule this notebook").click()
    expect(form(page).get_by_label("days")).to_have_value("3")
    page.keyboard.press("Escape")
    expect(form(page)).to_have_count(0)
    command(page, "launcher:create")
    page.locator(".jp-LauncherCard", has_text="Run as Task").click()
    expect(form(page).locator("#jar-target")).to_be_focused()
    page.keyboard.press("Escape")
    page.get_by_role("tab", name="Tasks", exact=True).click()
    panel = page.locator("jupyter-agent-panel")
    panel.get_by_role("button", name="Schedules").click()
    expect(panel.get_by_text("No schedules.")).to_be_visible()
    panel.get_by_role("button", name="Run", exact=True).click()
    expect(form(page).get_by_text(re.compile(r"^Runs at 09:00 on Monday through Friday"))).to_be_visible()
    assert grave_faults(page, "dialog") == []
    assert grave_faults(page, "jupyter-agent-panel") == []


def test_notebook_7_has_the_form_in_its_toolbar_and_its_file_menu(lab: Lab, page: Page) -> None:
    write_report(lab.root / "seven.ipynb")
    lab.visit_classic(page, "seven.ipynb")
    page.locator(".jp-NotebookPanel .jp-Cell").first.wait_for()
    page.get_by_role("button", name="Run or schedule this notebook").click()
    expect(form(page).get_by_label("days")).to_have_value("3")
    page.goto(f"{lab.url}tree")
    page.locator(".jp-DirListing-item", has_text="seven.ipynb").click(button="right")
    page.locator(".lm-Menu-item", has_text="Run as Task").click()
    expect(form(page).get_by_label("days")).to_have_value("3")
    with page.expect_popup() as opened:
        form(page).get_by_label("days").press("Enter")
    expect(opened.value.locator("jupyter-agent-task")).to_have_attribute("data-state", "completed")


def test_a_schedule_is_made_run_edited_and_deleted_by_keys_on_a_phones_page(lab: Lab, tab: Page) -> None:
    (lab.root / "jobs.py").write_text(JOB)
    tab.goto(f"{lab.url}jupyter-agent/?view=schedules")
    tab.get_by_role("button", name="Run", exact=True).press("Enter")
    kind = form(tab).get_by_role("radio", name="Notebook", exact=True)
    kind.focus()
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("Tab")
    expect(form(tab).locator("#jar-target")).to_be_focused()
    tab.keyboard.type("jobs.py:report")
    form(tab).get_by_label("city").press_sequentially("Oslo")
    expect(form(tab).get_by_role("list", name="Next runs").get_by_role("listitem")).to_have_count(3)
    assert grave_faults(tab) == []
    tab.keyboard.press("Enter")
    line = tab.locator(".jas-row")
    expect(line.locator(".jas-title")).to_have_text("jobs.py:report jobs.py:report city=Oslo")
    line.get_by_role("button", name="Run jobs.py:report now").press("Enter")
    mark = line.get_by_role("link", name=re.compile("^completed in .*due "))
    expect(mark).to_have_count(1)
    line.get_by_role("button", name="Pause jobs.py:report").press("Enter")
    expect(line).to_contain_text("Paused")
    line.get_by_role("button", name="Edit jobs.py:report").press("Enter")
    expect(form(tab).get_by_label("city")).to_have_value("Oslo")
    form(tab).get_by_label("days").fill("8")
    form(tab).get_by_label("Cron expression").fill("0 4 * * *")
    expect(form(tab).get_by_text("Runs at 04:00")).to_be_visible()
    form(tab).get_by_label("days").press("Enter")
    expect(line).to_contain_text("city=Oslo days=8")
    expect(line).to_contain_text("at 04:00 every day")
    scheme: Any
    for scheme in ("light", "dark"):
        tab.emulate_media(color_scheme=scheme)
        assert grave_faults(tab) == []
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    mark.press("Enter")
    expect(tab.locator("jupyter-agent-task")).to_have_attribute("data-state", "completed")
    tab.keyboard.press("Escape")
    expect(mark).to_be_focused()
    line.get_by_role("button", name="Delete jobs.py:report").press("Enter")
    expect(tab.get_by_role("button", name="Undo")).to_be_focused()
    expect(tab.get_by_text("No schedules.")).to_be_visible()
    assert grave_faults(tab) == []
    tab.keyboard.press("Enter")
    expect(line.get_by_role("button", name="Delete jobs.py:report")).to_be_focused()
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("button", name="Undo")).to_be_focused()
    tab.get_by_role("button", name="Now").press("Enter")
    expect(tab.get_by_text("Deleted jobs.py:report.")).to_be_visible()
    assert lab.api("jupyter-agent/schedules")["schedules"] == []


def test_a_forward_is_added_and_removed(lab: Lab, tab: Page) -> None:
    tab.goto(f"{lab.url}jupyter-agent/?view=forwards")
    tab.get_by_role("button", name="New forward").click()
    tab.get_by_label("Address").fill("http://127.0.0.1:9/")
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("alert")).to_contain_text("begins with ws://")
    tab.get_by_label("Address").fill("ws://127.0.0.1:9/")
    assert grave_faults(tab) == []
    tab.keyboard.press("Enter")
    line = tab.locator(".jas-row")
    expect(line).to_contain_text("All events of all tasks")
    line.get_by_role("button", name=re.compile("^Remove")).click()
    expect(tab.get_by_text("No forwards.")).to_be_visible()
    tab.reload()  # a page that goes away does what waits
    expect(tab.get_by_text("No forwards.")).to_be_visible()
    assert lab.api("jupyter-agent/forwards")["forwards"] == []
