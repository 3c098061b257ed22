"""Views behind a real JupyterHub, whose cookie counts only beside a token against forged requests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Response, expect

from tests.support.builders import until

from .hub import Hub, escaped, idle_culler
from .lab import START, run_cell, wait_for_kernel, write_notebook

USER = "zoë+b c@example.org"
"""A name that addresses have escaped."""

CELL = """\
import pathlib, time
import jupyter_agent as ja

@ja.task
def train():
    for n in range(600):
        ja.current().log(f"line {n}")
        ja.current().metric("loss", 1 / (n + 1), n)
    return 42

train.submit().result()
"""


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A hub at https at which the server of `USER` runs."""
    hub = Hub(tmp_path_factory.mktemp("hub"), tls=True).start()
    try:
        hub.start_server(USER)
        yield hub
    finally:
        hub.stop()


@dataclass
class Visitor:
    """A browser in which `USER` logs in, and what the hub answered to its requests for tasks."""

    hub: Hub
    context: BrowserContext
    user: str = USER
    answers: list[Response] = field(default_factory=list)

    def visit(self, path: str) -> Page:
        """Show a page of the user's server; logs in on the first visit."""
        tab = self.context.new_page()
        tab.on("response", self._note)
        tab.goto(self.hub.page(self.user, path))
        if "/hub/login" in tab.url:
            self.hub.login(tab, self.user)
        tab.wait_for_url(re.compile(f"/user/{re.escape(escaped(self.user))}/"))
        return tab

    def refused(self) -> list[str]:
        """The requests for tasks that were refused."""
        return [f"{one.status} {one.url}" for one in self.answers if one.status >= 400]

    def _note(self, response: Response) -> None:
        if f"/user/{escaped(self.user)}/jupyter-agent/" in response.url:
            self.answers.append(response)


@pytest.fixture
def visitor(hub: Hub, browser: Browser) -> Iterator[Visitor]:
    context = browser.new_context(ignore_https_errors=True)
    yield Visitor(hub, context)
    context.close()


def add_task(hub: Hub, **submission: object) -> str:
    """Add a detached task that ends at once; its id when it has ended."""
    body = {"target": ["true"]} | submission
    task = str(hub.ask(USER, "jupyter-agent/tasks", "POST", body)["id"])
    until(lambda: hub.ask(USER, f"jupyter-agent/tasks/{task}")["state"] == "completed")
    return task


CULLED_AFTER = 6


def of_notebook(page: Page) -> Any:
    return page.locator(".jp-Notebook jupyter-agent-task")


def rows(page: Page) -> Any:
    return page.locator("li[data-task-id]")


def is_live(page: Page) -> None:
    expect(page.locator("jupyter-agent-page")).to_have_attribute("data-connection", "live")


def delete(page: Page, task: str) -> None:
    """Delete a task by its buttons."""
    row = page.locator(f"li[data-task-id='{task}']")
    row.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Now", exact=True).click()
    expect(row).to_have_count(0)
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)


def test_a_view_is_put_back_in_a_notebook_with_its_history(hub: Hub, visitor: Visitor) -> None:
    write_notebook(hub.home(USER) / "home" / "views.ipynb", (CELL,))
    tab = visitor.visit("lab/tree/views.ipynb")
    wait_for_kernel(tab)
    run_cell(tab, 0)
    expect(of_notebook(tab)).to_have_attribute("data-state", "completed")
    tab.reload()
    expect(of_notebook(tab)).to_have_attribute("data-state", "completed")
    with tab.expect_response(re.compile("/events[?].*before=")) as earlier:
        of_notebook(tab).get_by_role("button", name="Show earlier").click()
    assert earlier.value.status == 200
    expect(of_notebook(tab)).to_have_attribute("data-connection", "live")
    assert any("tasks?notebook=" in one.url for one in visitor.answers)
    assert visitor.refused() == []


def test_the_tasks_page_lists_opens_and_deletes(hub: Hub, visitor: Visitor) -> None:
    task = add_task(hub, name="to be deleted")
    tab = visitor.visit(f"jupyter-agent/?task={task}")
    expect(tab.locator("jupyter-agent-task")).to_have_attribute("data-state", "completed")
    delete(tab, task)
    assert visitor.refused() == []


FETCH = """(address) => fetch(address).then((answer) => answer.status)"""
STREAM = """(address) => new Promise((resolve) => {
  const stream = new EventSource(address);
  const end = (what) => (stream.close(), resolve(what));
  stream.onopen = () => end("open");
  stream.onerror = () => end("refused");
})"""
TOKEN = """document.cookie.split("; ").find((one) => one.startsWith("_xsrf=")).slice(6)"""


