"""A notebook that several people have open: their pages, their copies of the document, and the file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Page

from tests.support.builders import until as wait_until

from .lab import START, Lab, command, wait_for_kernel
from .stories import MIME, told

DOCUMENT = "window.jupyterapp.shell.currentWidget.context.model.sharedModel"
WRITERS = f"""new Set([...{DOCUMENT}.awareness.getStates().values()]
  .filter((state) => state["jupyter-agent"] === "writes" && state.user)
  .map(({{user}}) => user.username)).size"""
"""The number of people who have the notebook open in a page that can write views."""


@contextmanager
def people(browser: Browser, count: int) -> Iterator[tuple[Page, ...]]:
    """The pages of *count* people: each has cookies, and thereby a name, of its own."""
    contexts = [browser.new_context(viewport={"width": 1100, "height": 700}) for _ in range(count)]
    yield tuple(context.new_page() for context in contexts)
    for context in contexts:
        context.close()


def open_in_all(lab: Lab, pages: Sequence[Page], name: str, *cells: str) -> None:
    lab.open(pages[0], name, *cells)
    for page in pages[1:]:
        lab.visit(page, name)
        wait_for_kernel(page)
    for page in pages:
        wait_for_people(page, len(pages))


def wait_for_people(page: Page, count: int) -> None:
    """Wait until a page knows that *count* people have the notebook in front open."""
    page.wait_for_function(f"() => {WRITERS} === {count}", timeout=START * 1000)


def reload(page: Page, count: int = 2) -> None:
    """Load a page again, and wait until it knows the others; its kernel may be busy."""
    page.reload()
    page.wait_for_function("window.jupyterapp?.shell.currentWidget?.content?.widgets?.length > 0")
    wait_for_people(page, count)


def document(page: Page) -> list[list[dict[str, Any]]]:
    """The outputs of each cell in a page's copy of the document."""
    found: list[list[dict[str, Any]]] = page.evaluate(
        f"{DOCUMENT}.cells.map((cell) => cell.getOutputs?.() ?? [])"
    )
    return found


def views(outputs: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """The tasks that outputs show, and their states there."""
    snapshots = [told(output)["snapshot"] for output in outputs if MIME in output.get("metadata", {})]
    return [(snapshot["name"], snapshot["state"]) for snapshot in snapshots]


def wait_for_views(page: Page, cell: int, *expected: tuple[str, str]) -> None:
    """Wait until a page's copy of the document has exactly these views under a cell."""
    wait_until(lambda: views(document(page)[cell]) == list(expected), START)


def expect_document(lab: Lab, pages: Sequence[Page], name: str, *expected: tuple[str, str]) -> None:
    """Wait until all copies, and the file when it is saved, have these views under the first cell."""
    for page in pages:
        wait_for_views(page, 0, *expected)
    command(pages[0], "docmanager:save")
    wait_until(lambda: views(lab.outputs(name)) == list(expected), START)
    for _, state in expected:
        html = "".join("".join(output["data"]["text/html"]) for output in lab.outputs(name))
        assert html.count(state) == len(expected)
    for page in pages:
        page.wait_for_function(f"!{DOCUMENT}.dirty")
