"""The cost of a busy task for the page: ``python -m tests.browser.load [logs] [plots] [sweep]``.

A cell's task logs 100,000 lines and 1,000 metric points a second for 30 s in a real JupyterLab. Printed
are the longest tasks of the page's main thread, and the JavaScript heap before and after, each time after
a collection. Then a task records 1,000 points of each of six metrics in 10 s, and the tasks page opens it.
At last a sweep of 200 tasks, each with 1,000 points of six metrics, runs while JupyterLab's panel shows it,
and the tasks page opens the list, selects all, groups and sorts it.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import CDPSession, Page, expect, sync_playwright

from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.lab import Lab, run_cell, view, wait_for_state

LINES = 100_000
SECONDS = 30
POINTS = 1_000
CELL = """\
import time
import jupyter_agent as ja

@ja.task
def busy(lines, seconds, points):
    task, start, said, marked = ja.current(), time.monotonic(), 0, 0
    while said < lines:
        share = min(1.0, (time.monotonic() - start) / seconds)
        for said in range(said, int(lines * share)):
            task.log(f"line {{said:>6}} of a task that has a lot to say, and says it at once")
        for marked in range(marked, int(points * seconds * share)):
            task.metric("loss", 1 / (marked + 1), marked)
        said, marked = int(lines * share), int(points * seconds * share)
        task.progress(said, lines)
        time.sleep(0.01)

busy.submit({lines}, {seconds}, {points});"""

PLOTS = """\
import math, time
import jupyter_agent as ja

@ja.task
def sweep(points, metrics, seconds):
    start = time.monotonic()
    for step in range(points):
        for name in metrics:
            ja.current().metric(name, math.exp(-step / 200) + hash((name, step)) % 100 / 1000, step)
        time.sleep(max(0, start + (step + 1) * seconds / points - time.monotonic()))

sweep.submit(1000, ["train/loss", "accuracy", "lr", "gradient norm", "images", "score"], 10);"""

SWEEP = """\
import math
import jupyter_agent as ja
from concurrent.futures import ThreadPoolExecutor

@ja.task
def sweep(seed, points, metrics):
    for step in ja.track(range(points)):
        for name in metrics:
            ja.current().metric(name, math.exp(-step / 200) + seed / 1000, step)

names = ["train/loss", "accuracy", "lr", "gradient norm", "images", "score"]
pool = ThreadPoolExecutor(4)
runs = [sweep.options(on=pool, name=f"sweep-{seed}").submit(seed, 1000, names) for seed in range(200)];"""

OUTSIDE_CELLS = """(code) => {
  const notebook = [...window.jupyterapp.shell.widgets("main")].find((one) => one.context);
  notebook.sessionContext.session.kernel.requestExecute({code});
}"""


@dataclass
class Measured:
    """``longest``: the main thread's longest tasks, milliseconds, and what took most of each.
    ``heap``: MiB after a collection, when a tenth of the time was over and at the end."""

    longest: list[tuple[float, str]]
    heap: tuple[float, float]
    lines: int


def measure(lab: Lab, page: Page, *, lines: int, seconds: float, points: int) -> Measured:
    """Run the cell and watch the page meanwhile."""
    lab.open(page, "load.ipynb", CELL.format(lines=lines, seconds=seconds, points=points))
    devtools = page.context.new_cdp_session(page)
    run_cell(page, 0)
    wait_for_state(page, "running")
    page.wait_for_timeout(100 * seconds)
    before = heap_of(devtools)
    trace = Trace(devtools)
    wait_for_state(page, "completed", seconds=120)
    longest = trace.stop(page)
    shown = int(view(page).get_attribute("data-logs") or 0)
    return Measured(longest, (before, heap_of(devtools)), shown)


def measure_plots(lab: Lab, page: Page) -> tuple[list[tuple[float, str]], list[tuple[float, str]]]:
    """The longest tasks while six plots grow, and while a page is opened that draws them whole."""
    lab.open(page, "plots.ipynb", PLOTS)
    devtools = page.context.new_cdp_session(page)
    trace = Trace(devtools)
    run_cell(page, 0)
    wait_for_state(page, "completed", seconds=120)
    page.locator(".ja-metric canvas").nth(5).wait_for(state="attached")
    grown = trace.stop(page)
    task = view(page).get_attribute("data-task-id")
    page.goto(f"{lab.url}jupyter-agent/?token={lab.token}")
    page.locator("jupyter-agent-tasks[data-connection=live] li").first.wait_for(state="attached")
    trace = Trace(devtools)
    page.locator(f"li[data-task-id='{task}'] .jal-name").click()
    page.locator(".ja-metric canvas").nth(5).wait_for(state="attached")
    return grown, trace.stop(page)


def measure_sweep(lab: Lab, page: Page) -> dict[str, list[tuple[float, str]]]:
    """The longest tasks of the main thread, by what the page does with the 200 tasks."""
    lab.open(page, "sweep.ipynb", "1")
    found = {"JupyterLab's panel while it runs": swept(page, lambda: page.evaluate(OUTSIDE_CELLS, SWEEP))}
    lab.open(page, "cell.ipynb", SWEEP)
    found["JupyterLab's panel and the cards in a cell"] = swept(page, lambda: run_cell(page, 0))
    trace = Trace(page.context.new_cdp_session(page))
    page.goto(f"{lab.url}jupyter-agent/?token={lab.token}")
    page.locator("jupyter-agent-tasks[data-connection=live] li").nth(99).wait_for(state="attached")
    found["the page opens"] = trace.stop(page)
    steps: dict[str, Callable[[], object]] = {
        "selects all": lambda: page.keyboard.press("a"),
        "groups them": lambda: page.get_by_label("Group by").select_option("notebook"),
        "sorts them": lambda: page.get_by_label("Sort by").select_option("duration"),
    }
    page.get_by_role("button", name="View").click()
    page.locator(".jal-name").first.focus()
    for name, act in steps.items():
        trace = Trace(page.context.new_cdp_session(page))
        act()
        page.wait_for_timeout(500)
        found[name] = trace.stop(page)
    return found


def swept(page: Page, start: Callable[[], object]) -> list[tuple[float, str]]:
    """Run 200 tasks, which the panel lists beside those that it listed before."""
    page.get_by_role("tab", name="Tasks", exact=True).click()
    listed = page.locator("#jupyter-agent-tasks [data-filter=all] .jal-count")
    listed.or_(page.locator("#jupyter-agent-tasks .jal-empty")).wait_for()
    # "200+": the server has older ones, too.
    count = listed.inner_text() if listed.count() else "0"
    before, older = count.rstrip("+"), "+" * count.endswith("+")
    trace = Trace(page.context.new_cdp_session(page))
    start()
    expect(listed).to_have_text(f"{int(before) + 200}{older}", timeout=300_000)
    active = page.locator("[data-filter=running], [data-filter=queued]").first
    active.wait_for(state="detached", timeout=300_000)
    return trace.stop(page)


def heap_of(devtools: CDPSession) -> float:
    """MiB of the page's JavaScript objects that are in use."""
    devtools.send("HeapProfiler.collectGarbage")
    return float(devtools.send("Runtime.getHeapUsage")["usedSize"]) / 2**20


