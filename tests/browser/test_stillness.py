"""Stillness in JupyterLab: how much a cell's task moves what is on the page, at its first run and again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from .lab import Lab, run_cell, view, wait_for_state
from .page_faults import page_without_faults

MOST = 0.05
"""Cumulative layout shift of a run; it was 0.37."""

TRAIN = """\
import time
import jupyter_agent as ja

@ja.task
def fit(epochs):
    for epoch in ja.track(range(epochs)):
        time.sleep(0.1)
        ja.current().metric("loss", 1 / (epoch + 1), epoch)
        ja.current().metric("accuracy", 1 - 1 / (epoch + 2), epoch)
        ja.current().log(f"epoch {epoch}")
    return 0.96

run = fit.submit(epochs=12)"""
BELOW = "run.state\n# A cell\n# below."

WATCH = """
window.shifts = [];
window.heights = [];
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) window.shifts.push([one.startTime, one.value]);
}).observe({type: "layout-shift", buffered: true});
"""
NEXT_FRAME = """() => new Promise((done) =>
  requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))))"""
TOPS = """() => [".jp-WindowedPanel-outer", ".jupyter-agent-task .ja-head", ".jupyter-agent-task"]
  .map((one) => document.querySelector(one).getBoundingClientRect().top)"""
FOLLOW = """(index) => {
  const {node} = window.jupyterapp.shell.currentWidget.content.widgets[index].outputArea;
  const note = () => window.heights.push(Math.round(node.getBoundingClientRect().height));
  window.heights = [];
  new ResizeObserver(note).observe(node);
}"""


@pytest.fixture
def page(lab: Lab, browser: Browser) -> Iterator[Page]:
    with page_without_faults(lab, browser) as page:
        page.add_init_script(WATCH)
        yield page


def shift(page: Page, since: float) -> float:
    """Cumulative layout shift since a time of the page."""
    page.evaluate(NEXT_FRAME)
    return float(
        page.evaluate(
            "since => window.shifts.reduce((sum, [at, value]) => sum + (at > since ? value : 0), 0)", since
        )
    )


def arrived(page: Page) -> float:
    """Wait for the first drawing of a view; returns the time of the page."""
    view(page).locator(".ja-head").wait_for()
    return float(page.evaluate(NEXT_FRAME))


def test_a_cell_moves_what_is_below_it_once_and_at_a_rerun_not_at_all(lab: Lab, page: Page) -> None:
    lab.open(page, "still.ipynb", TRAIN, BELOW, BELOW)
    page.evaluate(FOLLOW, 0)
    run_cell(page, 0)
    start = arrived(page)
    wait_for_state(page, "completed")
    assert shift(page, start) <= MOST
    heights = page.evaluate("window.heights.filter((one) => one > 0)")
    assert len(set(heights)) <= 2, "the card, and once more for its plots"
    old = view(page).get_attribute("data-task-id")
    page.evaluate("window.heights.length = 0")
    start = page.evaluate(NEXT_FRAME)
    run_cell(page, 0)
    expect(view(page)).not_to_have_attribute("data-task-id", str(old))
    wait_for_state(page, "completed")
    assert shift(page, start) <= MOST
    assert page.evaluate("window.heights") == []


def test_a_head_with_its_buttons_stays_in_sight_while_its_card_is_read(lab: Lab, page: Page) -> None:
    lab.open(page, "head.ipynb", f"{TRAIN}\nrun.wait()", BELOW)
    run_cell(page, 0)
    wait_for_state(page, "completed")
    page.set_viewport_size({"width": 1100, "height": 420})
    view(page).locator(".ja-chart").first.scroll_into_view_if_needed()
    expect(view(page).locator(".ja-head")).to_be_in_viewport(ratio=1)
    edge, head, card = page.evaluate(TOPS)
    assert head >= edge - 1
    assert card < edge, "the card begins above what is in sight"