def test_what_the_browser_itself_opens_is_answered(hub: Hub, visitor: Visitor, tmp_path: Path) -> None:
    write_notebook(hub.home(USER) / "home" / "ran.ipynb", ("1 + 1",))
    task = add_task(hub, target="ran.ipynb")
    tab = visitor.visit(f"jupyter-agent/tasks/{task}")
    expect(tab.locator("body")).to_contain_text("completed")
    tab = visitor.visit(f"jupyter-agent/?task={task}")
    is_live(tab)
    with tab.expect_download() as download:
        tab.evaluate("(address) => { location.href = address }", f"tasks/{task}/notebook")
    assert '"cells"' in Path(download.value.path()).read_text()
    events = f"tasks/{task}/events"
    # An EventSource cannot send the header: the token goes into its address. Without it the hub refuses.
    assert tab.evaluate(STREAM, f"{events}?_xsrf={tab.evaluate(TOKEN)}") == "open"
    assert tab.evaluate(STREAM, events) == "refused"
    assert tab.evaluate(FETCH, events) == 403


def test_a_page_goes_on_after_its_server_was_stopped_and_started(hub: Hub, visitor: Visitor) -> None:
    task = add_task(hub, name="before")
    tab = visitor.visit("jupyter-agent/")
    is_live(tab)
    tab.evaluate("window.same = true")
    hub.stop_server(USER)
    expect(tab.locator("jupyter-agent-page")).not_to_have_attribute("data-connection", "live")
    hub.start_server(USER)
    is_live(tab)
    later = add_task(hub, name="after")
    expect(tab.locator(f"li[data-task-id='{later}']")).to_have_attribute("data-state", "completed")
    delete(tab, task)
    assert tab.evaluate("window.same")


def test_a_page_goes_on_without_its_token_against_forged_requests(hub: Hub, visitor: Visitor) -> None:
    lost, stale = add_task(hub, name="lost"), add_task(hub, name="stale")
    tab = visitor.visit("jupyter-agent/")
    is_live(tab)
    visitor.context.clear_cookies(name="_xsrf")
    delete(tab, lost)
    # As another server on this host would set it, at a path that comes first.
    tab.evaluate("document.cookie = `_xsrf=%zz; path=${location.pathname}`")
    delete(tab, stale)
    expect(tab.get_by_role("link", name="Log in again")).to_have_count(0)


def test_a_page_goes_on_where_the_hub_has_a_host_of_its_own(browser: Browser, tmp_path: Path) -> None:
    user = "ann"
    hub = Hub(tmp_path / "hub", domain="hub.localhost").start()
    context = browser.new_context()
    try:
        hub.start_server(user)
        tab = Visitor(hub, context, user).visit("jupyter-agent/")
        is_live(tab)
        hub.stop_server(user)
        expect(tab.locator("jupyter-agent-page")).not_to_have_attribute("data-connection", "live")
        hub.start_server(user)
        is_live(tab)
    finally:
        context.close()
        hub.stop()


def test_without_a_login_a_page_says_so_asks_no_more_and_comes_back(hub: Hub, visitor: Visitor) -> None:
    tab = visitor.visit("jupyter-agent/")
    is_live(tab)
    other = visitor.context.new_page()
    other.goto(f"{hub.url}hub/logout")
    link = tab.get_by_role("link", name="Log in again")
    expect(link).to_be_visible()
    asked = len(visitor.answers)
    tab.wait_for_timeout(3000)  # in which a page that tries again would have tried twice
    assert len(visitor.answers) == asked
    with visitor.context.expect_page() as opened:
        link.click()
    hub.login(opened.value, USER)
    is_live(opened.value)
    tab.evaluate("window.dispatchEvent(new Event('focus'))")
    is_live(tab)
    expect(link).to_have_count(0)


def test_the_idle_culler_waits_for_a_detached_task(hub: Hub, tmp_path: Path) -> None:
    stop = tmp_path / "stop"
    loop = f"while [ ! -e {stop} ]; do sleep 0.05; done"
    hub.ask(USER, "jupyter-agent/tasks", "POST", {"target": ["sh", "-c", loop]})
    with idle_culler(hub, CULLED_AFTER):
        late = monotonic() + 3 * CULLED_AFTER
        until(lambda: monotonic() > late or not hub.server(USER), 4 * CULLED_AFTER)
        assert hub.server(USER)["ready"]
        stop.touch()
        until(lambda: not hub.server(USER), START)
