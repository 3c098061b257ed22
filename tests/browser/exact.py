"""A task that logs numbered lines until it is stopped, and a check that each line arrived once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.support.builders import until

from .lab import START, Lab
from .stories import HEAD

TELLER = (
    HEAD
    + """\
@ja.task(name={name!r})
def tell(folder):
    turn, task = 0, ja.current()
    with open(folder / "said", "a", buffering=1) as said:
        while not (folder / "stop").exists():
            task.raise_if_cancelled()
            if turn < {last}:
                task.log(f"line {{turn}}")
                said.write(f"line {{turn}}\\n")
            turn += 1
            task.progress(turn, 10000)
            time.sleep({pause})
    return turn

tell.submit(pathlib.Path({folder!r}));"""
)


@dataclass(frozen=True)
class Teller:
    """One such task, silent after *last* lines; its bar moves on. Its file has the lines that it logged."""

    folder: Path
    name: str = "tell"
    pause: float = 0.1
    last: int = 390

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True)

    @property
    def cell(self) -> str:
        return TELLER.format(name=self.name, folder=str(self.folder), pause=self.pause, last=self.last)

    @property
    def said(self) -> list[str]:
        path = self.folder / "said"
        return path.read_text().splitlines() if path.exists() else []

    def say(self, more: int) -> int:
        """Wait until it has logged so many lines more; return how many it has logged."""
        enough = len(self.said) + more
        return int(until(lambda: len(self.said) >= enough and len(self.said), START))

    def stop(self) -> None:
        (self.folder / "stop").touch()


def tasks(page: Page) -> Locator:
    """The views of tasks in the notebook."""
    return page.locator(".jp-Notebook jupyter-agent-task")


def wait_for_end(view: Locator, state: str) -> None:
    """Wait until the server told this view that its task ended so."""
    expect(view).to_have_attribute("data-state", state)
    expect(view).to_have_attribute("data-connection", "live")


def wait_until_it_moves(view: Locator, beyond: int = 0) -> None:
    """Wait until the view is connected, and its bar has moved beyond *beyond*."""
    expect(view).to_have_attribute("data-connection", "live")
    bar = view.get_by_role("progressbar")
    expect(bar).to_have_attribute("aria-valuenow", re.compile(r"^\d+$"))
    least = max(beyond, value(bar))
    until(lambda: value(bar) > least, START)


def value(bar: Locator) -> int:
    """Return how far a task is, by its bar."""
    return int(bar.get_attribute("aria-valuenow") or 0)


def lines(view: Locator) -> list[str]:
    """Every line of a view's log, the earlier ones too."""
    earlier = view.get_by_role("button", name="Show earlier", exact=True)
    log = view.get_by_role("log")
    while earlier.is_visible():
        before = log.evaluate("log => log.scrollHeight")
        earlier.click()
        log.page.wait_for_function(
            "([log, before]) => log.scrollHeight > before", arg=[log.element_handle(), before]
        )
    return str(log.inner_text()).splitlines()


def events(lab: Lab, task: str) -> list[str]:
    """The lines of a task as the server tells them to other programs."""
    page: dict[str, Any] = lab.api(f"jupyter-agent/tasks/{task}/events?types=log&limit=10000")
    assert not page["more"]
    return [event["data"]["text"] for event in page["events"]]


def expect_exact(lab: Lab, view: Locator, teller: Teller, *, killed: bool = False) -> None:
    """The view, the server and the task itself know the same lines.

    Of a task that was *killed*, its own file may lack the last.
    """
    told = events(lab, view.get_attribute("data-task-id") or "")
    assert differ(lines(view), told) == []
    assert differ(told, [f"line {number}" for number in range(len(told))]) == []
    missing = len(teller.said) - len(told)
    assert -int(killed) <= missing <= 0, f"{missing} lines that were said are not there"


def differ(one: list[str], other: list[str]) -> list[str]:
    """Return the differences between two lists, positions included."""
    return [
        line
        for line in unified_diff(one, other, lineterm="", n=0)
        if not line.startswith(("---", "+++", "@@"))
    ]
