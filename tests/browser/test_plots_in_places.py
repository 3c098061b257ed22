"""The plots of metrics in JupyterLab, in Notebook 7, on the tasks page, and in a notebook's file."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from .axe import grave_faults
from .lab import Lab, run_cell, save, view, wait_for_kernel, wait_for_state, write_notebook
from .page_faults import watch_scripts
from .stories import wait_for_html

TRAIN = """\
import jupyter_agent as ja

@ja.task
def train(epochs):
    for epoch in range(epochs):
        ja.current().metric("train/loss", 2 / (epoch + 1), epoch)
        ja.current().metric("val/loss", 3 / (epoch + 1), epoch)
        ja.current().metric("lr", 10.0 ** -epoch, epoch)

train.submit(10).wait();"""
LOOP = """\
import jupyter_agent as ja

for epoch in ja.track(range(10), name="epochs"):
    ja.current().metric("loss", 2 / (epoch + 1), epoch)"""

INK = """() => {
  const canvas = document.querySelector('.ja-metric canvas');
  const all = canvas.getContext('2d').getImageData(0, canvas.height - 14, canvas.width, 14).data;
  let best = 0;
  for (let at = 0; at < all.length; at += 4) if (all[at + 3] > 200) best = Math.max(best, all[at]);
  return best;
}"""
"""How bright the name of the first plot's axis is, 0 to 255."""
ANY_POINTS = re.compile(r"\d.*,.* .*,\d")


@pytest.fixture
def page(lab: Lab, browser: Browser) -> Iterator[Page]:
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    faults = watch_scripts(page)
    yield page
    page.context.close()
    assert faults == []


def expect_plots(task: Locator) -> None:
    """The two panels of `TRAIN`, drawn."""
    expect(task.locator(".ja-metric-title")).to_have_text(["loss", "lr"])
    expect(task.locator(".ja-metric canvas")).to_have_count(2)
    expect(task.locator(".ja-metric-row").first).to_contain_text("best 0.2 at 9")


def test_in_jupyterlab_plots_follow_the_theme_and_the_file_has_their_picture(lab: Lab, page: Page) -> None:
    lab.open(page, "plots.ipynb", TRAIN)
    run_cell(page, 0)
    wait_for_state(page, "completed")
    expect_plots(view(page))
    assert page.evaluate(INK) < 100
    page.evaluate("window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})")
    page.wait_for_function(f"() => ({INK})() > 150")
    assert grave_faults(page, ".jupyter-agent-task") == []
    page.evaluate("window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Light'})")
    page.wait_for_function(f"() => ({INK})() < 100")
    wait_for_html(page, "completed")
    save(page)
    page.wait_for_function("!window.jupyterapp.shell.currentWidget.content.model.dirty")
    [output] = [one for one in lab.outputs("plots.ipynb") if "text/html" in one.get("data", {})]
    still = "".join(output["data"]["text/html"])
    assert still.count("<svg ") == 2
    assert still.count("<polyline ") == 3


def test_in_notebook_7_and_on_the_page(lab: Lab, page: Page) -> None:
    write_notebook(lab.root / "seven.ipynb", (TRAIN,))
    lab.visit_classic(page, "seven.ipynb")
    wait_for_kernel(page)
    run_cell(page, 0)
    wait_for_state(page, "completed")
    expect_plots(view(page))
    task = view(page).get_attribute("data-task-id")
    page.goto(f"{lab.url}jupyter-agent/?task={task}&token={lab.token}")
    expect_plots(page.locator(".jupyter-agent-task"))


def test_the_line_of_a_loop_shows_its_metrics_and_opens(lab: Lab, page: Page) -> None:
    lab.open(page, "loop.ipynb", LOOP)
    run_cell(page, 0)
    wait_for_state(page, "completed")
    spark = view(page).locator(".ja-spark")
    expect(spark).to_contain_text("0.2")
    expect(spark.locator("polyline")).to_have_attribute("points", ANY_POINTS)
    more = view(page).get_by_role("button", name="Show more of epochs")
    more.press("Enter")
    expect(view(page).locator(".ja-metric canvas")).to_be_visible()
    expect(view(page).get_by_role("button", name="Show less")).to_be_focused()
    view(page).get_by_role("button", name="Show less").press("Enter")
    expect(more).to_be_focused()
    expect(view(page).locator(".ja-metric")).to_have_count(0)
