"""All tasks of a server in JupyterLab: panel, running section, status bar, notifications, commands."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from .axe import grave_faults
from .lab import Lab, command, run_cell, save, wait_for_kernel
from .page_faults import watch_scripts
from .stories import HEAD, expect_tasks, tasks, until

ASKS = (
    HEAD + "run = ja.task(lambda: ja.current().ask('Which one?', choices=['a', 'b']), name='asker').submit()"
)
FAILS = HEAD + "run = ja.task(lambda: 1 / 0, name='broken').submit()"
PLUGIN = "jupyter-agent-tasks:plugin"
RECORDER = """
window.told = [];
window.Notification = class {
  static permission = "granted";
  constructor(title, options) { window.told.push([title, options.tag]); }
  close() {}
};
"""
HIDE = "Object.defineProperty(document, 'hidden', {get: () => true, configurable: true})"


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1200, "height": 850})
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    page = context.new_page()
    faults = watch_scripts(page)
    yield page
    assert faults == []


def set_wish(page: Page, name: str, value: object) -> None:
    """Set one of the extension's settings, and wait until it holds."""
    page.evaluate(
        """async ([plugin, name, value]) => {
          const {serviceManager} = window.jupyterapp;
          await serviceManager.settings.save(plugin, JSON.stringify({[name]: value}));
        }""",
        [PLUGIN, name, value],
    )


def tell_all(lab: Lab, page: Page) -> None:
    """Let the ends of short tasks be told, too, from the next page on."""
    path = lab.root.parent / "config" / "lab" / "user-settings" / "jupyter-agent-tasks"
    path.mkdir(parents=True, exist_ok=True)
    (path / "plugin.jupyterlab-settings").write_text(json.dumps({"notify": "all"}))


def row(page: Page, name: str) -> Any:
    return page.locator("jupyter-agent-tasks .jal-row", has_text=name).first


def expect_not_told(page: Page, name: str) -> None:
    """See that no notification names *name*, once a later one is there."""
    command(page, "apputils:notify", message="a later one", type="info", options={"autoClose": False})
    expect(page.locator(".Toastify__toast", has_text="a later one")).to_have_count(1)
    expect(page.locator(".Toastify__toast", has_text=name)).to_have_count(0)


def scroll_away(page: Page) -> None:
    """Put another tab in front of the notebook."""
    command(page, "launcher:create")


def test_the_panel_shows_a_task_live_and_its_name_leads_to_its_cell(
    lab: Lab, page: Page, tmp_path: Path
) -> None:
    stop = tmp_path / "stop"
    lab.open(page, "panel.ipynb", *["1"] * 3, until(stop, "far"))
    run_cell(page, 3)
    expect_tasks(page, "running")
    save(page)
    page.get_by_role("tab", name="Tasks", exact=True).click()
    expect(row(page, "far")).to_have_attribute("data-state", "running")
    command(page, "application:close")
    expect(page.locator(".jp-NotebookPanel")).to_have_count(0)
    row(page, "far").get_by_text("far", exact=True).click()
    expect_tasks(page, "running")
    page.wait_for_function("window.jupyterapp.shell.currentWidget?.content?.activeCellIndex === 3")
    stop.touch()
    expect(row(page, "far")).to_have_attribute("data-state", "completed")


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_axe_finds_no_grave_fault_in_cell_and_panel(lab: Lab, page: Page, tmp_path: Path, theme: str) -> None:
    page.emulate_media(reduced_motion="reduce")
    stop = tmp_path / "stop"
    lab.open(page, f"{theme.split()[1]}.ipynb", until(stop, "observed"), ASKS, FAILS)
    command(page, "apputils:change-theme", theme=theme)
    page.wait_for_function("name => document.body.dataset.jpThemeName === name", arg=theme)
    for cell, state in enumerate(("running", "running", "failed")):
        run_cell(page, cell)
        expect(tasks(page).nth(cell)).to_have_attribute("data-state", state)
    page.get_by_role("tab", name="Tasks", exact=True).click()
    expect(row(page, "observed")).to_have_attribute("data-state", "running")
    assert grave_faults(page, "#jupyter-agent-tasks") == []
    for cell in range(3):
        tasks(page).nth(cell).scroll_into_view_if_needed()
        page.evaluate(
            "at => { document.querySelectorAll('.jupyter-agent-task')[at].id = `seen-${at}` }", cell
        )
        assert grave_faults(page, f"#seen-{cell}") == []
    tasks(page).nth(1).get_by_role("button", name="Cancel").click()
    stop.touch()
    expect(tasks(page).nth(0)).to_have_attribute("data-state", "completed")


