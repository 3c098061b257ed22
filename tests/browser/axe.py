"""Accessibility checks by axe-core."""

from __future__ import annotations

import json
from pathlib import Path

import axe_playwright_python
from playwright.sync_api import Page

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
GRAVE = ("serious", "critical")


def grave_faults(page: Page, within: str = "html") -> list[str]:
    """Return what axe rates serious or critical in the part of the page that *within* selects."""
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("within => axe.run(within, {resultTypes: ['violations']})", within)
    return [
        json.dumps([fault["id"], [[node["html"][:160], node["failureSummary"]] for node in fault["nodes"]]])
        for fault in found["violations"]
        if fault["impact"] in GRAVE
    ]
