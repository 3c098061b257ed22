"""The cost of the timeline: ``python -m tests.browser.timeline_load``.

A journal of 10,000 tasks, 3,000 of them in the last six hours, a real server, and the tasks page. Printed
are the milliseconds until the bars are drawn, the longest tasks of the page's main thread, the elements of
the page, and its JavaScript heap after a collection.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from jupyter_agent.core.events import About, Event, State, TaskState, encode_data
from jupyter_agent.core.ids import ulid
from jupyter_agent.journal.base import Batch
from jupyter_agent.journal.sqlite.journal import SQLiteJournal
from jupyter_agent.system.ids import new_id
from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.load import Trace, heap_of
from tests.support import servers
from tests.support.servers import Server

TASKS, SHOWN = 10_000, 3_000
HOUR = 3600.0
NOTEBOOKS, NAMES, PROCESSES = 12, 40, 500

DRAWN = """async () => {
  const frame = () => new Promise(requestAnimationFrame);
  const view = () => document.querySelector("jupyter-agent-timeline");
  while (!view()?.querySelector(".jat-bar")) await frame();
  const first = performance.now();
  const rows = () => [...view().querySelectorAll("jupyter-agent-timeline-row")].filter((one) => one.isNear);
  const bars = (row) => row.querySelectorAll(".jat-bar").length;
  const isDrawn = () => rows().every((one) => bars(one) === one.row.bars.length);
  while (view().dataset.loading !== undefined || !isDrawn()) await frame();
  await frame();
  return [first, performance.now()];
}"""


def fill(file: Path, tasks: int = TASKS, shown: int = SHOWN) -> None:
    """Write a journal whose newest *shown* tasks ran in the last six hours, the others in 20 hours before."""
    file.parent.mkdir(parents=True, mode=0o700)
    for folder in (file.parents[1], file.parents[2]):
        folder.chmod(0o700)
    producer, now = new_id(), time.time()
    times = [now - 6 * HOUR - 20 * HOUR * (1 - at / (tasks - shown)) for at in range(tasks - shown)]
    times += [now - 6 * HOUR * (1 - at / shown) for at in range(shown)]
    with closing(SQLiteJournal(file, new_id(), new_id())) as journal:
        for start in range(0, tasks, 1000):
            chunk = list(enumerate(times))[start : start + 1000]
            events = [one for number, when in chunk for one in story(producer, number, when)]
            journal.append([Batch(producer, start * 3 + 1, events)], now)


def story(producer: str, number: int, when: float) -> Iterator[Event]:
    """A task that waited a little and ran for up to five minutes; every 50th failed."""
    task, took = ulid(when, os.urandom(10)), 5 + (number * 37) % 300
    about = About(
        f"name-{number % NAMES}",
        notebook=f"/home/ada/notebook-{number % NOTEBOOKS}.ipynb",
        params={"lr": f"{number / 1e5:g}", "seed": str(number % 7)},
    )
    end = TaskState.FAILED if number % 50 == 0 else TaskState.COMPLETED
    state = partial(State, host="here", pid=1000 + number % PROCESSES)
    states = (state(TaskState.QUEUED, about=about), state(TaskState.RUNNING), state(end))
    for at, (after, data) in enumerate(zip((0, 2, took), states, strict=True)):
        yield Event(task, 1, producer, number * 3 + 1 + at, when + after, "state", encode_data(data))


def measure(page: Page, server: Server) -> None:
    """Open the timeline, and do with it what its readers do."""
    page.goto(f"{server.url}jupyter-agent/?view=schedules")
    devtools = page.context.new_cdp_session(page)
    trace = Trace(devtools)
    page.goto(f"{server.url}jupyter-agent/?view=timeline")
    first, whole = page.evaluate(DRAWN)
    say("one hour", trace, page, f"first bars after {first:.0f} ms, all after {whole:.0f} ms")
    steps: dict[str, Callable[[], object]] = {
        "six hours": lambda: page.get_by_role("combobox", name="Time", exact=True).select_option("6 hours"),
        "rows by name": lambda: page.get_by_role("combobox", name="Rows", exact=True).select_option(
            "by name"
        ),
        "rows by process": lambda: page.get_by_role("combobox", name="Rows", exact=True).select_option(
            "by process"
        ),
        "rows by notebook": lambda: page.get_by_role("combobox", name="Rows", exact=True).select_option(
            "by notebook"
        ),
        "points": lambda: point(page),
        "brushes": lambda: brush(page),
        "earlier": lambda: page.get_by_role("button", name="Earlier").click(),
    }
    for name, act in steps.items():
        trace = Trace(page.context.new_cdp_session(page))
        begin = time.perf_counter()
        act()
        page.evaluate(DRAWN)
        took = (time.perf_counter() - begin) * 1e3
        page.wait_for_timeout(1500)
        say(name, trace, page, f"{took:.0f} ms")
    print(f"heap after a collection: {heap_of(devtools):.1f} MiB")


def point(page: Page) -> None:
    for at in range(20):
        page.mouse.move(300 + 30 * at, 200 + 5 * at)


def brush(page: Page) -> None:
    box = page.locator(".jat-scale").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 100, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + 500, box["y"] + 12, steps=20)
    page.mouse.up()


def say(name: str, trace: Trace, page: Page, words: str) -> None:
    longest = [f"{ms:.0f} ms {what}" for ms, what in trace.stop(page)[:3]]
    counts = page.evaluate(
        "[document.querySelectorAll('.jat-bar').length, document.querySelectorAll('*').length]"
    )
    print(f"{name}: {words}; {counts[0]} bars, {counts[1]} elements; longest tasks: {', '.join(longest)}")


def main() -> None:
    """Print the figures."""
    print(f"load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as folder, servers.servers(Path(folder)) as factory:
        fill(Path(folder) / "agent" / "journals" / "default" / "journal.sqlite")
        server = factory.start()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.goto(f"{server.url}login?token={server.token}")
            measure(page, server)
            browser.close()


if __name__ == "__main__":
    main()
