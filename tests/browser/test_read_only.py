"""A user whom the authorizer lets read only: no button is drawn that would be refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from .axe import grave_faults
from .lab import Lab, command, run_cell, view, wait_for_kernel
from .page_faults import page_without_faults
from .stories import HEAD

GUARD = """
from pathlib import Path
from jupyter_server.auth import Authorizer

class Guard(Authorizer):
    def is_authorized(self, handler, user, action, resource):
        return resource != "jupyter_agent" or action == "read" or Path({key!r}).exists()

c.ServerApp.authorizer_class = Guard
"""
ASKS = (
    HEAD + "run = ja.task(lambda: ja.current().ask('Which one?', choices=['a', 'b']), name='asker').submit()"
)
ENDED = "ja.task(lambda: 42, name='quick').submit().result()"
COMMANDS = ("Cancel", "Retry", "Delete", "a", "b", "Send", "Run", "New schedule", "Add a forward")

NAMES = """(all) => all.filter((one) => one.checkVisibility())
  .map((one) => one.ariaLabel || one.textContent.trim())"""


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """A file with which the user may do everything."""
    return tmp_path / "key"


@pytest.fixture
def lab(tmp_path: Path, key: Path) -> Iterator[Lab]:
    config = tmp_path / "lab" / "config"
    config.mkdir(parents=True)
    (config / "jupyter_server_config.py").write_text(GUARD.format(key=str(key)))
    lab = Lab(tmp_path / "lab", extension=True)
    yield lab
    lab.stop()


@pytest.fixture
def page(lab: Lab, browser: Browser) -> Iterator[Page]:
    with page_without_faults(lab, browser) as page:
        yield page


def offered(page: Page, within: str) -> list[str]:
    """The buttons of commands that can be seen in a part of the page, by their names."""
    names = page.locator(within).get_by_role("button").evaluate_all(NAMES)
    return [name for name in names if name in COMMANDS]


def test_a_reader_sees_no_button_that_would_be_refused(lab: Lab, page: Page, key: Path) -> None:
    lab.open(page, "reader.ipynb", ASKS, ENDED)
    run_cell(page, 0)
    run_cell(page, 1)
    expect(view(page)).to_have_attribute("data-asking", "true")
    expect(view(page).get_by_text("read only", exact=True)).to_be_visible()
    expect(view(page).get_by_text("Which one?")).to_be_visible()
    assert offered(page, ".jupyter-agent-task") == []
    command(page, "jupyter-agent:show-tasks")
    panel = page.locator(".ja-panel")
    panel.get_by_text("Which one?").hover()
    expect(panel.get_by_text("Read only", exact=True)).to_be_visible()
    panel.get_by_role("button", name="More actions for asker").click()
    items = ["Open", "Open notebook", "Select", "Copy id"]
    expect(panel.get_by_role("menuitem")).to_have_text(items)
    page.keyboard.press("Escape")
    assert offered(page, ".ja-panel") == []
    assert not page.evaluate("window.jupyterapp.commands.hasCommand('jupyter-agent:run-as-task')")
    assert grave_faults(page, ".ja-panel") == []

    page.goto(f"{lab.url}jupyter-agent/?token={lab.token}")
    listed = page.locator("jupyter-agent-tasks")
    listed.get_by_text("quick").click()
    expect(page.locator(".jap-task .ja-badge")).to_have_text("completed")
    expect(page.get_by_text("Read only", exact=True)).to_be_visible()
    listed.get_by_text("quick").hover()
    page.keyboard.press("Delete")
    expect(listed.locator("li")).to_have_count(2)
    assert offered(page, "body") == []
    assert grave_faults(page) == []

    key.touch()
    page.goto(f"{lab.url}lab/workspaces/reader/tree/reader.ipynb")
    wait_for_kernel(page)
    answer = view(page).get_by_role("button", name="a", exact=True)
    expect(answer).to_be_visible()
    expect(view(page).get_by_role("button", name="Cancel")).to_be_visible()
    expect(view(page).get_by_text("read only", exact=True)).to_be_hidden()
    answer.click()
    expect(view(page)).to_have_attribute("data-state", "completed")
