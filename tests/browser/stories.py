"""Cells for notebooks in a real JupyterLab, and queries that tests of its extension make."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect

from .lab import START

MIME = "application/vnd.jupyter-agent.task.v1+json"
WIDGET = "application/vnd.jupyter.widget-view+json"

HEAD = "import pathlib, time\nimport jupyter_agent as ja\n"
HELPER = "def price():\n    rows = []\n    return rows[1]"
USES = HEAD + "@ja.task\ndef broken():\n    return price()\n\nbroken.submit();"
"""Two cells: a task of the second fails in a line of the first."""


def until(stop: Path, *names: str) -> str:
    """A cell whose tasks, one for each name, run until the file *stop* is there."""
    body = f"""
def look():
    count = 0
    while not pathlib.Path({str(stop)!r}).exists():
        count += 1
        ja.current().raise_if_cancelled()
        ja.current().log(f"line {{count}}")
        ja.current().progress(count, 1000)
        time.sleep(0.05)
    return count

"""
    return (
        HEAD
        + body
        + "".join(f"{name} = ja.task(look, name={name!r}).submit()\n" for name in names or ("train",))
    )


def tasks(page: Page) -> Locator:
    """The views of tasks in notebooks."""
    return page.locator(".jp-Notebook jupyter-agent-task")


def expect_tasks(page: Page, *states: str) -> None:
    """Wait until exactly that many tasks are shown, in these states."""
    expect(tasks(page)).to_have_count(len(states))
    for index, state in enumerate(states):
        expect(tasks(page).nth(index)).to_have_attribute("data-state", state)


def wait_for_html(page: Page, word: str, cell: int = 0) -> None:
    """Wait until the notebook in front holds static HTML of a task that contains *word*."""
    page.wait_for_function(
        """([cell, word]) => {
          const {cells} = window.jupyterapp?.shell.currentWidget?.content?.model ?? {cells: []};
          const outputs = [...cells][cell]?.outputs.toJSON() ?? [];
          const html = ({data}) => [data?.["text/html"] ?? ""].flat().join("");
          return outputs.some((output) => html(output).includes(word));
        }""",
        arg=[cell, word],
        timeout=START * 1000,
    )


def told(output: dict[str, Any]) -> dict[str, Any]:
    """Return what a task's output in a file says about its task."""
    found: dict[str, Any] = output["metadata"][MIME]
    return found


def shown(outputs: list[dict[str, Any]]) -> list[str]:
    """The names of the tasks that outputs in a file show."""
    return [told(output)["snapshot"]["name"] for output in outputs if MIME in output.get("data", {})]
