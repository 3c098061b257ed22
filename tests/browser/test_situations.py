"""No failure of a page, kernel, server or network costs a view in JupyterLab a line."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, expect

from .cable import cable
from .exact import Teller, expect_exact, tasks, wait_for_end, wait_until_it_moves
from .lab import START, Lab, block, command, restart_kernel, run_cell, save, wait_for_kernel
from .page_faults import watch_scripts
from .stories import wait_for_html

REFRESHES = 20
MEANWHILE = 40
"""Lines that are logged while no page is connected."""
BROWSERS_OWN = re.compile(
    "ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|WebSocket connection to"
    # JupyterLab asks a kernel for its debugger when a page connects, and the server may die before the answer
    "|Could not restore the debugger state"
)
"""Chromium's own message on the console when a server cannot be reached."""
UNASKED = "Blocked attempt to show a 'beforeunload' confirmation panel"
"""... and when JupyterLab wants to ask about an unsaved notebook on a page without user activation."""
HIDE = """
Object.defineProperty(document, "visibilityState", {get: () => window.away ? "hidden" : "visible"});
Object.defineProperty(document, "hidden", {get: () => !!window.away});
const draw = window.requestAnimationFrame.bind(window);
window.requestAnimationFrame = (job) => window.away ? 0 : draw(job);
"""
"""A page whose ``window.away`` says whether it is visible: headless Chromium shows all its pages always."""


@pytest.fixture
def said() -> list[str]:
    """Messages of the browser's console at error or above."""
    return []


@pytest.fixture
def context(browser: Browser, said: list[str]) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1100, "height": 800})
    context.on("console", lambda message: said.extend(fault_of(message)))
    faults = watch_scripts(context)
    yield context
    context.close()
    assert faults == []


def fault_of(message: ConsoleMessage) -> list[str]:
    is_fault = message.type == "error" and not message.text.startswith(UNASKED)
    return [f"{message.text} {message.location['url']}"] if is_fault else []


@pytest.fixture
def page(lab: Lab, context: BrowserContext, said: list[str]) -> Iterator[Page]:
    """A page; neither its console nor the server's log has anything to complain about afterwards."""
    before = len(lab.loud())
    yield context.new_page()
    assert said == []
    assert "\n".join(lab.loud()[before:]) == ""


@pytest.fixture
def teller(tmp_path: Path) -> Iterator[Teller]:
    teller = Teller(tmp_path / "tell")
    yield teller
    teller.stop()


def start(lab: Lab, page: Page, name: str, *cells: str, url: str = "") -> Locator:
    """Open a notebook of these cells and run the first; its view, which moves."""
    lab.open(page, name, *cells, url=url)
    run_cell(page, 0)
    wait_until_it_moves(tasks(page).first)
    return tasks(page).first


def save_now(page: Page) -> None:
    save(page)
    page.wait_for_function("!window.jupyterapp.shell.currentWidget.content.model.dirty")


def finish(lab: Lab, view: Locator, teller: Teller) -> None:
    teller.stop()
    wait_for_end(view, "completed")
    expect_exact(lab, view, teller)


def refresh(page: Page, number: int) -> None:
    """Refresh the page; how far it gets until the next refresh comes differs."""
    match number % 5:
        case 1:
            page.reload()
        case 2:
            with page.expect_websocket(lambda socket: "jupyter-agent/ws" in socket.url, timeout=START * 1000):
                page.reload(wait_until="commit")
        case 4:
            page.reload()
            wait_until_it_moves(tasks(page))
        case _:
            page.reload(wait_until="domcontentloaded")


@pytest.mark.timeout(300)
def test_twenty_refreshes_in_a_row_lose_and_double_nothing(lab: Lab, page: Page, tmp_path: Path) -> None:
    teller = Teller(tmp_path / "slow", pause=0.2)
    view = start(lab, page, "twenty.ipynb", teller.cell)
    for number in range(REFRESHES):
        if number == REFRESHES // 2:  # before, the notebook has never been saved
            save_now(page)
        refresh(page, number)
    expect(tasks(page)).to_have_count(1)
    finish(lab, view, teller)


