"""The errors of a page's scripts in which the extension had a part."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, BrowserContext, Error, Page

from .lab import Lab

FILE = re.compile(r"https?://[^\s)]+")
OURS = "jupyter-agent"
"""In the address of every file of the extension, and of no other that a page loads."""


def is_hosts_own(error: Error) -> bool:
    """Whether every file on the error's stack is JupyterLab's or Notebook's own; without a stack it is not.

    Their own requests fail, unhandled, when a page is left or its server stops.
    """
    files = FILE.findall(error.stack or "")
    return bool(files) and not any(OURS in file for file in files)


def watch_scripts(where: Page | BrowserContext) -> list[str]:
    """Errors that scripts leave unhandled from now on, but for the host's own; the list grows."""
    faults: list[str] = []

    def note(error: Error) -> None:
        if not is_hosts_own(error):
            faults.append(error.stack or error.message)

    if isinstance(where, Page):
        where.on("pageerror", note)
    else:
        where.on("weberror", lambda raised: note(raised.error))
    return faults


@contextmanager
def page_without_faults(lab: Lab, browser: Browser) -> Iterator[Page]:
    """A page on *lab*: its scripts leave no error of ours, and the server's log nothing loud."""
    before = len(lab.loud())
    page = browser.new_context(viewport={"width": 1100, "height": 800}).new_page()
    faults = watch_scripts(page)
    yield page
    page.context.close()
    assert faults == []
    loud = lab.loud()[before:]
    assert loud == [], loud
