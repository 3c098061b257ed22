"""Screenshots for the docs: ``python -m tests.browser.pictures`` writes docs/images/."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.lab import Lab, environment, restart_kernel, run_cell, save, view, wait_for_state

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


TALK = """\
@ja.task
def tidy(folder):
    task = ja.current()
    task.say(
        "I looked at **3 files**:\\n\\n"
        "| file | rows | empty |\\n|---|--:|--:|\\n| prices.csv | 1,204 | 3 |\\n"
        "| days.csv | 365 | 0 |\\n| notes.csv | 0 | 0 |"
    )
    if task.ask("`notes.csv` has no rows. Shall I leave it out?", choices=["yes", "no"]) == "yes":
        task.say("Done: two files are left.")
    task.ask("Anything else?", choices=["look again", "that is all"])

tidy.submit("prices");"""
CURVES = """\
import math, random
import jupyter_agent as ja

@ja.task
def train(epochs, lr):
    task = ja.current()
    random.seed(4)
    for epoch in ja.track(range(epochs)):
        for batch in range(20):
            step = epoch * 20 + batch
            noise = random.gauss(0, 0.1) * math.exp(-step / 400)
            task.metric("train/loss", 2.2 * math.exp(-step / 180) + 0.2 + noise, step)
            task.metric("lr", lr * 10 ** (-step / 200), step)
        task.metric("val/loss", 2.2 * math.exp(-step / 190) + 0.3, step)
        task.metric("accuracy", 0.96 - math.exp(-(epoch + 1) / 9), epoch)
        task.metric("images per second", 1180 + random.gauss(0, 40), epoch)
        task.metric("gradient norm", 0.4 + math.exp(random.gauss(0, 0.6)) / (1 + epoch / 9), epoch)
    return 0.96

train.submit(40, lr=1e-2).wait();"""
LOOP = """\
import math, time
for epoch in ja.track(range(60), name="epochs"):
    ja.current().metric("loss", 2 * math.exp(-epoch / 20) + 0.1 * math.sin(3 * epoch), epoch)
    ja.current().metric("accuracy", 0.97 - math.exp(-epoch / 15), epoch)
    time.sleep(0.05)"""
SHOW_PANEL = "window.jupyterapp.commands.execute('jupyter-agent:show-tasks')"


def until(page: Page, epoch: int, within: str = "") -> None:
    """Wait until the bar *within* an element of the page says at least *epoch*."""
    page.wait_for_function(
        "([within, epoch]) => Number(document.querySelector(`${within} .ja-bar`)?.ariaValueNow) >= epoch",
        arg=[within, epoch],
        timeout=60_000,
    )


def picture(page: Page, name: str, index: int = 0) -> None:
    """Write the picture of one view."""
    page.mouse.move(0, 0)
    view(page, index).scroll_into_view_if_needed()
    view(page, index).screenshot(path=IMAGES / f"{name}.png")


def theme(page: Page, name: str) -> None:
    """Change JupyterLab's theme."""
    page.evaluate("name => window.jupyterapp.commands.execute('apputils:change-theme', {theme: name})", name)
    page.wait_for_function("name => document.body.dataset.jpThemeName === name", arg=name)


def take(page: Page, lab: Lab) -> None:
    """All pictures, from one notebook."""
    lab.open(page, "train.ipynb", TRAIN, FAILED, TALK)
    run_cell(page, 0)
    until(page, 12)
    page.evaluate("window.jupyterapp.commands.execute('application:toggle-left-area')")
    picture(page, "view")
    page.set_viewport_size({"width": 460, "height": 1000})
    picture(page, "narrow")
    page.set_viewport_size({"width": 1000, "height": 1000})
    theme(page, "JupyterLab Dark")
    until(page, 20)
    picture(page, "dark")
    theme(page, "JupyterLab Light")
    run_cell(page, 1)
    wait_for_state(page, "failed", 1)
    picture(page, "failed", 1)
    run_cell(page, 2)
    talk(page)
    page.evaluate(SHOW_PANEL)
    page.locator("jupyter-agent-tasks").get_by_text("Anything else?").wait_for()
    view(page).scroll_into_view_if_needed()
    page.screenshot(path=IMAGES / "notebook.png")
    take_panel(page)
    restart_kernel(page)
    wait_for_state(page, "interrupted")
    picture(page, "interrupted")
    save(page)
    page.wait_for_function("!window.jupyterapp.shell.currentWidget.context.model.dirty")


def take_metrics(page: Page, lab: Lab) -> None:
    """Five plots, with the cursor in one of them, and a loop with two metrics."""
    lab.open(page, "curves.ipynb", CURVES, LOOP)
    run_cell(page, 0)
    wait_for_state(page, "completed")
    plots = page.locator("jupyter-agent-plot")
    plots.locator(".ja-metric").last.scroll_into_view_if_needed()
    plots.locator("canvas").nth(4).wait_for()
    plots.scroll_into_view_if_needed()
    page.locator(".ja-chart").first.hover(position={"x": 130, "y": 60})
    plots.screenshot(path=IMAGES / "metrics.png")
    run_cell(page, 1)
    until(page, 40, within=".ja-slim")
    picture(page, "loop", 1)


def take_panel(page: Page) -> None:
    """The panel as far down as it has tasks."""
    panel = page.locator("#jupyter-agent-tasks").bounding_box()
    last = page.locator("#jupyter-agent-tasks li[data-task-id]").last.bounding_box()
    assert panel is not None
    assert last is not None
    panel["height"] = last["y"] + last["height"] + 16 - panel["y"]
    page.screenshot(path=IMAGES / "panel.png", clip=panel)


def talk(page: Page) -> None:
    """Answer the first question, and take the picture of the second."""
    asking = view(page, 2)
    asking.get_by_role("button", name="yes", exact=True).click()
    asking.get_by_text("Anything else?").first.wait_for()
    asking.get_by_text("two files are left").wait_for()
    picture(page, "conversation", 2)


def converted(page: Page, notebook: Path) -> None:
    """The picture of what nbconvert makes of the notebook."""
    made = notebook.with_suffix(".html")
    subprocess.run(
        [sys.executable, "-m", "jupyter", "nbconvert", "--to", "html", "--log-level=ERROR", str(notebook)],
        check=True,
        env=environment(notebook.parent.parent),
    )
    page.goto(made.as_uri())
    page.wait_for_load_state()
    page.screenshot(path=IMAGES / "nbconvert.png")


def main() -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        lab = Lab(Path(folder), extension=True)
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        try:
            page = chromium.new_page(viewport={"width": 1000, "height": 1000}, device_scale_factor=2)
            take(page, lab)
            take_metrics(page, lab)
            converted(page, lab.root / "train.ipynb")
        finally:
            chromium.close()
            lab.stop()


if __name__ == "__main__":
    main()