def test_a_network_that_is_cut_for_forty_lines_costs_the_page_nothing(
    lab: Lab, page: Page, said: list[str], teller: Teller
) -> None:
    with cable(lab.url) as line:
        view = start(lab, page, "cut.ipynb", teller.cell, url=line.url)
        line.pull()
        expect(view).not_to_have_attribute("data-connection", "live")
        said_by_then = teller.say(MEANWHILE)
        line.plug()
        wait_until_it_moves(view, beyond=said_by_then)
        finish(lab, view, teller)
        page.goto("about:blank")
    said[:] = [text for text in said if not BROWSERS_OWN.search(text)]


def test_a_restarted_kernel_leaves_an_interrupted_task_and_a_refresh_after_it_too(
    lab: Lab, page: Page, said: list[str], tmp_path: Path
) -> None:
    teller = Teller(tmp_path / "short", last=30)  # what is said after a kernel began to shut down is too late
    view = start(lab, page, "restart.ipynb", teller.cell)
    expect(view.locator(".ja-line")).to_have_count(30)
    restart_kernel(page)
    wait_for_end(view, "interrupted")
    expect_exact(lab, view, teller)
    wait_for_kernel(page)
    for _ in range(2):
        page.reload()
        wait_for_end(view, "interrupted")
        expect_exact(lab, view, teller)
        expect(view.get_by_text("ended before the task was done")).to_be_visible()
        save_now(page)
    [output] = lab.outputs("restart.ipynb")
    assert "interrupted" in "".join(output["data"]["text/html"])
    said[:] = [text for text in said if "debugger state" not in text]  # JupyterLab's own, after a restart


def test_a_server_that_is_killed_and_started_again_finds_its_page_waiting(
    lab: Lab, page: Page, said: list[str], teller: Teller
) -> None:
    view = start(lab, page, "server.ipynb", teller.cell)
    lab.kill()
    expect(view).not_to_have_attribute("data-connection", "live")
    lab.start()
    wait_for_end(view, "interrupted")
    expect_exact(lab, view, teller, killed=True)
    page.reload()
    wait_for_end(view, "interrupted")
    expect_exact(lab, view, teller, killed=True)
    said[:] = [text for text in said if not BROWSERS_OWN.search(text) and "/api/" not in text]


def test_a_second_tab_shows_the_same_and_what_is_pressed_in_one_is_seen_in_the_other(
    lab: Lab, page: Page, context: BrowserContext, teller: Teller
) -> None:
    view = start(lab, page, "tabs.ipynb", teller.cell)
    save_now(page)
    other = context.new_page()
    other.goto(f"{lab.url}lab/workspaces/other/tree/tabs.ipynb?token={lab.token}")
    wait_until_it_moves(tasks(other))
    other.get_by_role("button", name="Cancel", exact=True).click()
    for one in (view, tasks(other)):
        wait_for_end(one, "cancelled")
        expect_exact(lab, one, teller, killed=True)


def test_a_page_that_nobody_sees_and_that_was_frozen_is_right_when_it_is_seen_again(
    lab: Lab, page: Page, teller: Teller
) -> None:
    page.add_init_script(HIDE)
    view = start(lab, page, "hidden.ipynb", teller.cell)
    show(page, seen=False)
    devtools = page.context.new_cdp_session(page)
    devtools.send("Page.setWebLifecycleState", {"state": "frozen"})
    said_by_then = teller.say(MEANWHILE)
    devtools.send("Page.setWebLifecycleState", {"state": "active"})
    show(page, seen=True)
    wait_until_it_moves(view, beyond=said_by_then)
    finish(lab, view, teller)


def show(page: Page, *, seen: bool) -> None:
    """Make this page visible, or hidden."""
    page.evaluate(
        "(seen) => { window.away = !seen; document.dispatchEvent(new Event('visibilitychange')); }", seen
    )


