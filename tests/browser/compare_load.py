"""How soon 20 runs are beside each other: ``python -m tests.browser.compare_load``.

20 tasks with 1,000 values of each of six metrics, a real server, and the tasks page. Printed are the
milliseconds from *Compare* until every curve is drawn, and the longest tasks of the page's main thread.
"""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.load import Trace
from tests.support import kernels, servers
from tests.support.builders import until
from tests.support.servers import Server

RUNS, METRICS, POINTS = 20, 6, 1000
SWEEP = f"""\
import math
import jupyter_agent as ja

NAMES = ["train/loss", "val/loss", "accuracy", "lr", "gradient norm", "score"][:{METRICS}]

@ja.task
def fit(lr, seed):
    for step in range({POINTS}):
        for name in NAMES:
            ja.current().metric(name, math.exp(-step * lr) + hash((name, step, seed)) % 100 / 1000, step)

for n in range({RUNS}):
    fit.options(tags=["sweep"]).submit(lr=round(1e-3 * 1.13**n, 5), seed=n % 4).wait()
"""

OPEN = """async ([ids, metrics]) => {
  const list = document.querySelector("jupyter-agent-tasks");
  const pressed = performance.now();
  list.dispatchEvent(new CustomEvent("ja-compare", {bubbles: true, detail: ids}));
  const frame = () => new Promise(requestAnimationFrame);
  const view = () => document.querySelector("jupyter-agent-compare-plots");
  const loaded = () => view()?.plotted.series.size === ids.length * metrics;
  const drawn = () => loaded() && Object.keys(view().shown).length === view().panels.length;
  while (!drawn()) await frame();
  await frame();
  return performance.now() - pressed;
}"""


def fill(server: Server) -> list[str]:
    """Run the sweep; the ids of its tasks, oldest first."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(kernels.execute, server, server.start_kernel(), SWEEP).result()

    def ended() -> list[str]:
        tasks = server.ask("tasks?state=completed").json["tasks"]
        return sorted(task["id"] for task in tasks) if len(tasks) == RUNS else []

    return list(until(ended, 120))


def measure(page: Page, server: Server, ids: list[str]) -> tuple[float, list[tuple[float, str]]]:
    """Open the comparison on a page that has the list."""
    page.goto(f"{server.url}jupyter-agent/")
    page.locator("jupyter-agent-tasks[data-connection=live] li").first.wait_for()
    trace = Trace(page.context.new_cdp_session(page))
    taken = float(page.evaluate(OPEN, [ids, METRICS]))
    return taken, trace.stop(page)


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder, servers.servers(Path(folder)) as factory:
        server = factory.start()
        ids = fill(server)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
            page = browser.new_page(viewport={"width": 1280, "height": 1600})
            page.goto(f"{server.url}login?token={server.token}")
            for time in ("first", "second", "third"):
                taken, longest = measure(page, server, ids)
                parts = ", ".join(f"{ms:.0f} ms {what}" for ms, what in longest[:4])
                print(f"{time}: {taken:.0f} ms; longest tasks: {parts}")
            browser.close()


if __name__ == "__main__":
    main()
