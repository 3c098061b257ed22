"""Screenshots of the tasks page: ``python -m tests.browser.page_pictures`` writes docs/images/."""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import CHROMIUM, FLAGS
from tests.support import kernels, servers
from tests.support.builders import until
from tests.support.servers import Server

IMAGES = Path(__file__).parents[2] / "docs" / "images"
WIDE: dict[str, Any] = {"viewport": {"width": 1180, "height": 640}}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 780}, "is_mobile": True, "has_touch": True}
WORK = """\
import os, time
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

{calls}
"""
FIRST = """\
export.options(name="export to parquet").submit(10).wait()
run = export.submit(1000)
time.sleep(0.5)
run.cancel(); run.wait()
load.submit("prices.csv").wait()
evaluate.submit().wait()
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


def picture(browser: Browser, server: Server, name: str, path: str = "", **options: Any) -> None:
    """Write one picture of the page."""
    context = browser.new_context(device_scale_factor=2, **options)
    page: Page = context.new_page()
    page.goto(f"{server.url}login?token={server.token}")
    page.goto(f"{server.url}jupyter-agent/{path}")
    page.locator("jupyter-agent-tasks[data-connection=live] li").first.wait_for(state="attached")
    if path:
        page.locator("jupyter-agent-plot canvas").first.wait_for()
    page.wait_for_timeout(1500)  # for the eye: bars have moved, plots are drawn
    page.screenshot(path=IMAGES / f"{name}.png")
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
            picture(browser, server, "page-phone", **PHONE)
            picture(browser, server, "page-phone-task", f"?task={task}", **PHONE)
            browser.close()


if __name__ == "__main__":
    main()
