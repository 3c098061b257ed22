"""The errors of a page's scripts in which the extension had a part."""

from __future__ import annotations

import re

from playwright.sync_api import BrowserContext, Error, Page

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
