"""Screenshots of the form and of schedules: ``python -m tests.browser.run_pictures`` writes docs/images/."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.lab import Lab
from tests.support.builders import until

IMAGES = Path(__file__).parents[2] / "docs" / "images"
PARAMETERS = """\
city = "Oslo"  # where to look
days = 7
resolution = "hourly"
api_token = ""  # of the weather service
"""
JOBS = """\
import random, time

def refresh(source: str, seconds: float = 0.2) -> str:
    time.sleep(seconds)
    if source == "prices" and random.random() < 0.4:
        raise ConnectionError("the exchange did not answer")
    return f"{source} is up to date"
"""


def write_notebook(path: Path) -> None:
    cell: dict[str, Any] = {"cell_type": "code", "id": "parameters", "outputs": [], "execution_count": None}
    cells = [{**cell, "source": PARAMETERS, "metadata": {"tags": ["parameters"]}}]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    content = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(content))


def add_schedules(lab: Lab) -> None:
    """Three schedules, of which two have run ten times."""
    lab.root.joinpath("jobs.py").write_text(JOBS)
    for source, when in (("prices", {"every": "30m"}), ("weather", {"cron": "0 6 * * *"})):
        body = {"target": "jobs.py:refresh", "parameters": {"source": source}, "name": f"refresh {source}"}
        made = lab.ask("jupyter-agent/schedules", "POST", {**body, "schedule": {**when, "overlap": "allow"}})
        for _ in range(10):
            lab.ask(f"jupyter-agent/schedules/{made['id']}/commands", "POST", {"command": "run"})
    report = {"target": "weather.ipynb", "name": "weekly report", "parameters": {"city": "Bergen"}}
    made = lab.ask("jupyter-agent/schedules", "POST", {**report, "schedule": {"cron": "0 9 * * MON"}})
    lab.ask(f"jupyter-agent/schedules/{made['id']}/commands", "POST", {"command": "pause"})
    until(lambda: len(ended(lab)) >= 20, 120)


def ended(lab: Lab) -> list[Any]:
    tasks = lab.api("jupyter-agent/tasks?limit=100")["tasks"]
    return [task for task in tasks if task["state"] in ("completed", "failed")]


def page_at(browser: Browser, lab: Lab, **options: Any) -> Page:
    page = browser.new_context(device_scale_factor=2, **options).new_page()
    page.goto(f"{lab.url}login?token={lab.token}")
    return page


def picture(page: Page, name: str) -> None:
    page.wait_for_timeout(800)  # for the eye: answers have come, nothing moves
    page.screenshot(path=IMAGES / f"{name}.png")


def take_page(browser: Browser, lab: Lab) -> None:
    page = page_at(browser, lab, viewport={"width": 1000, "height": 420})
    page.goto(f"{lab.url}jupyter-agent/?view=schedules")
    page.locator(".jas-row").first.wait_for()
    picture(page, "page-schedules")
    page.set_viewport_size({"width": 1000, "height": 660})
    page.goto(f"{lab.url}jupyter-agent/")
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_text("Function", exact=True).click()
    page.locator("#jar-target").fill("jobs.py:refresh")
    page.get_by_label("source").fill("prices")
    page.get_by_text("Cron", exact=True).click()
    page.get_by_role("list", name="Next runs").wait_for()
    picture(page, "page-run-form")
    phone = page_at(browser, lab, viewport={"width": 360, "height": 760}, color_scheme="dark", has_touch=True)
    phone.goto(f"{lab.url}jupyter-agent/?view=schedules")
    phone.locator(".jas-row").first.wait_for()
    picture(phone, "page-schedules-phone")


def take_lab(browser: Browser, lab: Lab) -> None:
    page = page_at(browser, lab, viewport={"width": 1000, "height": 700})
    lab.visit(page, "weather.ipynb")
    page.locator(".jp-NotebookPanel .jp-Cell").first.wait_for()
    page.get_by_role("tab", name="Tasks", exact=True).click()
    panel = page.locator("jupyter-agent-panel")
    panel.get_by_role("button", name="Schedules").click()
    panel.locator(".jas-row").first.wait_for()
    page.get_by_role("button", name="Run or schedule this notebook").click()
    page.get_by_label("days").wait_for()
    picture(page, "lab-run-form")
    page.keyboard.press("Escape")
    picture(page, "lab-schedules")


def main() -> None:
    """A server, its schedules and the pictures."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        lab = Lab(Path(folder), extension=True)
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        try:
            write_notebook(lab.root / "weather.ipynb")
            add_schedules(lab)
            take_page(chromium, lab)
            take_lab(chromium, lab)
        finally:
            chromium.close()
            lab.stop()


if __name__ == "__main__":
    main()
