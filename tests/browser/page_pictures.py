"""Screenshots of the tasks page: ``python -m tests.browser.page_pictures`` writes docs/images/."""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.worked import TWO, worked_on
from tests.support import kernels, servers
from tests.support.builders import until
from tests.support.servers import Server

IMAGES = Path(__file__).parents[2] / "docs" / "images"
WIDE: dict[str, Any] = {"viewport": {"width": 1180, "height": 640}}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 780}, "is_mobile": True, "has_touch": True}
CANVAS = "jupyter-agent-plot canvas"
WORK = """\
import logging, os, time
os.environ["JPY_SESSION_NAME"] = "/home/ada/{notebook}"
import jupyter_agent as ja

@ja.task
def train(epochs, lr=0.1, optimizer="sgd"):
    for epoch in ja.track(range(epochs)):
        time.sleep(0.25)
        loss = 0.9 / (epoch + 1) ** 0.7
        ja.current().metric("loss", loss, epoch)
        ja.current().metric("accuracy", 1 - 0.5 / (epoch + 2), epoch)
        ja.current().log(f"epoch {{epoch:>3}}  loss {{loss:.4f}}")

@ja.task
def crawl():
    while True:
        ja.current().raise_if_cancelled()
        time.sleep(0.1)

@ja.task
def label_images():
    ja.current().progress(30, 200)
    ja.current().ask("Is image 31 a cat or a dog?", choices=["cat", "dog"])

@ja.task
def load(path):
    for part in ja.track(range(8), total=20):
        time.sleep(0.05)
    raise KeyError("no column 'volume' in " + path)

@ja.task
def evaluate():
    time.sleep(1.2)
    return {{"accuracy": 0.9312, "f1": 0.9204}}

@ja.task
def export(rows):
    for row in ja.track(range(rows)):
        time.sleep(0.05)

log = logging.getLogger("prices.rows")
log.setLevel("DEBUG")
log.addHandler(logging.NullHandler())

@ja.task(retries=1)
def prices(source):
    print(f"\x1b[1mReading {{source}}\x1b[0m, described at https://example.org/prices#format")
    for part in range(1, 7):
        time.sleep(0.2)
        log.debug("cache miss: part-%d.csv", part)
        if part == 3 and ja.current().attempt == 1:
            log.warning("part-3.csv is slow to answer, trying again")
            raise ConnectionError("part-3.csv: the host has closed the connection")
        print(f"part {{part}}  \x1b[32mok\x1b[0m  \x1b[36m{{part * 12_400:>7,}}\x1b[0m rows")
    log.error("4 rows without a price were left out")

{calls}
"""
FIRST = """\
export.options(name="export to parquet").submit(10).wait()
run = export.submit(1000)
time.sleep(0.5)
run.cancel(); run.wait()
load.submit("prices.csv").wait()
prices.options(name="import prices").submit("s3://prices/2026").wait()
evaluate.submit().wait()
"""
SWEEP = """\
import math, random

@ja.task
def fit(lr, layers=2):
    noise = random.Random(lr)
    for step in range(120):
        loss = math.exp(-step * lr) / layers + noise.random() / 30
        ja.current().metric("train/loss", loss, step)
        ja.current().metric("val/loss", loss + 0.05 + noise.random() / 30, step)
        ja.current().metric("accuracy", 1 - loss / 2, step)

for lr, layers in ((0.01, 2), (0.03, 2), (0.1, 2), (0.03, 4)):
    fit.submit(lr, layers).wait()
"""
SECOND = """\
a = crawl.submit()
b = label_images.options(name="label images").submit()
c = train.options(name="train resnet50", tags=["gpu"]).submit(200, lr=3e-4, optimizer="adam")
"""


def run(server: Server, notebook: str, calls: str) -> None:
    """Run these calls in a kernel of their own, as from that notebook."""
    code = WORK.format(notebook=notebook, calls=calls)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(kernels.execute, server, server.start_kernel(), code).result()


def ready(server: Server) -> str:
    """Wait until everything is in the picture; the id of the task that trains."""
    tasks = {task["name"]: task for task in server.ask("tasks").json["tasks"]}
    progress = tasks.get("train resnet50", {}).get("progress")
    enough = len(tasks) >= 7 and progress and progress["done"] >= 30
    return str(tasks["train resnet50"]["id"]) if enough else ""


def picture(
    browser: Browser, server: Server, name: str, path: str = "", waits_for: str = CANVAS, **options: Any
) -> None:
    """Write one picture of the page."""
    context = browser.new_context(device_scale_factor=2, **options)
    page: Page = context.new_page()
    page.goto(f"{server.url}login?token={server.token}")
    page.evaluate("""localStorage["jupyter-agent-log"] = '{"time": "start", "wrap": true}'""")
    page.goto(f"{server.url}jupyter-agent/{path}")
    page.locator("jupyter-agent-tasks[data-connection=live] li").first.wait_for(state="attached")
    if path:
        page.locator(waits_for).first.wait_for()
    page.wait_for_timeout(1500)  # for the eye: bars have moved, plots are drawn
    page.screenshot(path=IMAGES / f"{name}.png")
    context.close()


