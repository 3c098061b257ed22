"""The README's moving picture: ``python -m tests.browser.moving_picture`` writes docs/images/refresh.gif.

A real JupyterLab, a real kernel and a task whose page is refreshed in the middle of it.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from time import monotonic

from PIL import Image, ImageDraw, ImageFont
from playwright.sync_api import Page, ViewportSize, sync_playwright

from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.lab import Lab, run_cell, view
from tests.browser.pictures import IMAGES

MOST = 1_500_000
"""Bytes: a page that shows it opens quickly on a phone, too."""

SIZE: ViewportSize = {"width": 880, "height": 680}
CAPTION, COLOURS, PAUSE = 44, 96, 250
"""Pixels of the strip with the caption, colours of the palette, and milliseconds between two frames."""

LONGEST, END = 1200, 4000
"""Milliseconds of a frame, and of the last one."""

TRAIN = """\
import time
import jupyter_agent as ja

@ja.task
def train(epochs):
    for epoch in ja.track(range(epochs)):
        time.sleep(0.2)
        loss = 0.9 / (epoch + 1) ** 0.7
        print(f"epoch {epoch:>2}  loss {loss:.4f}")

train.submit(epochs=60);"""


class Film:
    """Frames of a page, each with the time at which it was taken and the caption of that moment."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._frames: list[tuple[float, Image.Image]] = []
        self._font = ImageFont.load_default(18)
        self.caption = ""

    def take(self) -> None:
        """Add what the page shows now."""
        shown = Image.open(io.BytesIO(self._page.screenshot())).convert("RGB")
        frame = Image.new("RGB", (shown.width, shown.height + CAPTION), "#1f2933")
        frame.paste(shown, (0, CAPTION))
        ImageDraw.Draw(frame).text((16, 11), self.caption, "#ffffff", self._font)
        self._frames.append((monotonic(), frame))

    def take_until(self, is_over: Callable[[], bool]) -> None:
        """Add a frame each `PAUSE`, and one when it is over."""
        while not is_over():
            self.take()
            self._page.wait_for_timeout(PAUSE)
        self.take()

    def write(self, path: Path) -> int:
        """Write it, as long as it took; returns the bytes."""
        times = [time for time, _ in self._frames]
        shown = [min(round(1000 * (after - before)), LONGEST) for before, after in pairwise(times)]
        palette = self._frames[-1][1].quantize(COLOURS)
        frames = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for _, frame in self._frames]
        frames[0].save(
            path, save_all=True, append_images=frames[1:], duration=[*shown, END], loop=0, optimize=True
        )
        return path.stat().st_size


def progress(page: Page) -> int:
    """What the bar says, 0 without one."""
    return int(page.evaluate("Number(document.querySelector('.ja-bar')?.ariaValueNow ?? 0)"))


def record(page: Page, lab: Lab) -> Film:
    """Run a task, refresh its page, and see it end."""
    film = Film(page)
    lab.open(page, "train.ipynb", TRAIN)
    page.evaluate("window.jupyterapp.commands.execute('application:toggle-left-area')")
    film.caption = "A cell starts a task, and goes on at once"
    film.take()
    run_cell(page, 0)
    film.take_until(lambda: progress(page) >= 20)
    film.caption = "The page is refreshed; the notebook was never saved"
    page.reload(wait_until="commit")
    film.take_until(lambda: view(page).count() > 0 and progress(page) > 0)
    if view(page).get_attribute("data-state") != "running":
        raise SystemExit(
            "this machine is too busy for a film: the task ended before the page was there again"
        )
    film.caption = "It is all there: nothing lost, nothing twice"
    film.take_until(lambda: view(page).get_attribute("data-state") == "completed")
    return film


def main() -> None:
    """Start everything in folders of its own, and end it."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        lab = Lab(Path(folder), extension=True)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            film = record(browser.new_page(viewport=SIZE, reduced_motion="reduce"), lab)
        finally:
            browser.close()
            lab.stop()
    size = film.write(IMAGES / "refresh.gif")
    if size > MOST:
        raise SystemExit(f"docs/images/refresh.gif has {size} bytes of at most {MOST}")
    print(f"docs/images/refresh.gif: {size} bytes")


if __name__ == "__main__":
    main()
