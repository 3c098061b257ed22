"""The table of situations that a view survives: ``python -m tests.browser.situations``.

The same loop runs in two cells of one notebook, so that both meet the same thing at the same moment: one
updates stock ipywidgets from a thread, the other is a task. Each loop also writes its lines to a file, which
says what was printed. The table goes into docs/explanation/views.md; pictures go where an argument says.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

from playwright.sync_api import Browser, Locator, Page, sync_playwright

from tests.browser.cable import Cable, cable
from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.lab import Lab, restart_kernel, run_cell, save, wait_for_kernel

DOCS = Path(__file__).parents[2] / "docs" / "explanation" / "views.md"
BEGIN, END = "<!-- situations -->", "<!-- /situations -->"
LINES, SECONDS = 60, 0.5
STRIKE = 12
"""The situation begins when so many lines were printed."""
TIMEOUT = 20.0
"""Seconds for a view to be there, and for a bar to move."""
RECONNECT = 60.0
"""Seconds for the page to find its kernel again, so that what comes late has come."""
CUT = 5.0

STOCK = """\
import threading, time
import ipywidgets as widgets

bar = widgets.IntProgress(max={lines})
log = widgets.Output()

def work():
    with open({said!r}, "a", buffering=1) as said:
        for number in range({lines}):
            log.append_stdout(f"line {{number}}\\n")
            bar.value = number + 1
            said.write(f"line {{number}}\\n")
            time.sleep({seconds})

threading.Thread(target=work).start()
widgets.VBox([bar, log])"""
OURS = """\
import time
import jupyter_agent as ja

@ja.task
def work():
    with open({said!r}, "a", buffering=1) as said:
        for number in ja.track(range({lines})):
            print(f"line {{number}}")
            said.write(f"line {{number}}\\n")
            time.sleep({seconds})

run = work.submit()"""


@dataclass
class Scene:
    """A notebook whose loops run, and what can happen to it."""

    lab: Lab
    page: Page
    cable: Cable
    dies: bool = False
    """True if its kernel dies."""

    def refresh(self) -> None:
        self.page.reload()

    def save(self) -> None:
        save(self.page)
        self.page.wait_for_function("!window.jupyterapp.shell.currentWidget.content.model.dirty")

    def restart(self) -> None:
        restart_kernel(self.page)
        self.dies = True
        wait_for_kernel(self.page)


def refresh(scene: Scene) -> None:
    """Refresh"""
    scene.save()
    scene.refresh()


def refresh_unsaved(scene: Scene) -> None:
    """Refresh, never saved"""
    scene.refresh()


def restart(scene: Scene) -> None:
    """Kernel restart, page open"""
    scene.restart()


def refresh_after_restart(scene: Scene) -> None:
    """Refresh after a kernel restart"""
    scene.restart()
    scene.save()
    scene.refresh()


def server_restart(scene: Scene) -> None:
    """Server restart, page open"""
    scene.lab.stop()
    scene.dies = True
    scene.lab.start()


def network_cut(scene: Scene) -> None:
    """Network cut for 5 s, page open"""
    scene.cable.pull()
    sleep(CUT)
    scene.cable.plug()


SITUATIONS: tuple[Callable[[Scene], None], ...] = (
    refresh,
    refresh_unsaved,
    restart,
    refresh_after_restart,
    server_restart,
    network_cut,
)


@dataclass(frozen=True)
class View:
    """One of the two views: its cell, its bar and what its bar says, and the lines that are shown."""

    cell: Locator
    bar: str
    value: str
    lines: str
    said: Path

    def is_there(self) -> bool:
        return self.cell.locator(self.bar).first.is_visible()

    def share(self) -> float:
        """Return how much of its bar is filled, by its own attribute."""
        return float(self.cell.locator(self.bar).first.evaluate(self.value)) if self.is_there() else -1.0

    def printed(self) -> list[str]:
        """Return the lines that the loop printed, from its own file."""
        return self.said.read_text().splitlines()

    def shown(self) -> list[str]:
        """The lines in the view, all of them."""
        earlier = self.cell.get_by_role("button", name="Show earlier", exact=True)
        while earlier.first.is_visible():
            earlier.first.click()
        text = "\n".join(self.cell.locator(self.lines).all_inner_texts())
        return re.findall(r"line \d+", text)


def views(page: Page, folder: Path) -> tuple[View, View]:
    """The stock view and ours."""
    stock, ours = (page.locator(".jp-Cell").nth(index) for index in (0, 1))
    width = "bar => parseFloat(bar.style.width)"
    now = "bar => 100 * bar.ariaValueNow / bar.ariaValueMax"
    return (
        View(stock, ".widget-hprogress .progress-bar", width, ".widget-output", folder / "stock"),
        View(ours, "jupyter-agent-task [role=progressbar]", now, "[role=log]", folder / "ours"),
    )


@dataclass(frozen=True)
class Seen:
    """The outcome for a view: a word about its bar, and its lines."""

    bar: str
    printed: int
    lost: int
    doubled: int


def see(watch: Watch) -> Seen:
    """Compare what is shown with what was printed."""
    printed, shown = watch.view.printed(), Counter(watch.view.shown())
    lost = sum(1 for line in printed if line not in shown)
    return Seen(watch.verdict(), len(printed), lost, sum(count - 1 for count in shown.values()))


class Watch:
    """Looks at one view again and again, until it has shown what becomes of it."""

    def __init__(self, view: View, *, dies: bool) -> None:
        self.view, self.dies, self.start = view, dies, monotonic()
        self.first: float | None = None
        self.word = ""

    def look(self) -> bool:
        """Look once; return True if the view has shown its final state."""
        if not self.word and self.view.is_there():
            self.first = self.view.share() if self.first is None else self.first
            told = self.dies and self.view.cell.get_by_text("interrupted", exact=True).first.is_visible()
            moved = not self.dies and self.view.share() > self.first
            self.word = (
                f"{'says *interrupted*' if told else 'continues'} after {monotonic() - self.start:.1f} s"
                if told or moved
                else ""
            )
        return bool(self.word)

    def verdict(self) -> str:
        """Return what the view shows in the end."""
        if self.word:
            return self.word
        if not self.view.is_there():
            return "gone"
        cut = self.view.cell.locator(".jupyter-widgets-disconnected").count() > 0
        return "stops, marked as disconnected" if cut else "stops"


def look(watches: list[Watch]) -> bool:
    """Look at each; whether all have shown what becomes of them."""
    words = [watch.look() for watch in watches]
    return all(words)


def wait(condition: Callable[[], bool], page: Page, seconds: float = TIMEOUT) -> bool:
    """Return True if the condition holds within that time. The page keeps running meanwhile."""
    deadline = monotonic() + seconds
    while not condition():
        if monotonic() > deadline:
            return False
        page.wait_for_timeout(50)
    return True


def is_connected(page: Page) -> bool:
    """Return True if the page is connected to its kernel's channels."""
    session = "window.jupyterapp?.shell.currentWidget?.sessionContext?.session"
    return bool(page.evaluate(f"{session}?.kernel?.connectionStatus === 'connected'"))