class Trace:
    """The browser's record of what the page's main thread did."""

    def __init__(self, devtools: CDPSession) -> None:
        self._devtools = devtools
        self._events: list[dict[str, Any]] = []
        self._done = False
        devtools.on("Tracing.dataCollected", lambda data: self._events.extend(data["value"]))
        devtools.on("Tracing.tracingComplete", lambda _: setattr(self, "_done", True))
        categories = ["toplevel", "devtools.timeline", "disabled-by-default-devtools.timeline", "v8"]
        config = {"includedCategories": categories, "excludedCategories": ["*"]}
        devtools.send("Tracing.start", {"transferMode": "ReportEvents", "traceConfig": config})

    def stop(self, page: Page) -> list[tuple[float, str]]:
        """The main thread's tasks of 20 ms and more, longest first."""
        self._devtools.send("Tracing.end")
        while not self._done:
            page.wait_for_timeout(50)
        threads = {(e["pid"], e["tid"]) for e in self._events if is_main_thread(e)}
        own = [e for e in self._events if "dur" in e and (e["pid"], e["tid"]) in threads]
        tasks = [e for e in own if e["name"] == "RunTask" and e["dur"] >= 20_000]
        return sorted(((e["dur"] / 1000, cpu_of(e) + largest_part(e, own)) for e in tasks), reverse=True)[:10]


def cpu_of(task: dict[str, Any]) -> str:
    """The CPU that the task took of its time; the rest it waited for a core."""
    return f"(CPU {task.get('tdur', 0) / 1000:.0f}) "


def is_main_thread(event: dict[str, Any]) -> bool:
    return bool(event["name"] == "thread_name" and event["args"]["name"] == "CrRendererMain")


def largest_part(task: dict[str, Any], events: list[dict[str, Any]]) -> str:
    """Return the name and the source of the longest event within a task."""
    end = task["ts"] + task["dur"]
    within = [e for e in events if e is not task and task["ts"] <= e["ts"] < end and e["tid"] == task["tid"]]
    parts = sorted((e for e in within if "RunTask" not in e["name"]), key=lambda e: -e["dur"])[:3]
    return " > ".join(f"{e['name']}{origin(e)} {e['dur'] / 1000:.0f}" for e in parts)


def origin(event: dict[str, Any]) -> str:
    """The file and line of a call, where the record has them."""
    data = event.get("args", {}).get("data", {})
    return f" ({data['url'].rsplit('/')[-1]}:{data.get('lineNumber')})" if data.get("url") else ""


def tables_of(lab: Lab, page: Page, parts: list[str]) -> dict[str, list[tuple[float, str]]]:
    """The longest tasks of the chosen parts of the measurement, by what the page did."""
    found: dict[str, list[tuple[float, str]]] = {}
    if "logs" in parts:
        logs = measure(lab, page, lines=LINES, seconds=SECONDS, points=POINTS)
        heap = " -> ".join(f"{one:.1f}" for one in logs.heap)
        found[f"{logs.lines} lines shown, heap after a collection {heap} MiB"] = logs.longest
    if "plots" in parts:
        found["six plots growing"], found["six plots opened"] = measure_plots(lab, page)
    if "sweep" in parts:
        found |= {f"200 tasks, {what}": longest for what, longest in measure_sweep(lab, page).items()}
    return found


def main(parts: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        lab = Lab(Path(folder), extension=True)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        try:
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            tables = tables_of(lab, page, parts or ["logs", "plots", "sweep"])
        finally:
            browser.close()
            lab.stop()
    for what, longest in tables.items():
        print(f"longest tasks of the main thread, {what}, ms:")
        for duration, most in longest:
            print(f"  {duration:6.0f}  {most}")


if __name__ == "__main__":
    main(sys.argv[1:])