def test_a_task_whose_notebook_is_gone_is_shown_in_a_tab(lab: Lab, page: Page, tmp_path: Path) -> None:
    stop = tmp_path / "stop"
    stop.touch()
    lab.open(page, "gone.ipynb", until(stop, "orphan"))
    run_cell(page, 0)
    expect_tasks(page, "completed")
    page.evaluate("window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    command(page, "application:close")
    page.get_by_role("button", name="Discard", exact=False).click()
    (lab.root / "gone.ipynb").unlink()
    page.get_by_role("tab", name="Tasks", exact=True).click()
    row(page, "orphan").get_by_text("orphan", exact=True).click()
    tab = page.locator(".jp-MainAreaWidget jupyter-agent-task")
    expect(tab).to_have_attribute("data-state", "completed")
    expect(tab).to_have_attribute("data-connection", "live")


def test_running_tasks_are_counted_and_can_be_cancelled_where_kernels_are(
    lab: Lab, page: Page, tmp_path: Path
) -> None:
    lab.open(page, "count.ipynb", until(tmp_path / "never", "counted"))
    expect(page.locator(".ja-status")).to_be_hidden()
    run_cell(page, 0)
    expect_tasks(page, "running")
    expect(page.get_by_role("button", name="1 task running")).to_be_visible()
    page.get_by_role("tab", name="Running", exact=False).click()
    item = page.locator(".jp-RunningSessions-item", has_text="counted")
    expect(item).to_be_visible()
    item.hover()
    item.locator(".jp-RunningSessions-itemShutdown").click()
    expect(tasks(page)).to_have_attribute("data-state", "cancelled")
    expect(item).to_have_count(0)
    expect(page.locator(".ja-status")).to_be_hidden()


def test_an_end_that_nobody_sees_is_told_once_with_a_way_to_it(
    lab: Lab, context: BrowserContext, page: Page, tmp_path: Path
) -> None:
    tell_all(lab, page)
    context.add_init_script(RECORDER)
    stop = tmp_path / "stop"
    lab.open(page, "told.ipynb", until(stop, "longer"))
    run_cell(page, 0)
    expect_tasks(page, "running")
    scroll_away(page)
    page.evaluate(HIDE)
    stop.touch()
    toast = page.locator(".Toastify__toast", has_text="longer completed after")
    expect(toast).to_have_count(1)
    [[title, tag]] = page.evaluate("window.told")
    assert title.startswith("longer completed after")
    assert tag.startswith("jupyter-agent ")
    toast.get_by_role("button", name="Open").click()
    expect(tasks(page)).to_be_visible()


def test_an_end_that_is_in_sight_is_not_told(lab: Lab, page: Page, tmp_path: Path) -> None:
    tell_all(lab, page)
    stop = tmp_path / "stop"
    lab.open(page, "seen.ipynb", until(stop, "watched"))
    run_cell(page, 0)
    expect_tasks(page, "running")
    stop.touch()
    expect_tasks(page, "completed")
    expect_not_told(page, "watched")


def test_a_question_is_told_until_it_is_answered(lab: Lab, page: Page) -> None:
    lab.open(page, "asks.ipynb", "1")
    command(page, "launcher:create")
    page.evaluate(
        """(code) => {
          const notebook = [...window.jupyterapp.shell.widgets("main")].find((one) => one.context);
          notebook.sessionContext.session.kernel.requestExecute({code});
        }""",
        ASKS,
    )
    toast = page.locator(".Toastify__toast", has_text="asker asks: Which one?")
    expect(toast).to_have_count(1)
    toast.get_by_role("button", name="Answer", exact=True).click()
    tab = page.locator(".ja-tab jupyter-agent-task", has_text="Which one?")
    tab.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator("jupyter-agent-task[data-state=completed]")).to_have_count(1)
    expect(page.locator(".Toastify__toast")).to_have_count(0)