def close_dialogs(page: Page) -> None:
    """Dismiss every dialog of JupyterLab."""
    while page.locator(".jp-Dialog .jp-Dialog-button").last.is_visible():
        page.locator(".jp-Dialog .jp-Dialog-button").last.click()


def play(
    lab: Lab, browser: Browser, line: Cable, situation: Callable[[Scene], None], pictures: Path | None
) -> list[Seen]:
    """Run both loops into the situation; what was seen of the stock view and of ours."""
    name, folder = situation.__name__, lab.folder / situation.__name__
    folder.mkdir()
    page = browser.new_page(viewport={"width": 1000, "height": 1500})
    scene, pair = Scene(lab, page, line), views(page, folder)
    cells = [
        source.format(said=str(view.said), lines=LINES, seconds=SECONDS)
        for source, view in zip((STOCK, OURS), pair, strict=True)
    ]
    lab.open(page, f"{name}.ipynb", *cells, url=line.url)
    for index in (0, 1):
        run_cell(page, index)
    assert wait(lambda: all(view.said.exists() and len(view.printed()) >= STRIKE for view in pair), page, 30)
    situation(scene)
    watches = [Watch(view, dies=scene.dies) for view in pair]
    wait(lambda: look(watches), page)
    if not scene.dies:
        assert wait(lambda: all(len(view.printed()) == LINES for view in pair), page, LINES * SECONDS * 3)
        assert wait(lambda: (look(watches) or True) and is_connected(page), page, RECONNECT)
    page.wait_for_timeout(2000)
    look(watches)
    close_dialogs(page)
    if pictures:
        page.screenshot(path=pictures / f"{name}.png")
    seen = [see(watch) for watch in watches]
    page.context.close()
    return seen


def table(rows: list[tuple[str, list[Seen]]]) -> str:
    """The rows as Markdown."""
    head = (
        "| situation | ipywidgets: bar | lines lost | doubled | jupyter_agent: bar | lines lost | doubled |"
    )
    lines = [head, "|---|---|--:|--:|---|--:|--:|"]
    for name, seen in rows:
        cells = [f"{one.bar} | {one.lost} of {one.printed} | {one.doubled}" for one in seen]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def write(text: str, page: Path = DOCS) -> None:
    """Put *text* between the markers of a page."""
    head, _, rest = page.read_text().partition(BEGIN)
    page.write_text(f"{head}{BEGIN}\n{text}\n{END}{rest.partition(END)[2]}")


def main(words: list[str]) -> None:
    pictures = Path(words[0]) if words else None
    with ExitStack() as stack:
        lab = Lab(Path(stack.enter_context(tempfile.TemporaryDirectory())) / "lab", extension=True)
        stack.callback(lab.stop)
        line = stack.enter_context(cable(lab.url))
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        rows = []
        for situation in SITUATIONS:
            rows.append((situation.__doc__ or "", play(lab, browser, line, situation, pictures)))
            print(*rows[-1], flush=True)
        browser.close()
    write(table(rows))


if __name__ == "__main__":
    main(sys.argv[1:])