def timeline(browser: Browser, server: Server) -> None:
    """The picture of an hour's timeline, with a time that is chosen."""
    worked = worked_on(server)
    for n in range(9):
        begun = 3300 - 270 * n
        worked.ran(f"fit {n}", TWO, begun, begun - 180 - 40 * (n % 4), lr=f"{10 ** -(n % 4):g}")
    context = browser.new_context(device_scale_factor=2, **WIDE)
    page = context.new_page()
    page.goto(f"{server.url}login?token={server.token}")
    page.goto(f"{server.url}jupyter-agent/?view=timeline")
    page.locator(".jat-bar").nth(11).wait_for()
    page.locator('.jat-part[data-attempt="1"] ~ .jat-part[data-attempt="2"]').first.wait_for()
    page.get_by_role("slider", name="Chosen from").focus()
    for _ in range(7):
        page.keyboard.press("Shift+ArrowRight")
    page.locator(f'.jat-bar[data-task-id="{worked.train.task}"]').hover()
    page.wait_for_timeout(1500)  # for the eye: the list is there
    page.screenshot(path=IMAGES / "page-timeline.png")
    context.close()


def compare_picture(browser: Browser, server: Server) -> None:
    """Write the picture of four runs beside each other."""
    run(server, "sweep.ipynb", SWEEP)

    def ended() -> list[str]:
        tasks = server.ask("tasks?name=fit&state=completed").json["tasks"]
        return sorted(str(task["id"]) for task in tasks) if len(tasks) == 4 else []

    ids = until(ended, 60)
    context = browser.new_context(device_scale_factor=2, viewport={"width": 1180, "height": 720})
    page = context.new_page()
    page.goto(f"{server.url}login?token={server.token}")
    page.goto(f"{server.url}jupyter-agent/?compare={','.join(ids)}")
    page.locator("jupyter-agent-compare-plots canvas").nth(1).wait_for()
    page.wait_for_timeout(1500)  # for the eye: everything is drawn
    page.screenshot(path=IMAGES / "compare.png")
    context.close()


def list_pictures(browser: Browser, server: Server) -> None:
    """Write the pictures of groups with *Compare*, and of what can still be undone."""
    context = browser.new_context(device_scale_factor=2, viewport={"width": 720, "height": 520})
    page = context.new_page()
    page.goto(f"{server.url}login?token={server.token}")
    page.goto(f"{server.url}jupyter-agent/?group=name")
    group = page.locator('[data-group="fit"]')
    group.get_by_role("button", name="fit", exact=True).click()
    group.locator("li").nth(3).wait_for()
    page.wait_for_timeout(1500)  # for the eye: bars have moved
    page.screenshot(path=IMAGES / "page-groups.png")
    page.goto(f"{server.url}jupyter-agent/")
    page.locator("jupyter-agent-tasks li").first.wait_for()
    for row in page.get_by_role("checkbox", name="Select fit").all():
        row.click()
    page.get_by_role("button", name="Delete 4").click()
    page.locator("[data-undo]").wait_for()
    page.locator(".jap-list").evaluate("one => one.scrollTo(0, 0)")
    page.screenshot(path=IMAGES / "page-undo.png")
    page.locator("[data-undo]").click()
    context.close()


def resources_picture(browser: Browser, server: Server, task: str) -> None:
    """Write the picture of what a running task uses, some samples after *System* was opened."""
    context = browser.new_context(device_scale_factor=2, viewport={"width": 720, "height": 560})
    page = context.new_page()
    page.goto(f"{server.url}login?token={server.token}")
    page.goto(f"{server.url}jupyter-agent/?task={task}")
    page.locator(".ja-resources").click()
    page.wait_for_timeout(16_000)  # eight samples
    page.locator(".ja-system").scroll_into_view_if_needed()
    page.screenshot(path=IMAGES / "page-system.png")
    context.close()


def main() -> None:
    """A server, two kernels and the pictures."""
    with tempfile.TemporaryDirectory() as folder, servers.servers(Path(folder)) as factory:
        server = factory.start(base_url="/user/ada/")
        run(server, "prices.ipynb", FIRST)
        until(lambda: len(server.ask("tasks?state=completed").json["tasks"]) >= 2, 60)
        run(server, "vision.ipynb", SECOND)
        task = until(lambda: ready(server), 60)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
            picture(browser, server, "page-list", **WIDE)
            picture(browser, server, "page-dark", f"?task={task}", **WIDE, color_scheme="dark")
            log = next(
                one["id"] for one in server.ask("tasks").json["tasks"] if one["name"] == "import prices"
            )
            picture(browser, server, "page-log", f"?task={log}&line=13", ".ja-fold", **WIDE)
            resources_picture(browser, server, task)
            compare_picture(browser, server)
            list_pictures(browser, server)
            picture(browser, server, "page-phone", **PHONE)
            picture(browser, server, "page-phone-task", f"?task={task}", **PHONE)
            timeline(browser, factory.start())
            browser.close()


if __name__ == "__main__":
    main()
