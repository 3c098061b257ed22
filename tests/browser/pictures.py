"""Takes the pictures of the docs: ``python tests/browser/pictures.py`` writes docs/images/."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

from browser.conftest import CHROMIUM, FLAGS
from browser.lab import Lab, restart_kernel, run_cell, view, wait_for_state

IMAGES = Path(__file__).parents[2] / "docs" / "images"
TRAIN = """\
import logging, time
import jupyter_agent as ja

@ja.task
def train(epochs):
    for epoch in ja.track(range(epochs)):
        time.sleep(0.3)
        loss = 0.9 / (epoch + 1) ** 0.7
        accuracy = 1 - 0.5 / (epoch + 2)
        ja.current().metric("loss", loss, epoch)
        ja.current().metric("accuracy", accuracy, epoch)
        ja.current().log(f"epoch {epoch:>2}  loss {loss:.4f}")
        if epoch == 12:
            logging.warning("learning rate lowered to 1e-4")

run = train.submit(epochs=50)"""
FAILED = """\
@ja.task
def load(path):
    ja.current().log(f"reading {path}")
    columns = ["day", "price"]
    return columns.index("volume")

load.submit("prices.csv");"""


def until(page: Page, epoch: int) -> None:
    """Wait until the bar says at least *epoch*."""
    page.wait_for_function(
        "(epoch) => Number(document.querySelector('.ja-bar')?.ariaValueNow) >= epoch",
        arg=epoch,
        timeout=60_000,
    )


def picture(page: Page, name: str, index: int = 0) -> None:
    """Write the picture of one view."""
    page.mouse.move(0, 0)
    view(page, index).screenshot(path=IMAGES / f"{name}.png")


def take(page: Page, lab: Lab) -> None:
    """All pictures, from one notebook."""
    lab.open(page, "train.ipynb", TRAIN, FAILED)
    run_cell(page, 0)
    until(page, 16)
    picture(page, "view")
    page.screenshot(path=IMAGES / "notebook.png")
    page.evaluate("window.jupyterapp.commands.execute('application:toggle-left-area')")
    page.set_viewport_size({"width": 520, "height": 900})
    view(page).scroll_into_view_if_needed()
    picture(page, "narrow")
    page.set_viewport_size({"width": 1000, "height": 900})
    page.evaluate("window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})")
    page.wait_for_function("document.body.dataset.jpThemeName === 'JupyterLab Dark'")
    until(page, 22)
    picture(page, "dark")
    page.evaluate("window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Light'})")
    page.wait_for_function("document.body.dataset.jpThemeName === 'JupyterLab Light'")
    run_cell(page, 1)
    wait_for_state(page, "failed", 1)
    page.locator(".ja-error summary").last.click()
    picture(page, "failed", 1)
    restart_kernel(page)
    wait_for_state(page, "interrupted")
    picture(page, "interrupted")


def main() -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        lab = Lab(Path(folder))
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        try:
            page = chromium.new_page(viewport={"width": 1000, "height": 900}, device_scale_factor=2)
            take(page, lab)
        finally:
            chromium.close()
            lab.stop()


if __name__ == "__main__":
    main()