def test_a_refresh_while_a_cell_blocks_the_kernel_finds_the_view_moving_and_its_cancel_at_work(
    lab: Lab, page: Page, teller: Teller, tmp_path: Path
) -> None:
    view = start(lab, page, "blocked.ipynb", teller.cell, block(tmp_path / "over"))
    save_now(page)
    run_cell(page, 1)
    page.wait_for_function(
        "window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'busy'"
    )
    page.reload()
    wait_until_it_moves(view)
    view.get_by_role("button", name="Cancel", exact=True).click()
    expect(view).to_have_attribute("data-state", "cancelled")
    expect_exact(lab, view, teller, killed=True)
    (tmp_path / "over").touch()


def test_a_task_outlives_its_cell(lab: Lab, page: Page, teller: Teller, tmp_path: Path) -> None:
    second = Teller(tmp_path / "second", name="second")
    view = start(lab, page, "outlives.ipynb", teller.cell, second.cell)
    first = view.get_attribute("data-task-id") or ""
    run_cell(page, 1)
    wait_until_it_moves(tasks(page).nth(1))
    wait_until_it_moves(view)
    run_cell(page, 0)  # the next run takes the view of the first away, not its task
    expect(view).not_to_have_attribute("data-task-id", first)
    wait_until_it_moves(view)
    next_run = view.get_attribute("data-task-id")
    command(page, "notebook:delete-cell")
    expect(tasks(page)).to_have_count(1)
    for gone in (first, next_run):
        assert lab.api(f"jupyter-agent/tasks/{gone}")["state"] == "running"
    finish(lab, tasks(page).first, second)


def test_a_notebook_that_was_saved_in_mid_task_is_exported_without_a_share_that_is_not_true(
    lab: Lab, page: Page, teller: Teller
) -> None:
    view = start(lab, page, "export.ipynb", teller.cell)
    save_now(page)
    html = exported(lab, "export.ipynb")
    assert "<strong>tell</strong>" in html
    assert not re.search(r"\b\d+ ?%", text_of(html))
    finish(lab, view, teller)
    wait_for_html(page, "completed")
    save_now(page)
    assert "completed" in text_of(exported(lab, "export.ipynb"))


def exported(lab: Lab, name: str) -> str:
    """A notebook's file as nbconvert shows it."""
    command = [sys.executable, "-m", "nbconvert", "--to", "html", "--stdout", str(lab.root / name)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


def text_of(html: str) -> str:
    """Return the text of the output as an exported notebook shows it."""
    body = html[html.index("<main") :]
    return re.sub(r"<[^>]+>", " ", body)


def test_the_dark_theme_is_readable(lab: Lab, page: Page, teller: Teller) -> None:
    view = start(lab, page, "dark.ipynb", teller.cell)
    command(page, "apputils:change-theme", theme="JupyterLab Dark")
    page.wait_for_function("document.body.dataset.jpThemeLight === 'false'")
    for part in ("[role=log] .ja-line", ".ja-name", ".ja-stats", ".ja-badge"):
        assert contrast(view.locator(part).first) > 4.5, part
    finish(lab, view, teller)


def contrast(text: Locator) -> float:
    """Return the contrast of a text with its background, as WCAG defines it."""
    return float(
        text.evaluate("""(text) => {
          const parse = (color) => (color.match(/[\\d.]+/g) ?? []).map(Number);
          const behind = (node) => {
            const [r, g, b, a = 1] = parse(getComputedStyle(node).backgroundColor);
            return a === 1 || !node.parentElement ? [r, g, b] : behind(node.parentElement);
          };
          const bright = (rgb) => rgb.slice(0, 3)
            .map((one) => one / 255)
            .map((one) => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4)
            .reduce((sum, one, at) => sum + one * [0.2126, 0.7152, 0.0722][at], 0.05);
          const pair = [bright(parse(getComputedStyle(text).color)), bright(behind(text))];
          return Math.max(...pair) / Math.min(...pair);
        }""")
    )