def test_who_wants_no_notifications_gets_none(lab: Lab, page: Page, tmp_path: Path) -> None:
    tell_all(lab, page)
    stop = tmp_path / "stop"
    lab.open(page, "quiet.ipynb", until(stop, "muted", "mate"))
    set_wish(page, "notify", "never")
    page.reload()
    wait_for_kernel(page)
    run_cell(page, 0)
    expect_tasks(page, "running", "running")
    scroll_away(page)
    stop.touch()
    page.get_by_role("tab", name="Tasks", exact=True).click()
    expect(row(page, "muted")).to_have_attribute("data-state", "completed")
    expect_not_told(page, "muted")


def test_the_task_of_the_active_cell_is_cancelled_by_a_command(lab: Lab, page: Page, tmp_path: Path) -> None:
    lab.open(page, "command.ipynb", until(tmp_path / "never", "commanded"))
    run_cell(page, 0)
    expect_tasks(page, "running")
    page.keyboard.press("Control+Shift+C")
    page.locator(".lm-CommandPalette-input").fill("cancel the task")
    expect(page.locator(".lm-CommandPalette-item.lm-mod-active")).to_contain_text("Cancel the Task")
    page.keyboard.press("Enter")
    expect(tasks(page)).to_have_attribute("data-state", "cancelled")


def test_the_keys_of_a_table_in_a_cell_do_not_reach_the_notebook(lab: Lab, page: Page) -> None:
    lab.open(page, "keys.ipynb", FAILS, "ja.tasks()")
    run_cell(page, 0)
    expect_tasks(page, "failed")
    run_cell(page, 1)
    table = page.locator(".jp-OutputArea jupyter-agent-tasks")
    table.get_by_role("link", name="broken").first.focus()
    page.keyboard.press("x")
    expect(table.get_by_role("toolbar", name="Selected tasks")).to_contain_text("1 selected")
    page.keyboard.press("x")
    expect(table.get_by_role("toolbar", name="Selected tasks")).to_have_count(0)
    expect(page.locator(".jp-Notebook .jp-Cell")).to_have_count(2)
    assert grave_faults(page, ".jp-OutputArea jupyter-agent-tasks") == []


def test_a_narrow_panel_has_what_is_selected_in_one_row_and_says_who_waits(
    lab: Lab, page: Page, tmp_path: Path
) -> None:
    lab.open(page, "narrow.ipynb", f"{FAILS}\n{FAILS}", f"{ASKS}\n{until(tmp_path / 'never', 'runs')}")
    run_cell(page, 0)
    expect_tasks(page, "failed", "failed")
    page.get_by_role("tab", name="Tasks", exact=True).click()
    page.locator("#jupyter-agent-tasks li", has_text="broken").first.wait_for()
    for select in (
        page.locator("#jupyter-agent-tasks").get_by_role("checkbox", name="Select broken").all()[:2]
    ):
        select.check(force=True)
    bar = page.get_by_role("toolbar", name="Selected tasks")
    tops = bar.get_by_role("button").evaluate_all("all => all.map((one) => one.getBoundingClientRect().top)")
    assert len(tops) == 4
    assert len(set(tops)) == 1
    run_cell(page, 1)
    expect(page.locator(".ja-status")).to_have_text("2 running, 1 waiting for you")
