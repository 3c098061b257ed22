"""The log on the tasks page, as a user works in it, with a real server and kernel."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support import kernels, servers
from tests.support.builders import until
from tests.support.servers import Server

from .axe import grave_faults

LINES = 60_000
WORK = f"""
import logging
import jupyter_agent as ja

log = logging.getLogger("train.data")
log.setLevel("DEBUG")
log.addHandler(logging.NullHandler())

@ja.task
def long():
    for start in range(1, {LINES}, 100):
        print("\\n".join(f"line {{n}}" + " needle" * (n % 20_000 == 7) for n in range(start, start + 100)))

@ja.task(retries=1)
def flaky():
    attempt = ja.current().attempt
    log.debug("cache miss")
    print("\\x1b[1;31mred\\x1b[0m and \\x1b[38;5;208morange\\x1b[0m, see https://example.org/a.")
    log.warning("slow: part %d", attempt)
    if attempt == 1:
        raise ValueError("no such file: part-1.csv")
    log.error("<b>bad</b> row")

for run in (long.submit(), flaky.submit()):
    run.wait()
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with servers.servers(tmp_path_factory.mktemp("log")) as factory:
        started = factory.start(base_url="/user/x/")
        with ThreadPoolExecutor(1) as pool:  # this thread's loop is Playwright's
            pool.submit(kernels.execute, started, started.start_kernel(), WORK).result()
        until(lambda: all(task["ended"] for task in named(started).values()) and len(named(started)) == 2)
        yield started


def named(server: Server) -> dict[str, dict[str, Any]]:
    return {task["name"]: task for task in server.ask("tasks").json["tasks"]}


@pytest.fixture
def tab(browser: Browser, server: Server) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1180, "height": 720})
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab = context.new_page()
    faults: list[str] = []
    tab.on("pageerror", lambda error: faults.append(str(error)))
    tab.goto(f"{server.url}login?token={server.token}")
    yield tab
    context.close()
    assert faults == []


def open_log(tab: Page, server: Server, name: str, more: str = "") -> Locator:
    tab.goto(f"{server.url}jupyter-agent/?task={named(server)[name]['id']}{more}")
    expect(tab.locator(".ja-line").first).to_be_visible()
    return tab.get_by_role("log")


def share_of_the_page(tab: Page, log: Locator) -> float:
    """The height of the log, as a share of that of the part of the page with the task."""
    box, room = log.bounding_box(), tab.locator(".jap-task").bounding_box()
    assert box is not None
    assert room is not None
    return box["height"] / room["height"]


def numbers(tab: Page) -> list[str]:
    found = tab.locator(".ja-number")
    return list(found.evaluate_all("links => links.map(link => link.dataset.number)"))


def test_attempts_levels_colours_and_links(tab: Page, server: Server) -> None:
    log = open_log(tab, server, "flaky")
    heading = tab.locator(".ja-line[data-kind=attempt]")
    expect(heading).to_have_text(
        re.compile(r"^Attempt 2attempt 1 failed after [\d.]+s: ValueError: no such file: part-1.csv$")
    )
    expect(tab.locator(".ja-bold.ja-fg-1").first).to_have_text("red")
    expect(tab.locator(".ja-fg-208").first).to_have_text("orange")
    expect(tab.locator(".ja-address").first).to_have_attribute("href", "https://example.org/a")
    expect(tab.locator(".ja-logger").first).to_have_attribute("data-text", "train.data: ")
    expect(tab.locator(".ja-line[data-kind=error]")).to_have_text("<b>bad</b> row")
    assert numbers(tab) == ["1", "2", "3", "4", "5", "6", "7"]
    assert share_of_the_page(tab, log) < 0.4
    assert log.evaluate("log => log.scrollHeight - log.clientHeight") == 0
    heading.get_by_role("button").click()
    expect(tab.locator(".ja-number")).to_have_count(3)
    heading.get_by_role("button").click()
    tab.get_by_label("Level").select_option("warning")
    expect(tab.get_by_label("Level").locator("option[value=warning]")).to_have_text("Warnings and up (3)")
    expect(tab.locator(".ja-number")).to_have_count(3)
    assert numbers(tab) == ["3", "6", "7"]
    tab.get_by_label("Time of each line").select_option("clock")
    expect(tab.locator(".ja-at").first).to_have_attribute("data-text", re.compile(r"^\d\d:\d\d:\d\d$"))
    tab.reload()
    expect(tab.locator(".ja-at").first).to_have_attribute("data-text", re.compile(r"^\d\d:\d\d:\d\d$"))
    assert grave_faults(tab) == []
    tab.emulate_media(color_scheme="dark")
    assert grave_faults(tab) == []


def test_the_whole_log_is_searched_and_a_line_has_an_address(tab: Page, server: Server) -> None:
    log = open_log(tab, server, "long", "&line=30000")
    assert share_of_the_page(tab, log) > 0.6
    current, found = tab.locator(".ja-line[data-current]"), tab.locator(".ja-found")
    expect(current).to_have_text("line 30000")
    expect(current).to_be_in_viewport()
    tab.get_by_label("Search the log").fill("NEEDLE")
    expect(found).to_have_text("3 of 3 in 60,000 lines")
    expect(current).to_have_text("line 40007 needle")
    log.focus()
    tab.keyboard.press("N")
    expect(current).to_have_text("line 20007 needle")
    expect(current.locator("mark")).to_be_in_viewport()
    expect(found).to_have_text("2 of 3 in 60,000 lines")
    current.locator(".ja-number").click()
    expect(tab).to_have_url(re.compile(r"[?&]line=20007$"))
    tab.get_by_role("button", name="Follow").click()
    expect(tab.locator(".ja-line").last).to_have_text("line 60000")
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename == "long.log"
    lines = download.value.path().read_text().splitlines()
    assert len(lines) == LINES
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z  line 1", lines[0])
