"""A Chromium and a JupyterLab for each module of tests, a fresh page and a scripted server for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from .lab import START, Lab
from .stage import TASK, Stage

expect.set_options(timeout=START * 1000)

CHROMIUM = "/usr/bin/chromium"
FEATURES_OFF = (
    # Chromium 156 keeps two pages of its own in each window, for its address bar: 1.3 CPU seconds a window.
    *("WebUIOmniboxPopup", "WebUIOmniboxAimPopup"),
    # Of several `--disable-features` only the last one counts: these are those of Playwright 1.65.
    *("AimEnabled", "AvoidCorsURLLoaderRestartOnRedirect", "AvoidUnnecessaryBeforeUnloadCheckSync"),
    *("DestroyProfileOnBrowserClose", "HttpsFirstBalancedModeAutoEnable", "HttpsUpgrades", "LensOverlay"),
    *("MediaRouter", "NetworkTimeServiceQuerying", "OptimizationHints", "PaintHolding", "PreconnectToSearch"),
    "ThirdPartyStoragePartitioning",
)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--disable-features={','.join(FEATURES_OFF)}",
]

MOUNT = """async ([task, kernel]) => {
  await import("/task.mjs");
  window.sent = [];
  const view = document.createElement("jupyter-agent-task");
  view.taskId = task;
  view.kernel = {snapshot: () => kernel, send: (message) => window.sent.push(message)};
  window.view = document.body.appendChild(view);
}"""


# Not for the whole session: while Playwright's synchronous API is in use its event loop counts as
# running, and no other test could run one.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A JupyterLab with the extension."""
    lab = Lab(tmp_path_factory.mktemp("lab"), extension=True)
    yield lab
    lab.stop()


@pytest.fixture
def stage() -> Iterator[Stage]:
    stage = Stage()
    yield stage
    stage.close()


@pytest.fixture
def page(browser: Browser, stage: Stage) -> Iterator[Page]:
    page = browser.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(stage.url)
    yield page
    page.close()
    assert faults == []


@pytest.fixture
def view(page: Page) -> Page:
    """A page with one view of `TASK`."""
    page.evaluate(MOUNT, [TASK, None])
    return page
