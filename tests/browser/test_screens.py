"""Every screen of the tasks page at three sizes, light and dark: axe, what a finger hits, what is cut."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from jupyter_agent.system.paths import DataPaths
from tests.support.builders import until
from tests.support.workers import no_workers_left

from .axe import grave_faults
from .lab import Lab, write_notebook

JOBS = """\
import jupyter_agent as ja

def fit(lr: float, layers: int = 2) -> float:
    for step in ja.track(range(60)):
        for name in ("train/loss", "val/loss", "accuracy"):
            ja.current().metric(name, lr * step, step)
        print("step", step)
    return lr

def load(path: str) -> None:
    raise KeyError("no column 'volume' in " + path)

def label(image: int) -> str:
    ja.current().say("I looked at **3 files**.")
    return ja.current().ask("Is it a cat?", choices=["yes", "no, but from here it looks a bit like one" * 3])
"""
DESKTOP: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}}
TOUCH: dict[str, Any] = {"viewport": {"width": 834, "height": 1112}, "has_touch": True, "is_mobile": True}
PHONE = {"width": 390, "height": 844}

SMALL = """() => [...document.querySelectorAll("main *, header *, dialog *")]
  .filter((one) => one.matches("a[href], button, input, select, textarea, summary, .jal-mark"))
  .filter((one) => one.checkVisibility({ opacityProperty: true, visibilityProperty: true }))
  .filter((one) => !one.closest(".ja-said-html, .jat-row, .ja-number, .ja-address"))
  .map((one) => one.closest("label:has(input:is([type=checkbox], [type=radio], [type=range]))") ?? one)
  .map((one) => [one, one.getBoundingClientRect()])
  .filter(([, { width, height }]) => width > 1 && height > 1 && (width < 43.5 || height < 43.5))
  .map(([one, { width, height }]) => `${one.outerHTML.slice(0, 90)} ${width}x${height}`)"""
"""Targets that a finger misses; but for links in a text, and the bars of a timeline: it hits the nearest."""
CUT = """() => [...document.querySelectorAll("main button, dialog button, header a")]
  .filter((one) => one.checkVisibility() && getComputedStyle(one).textOverflow !== "ellipsis")
  .filter((one) => one.scrollHeight > one.clientHeight + 1 || one.scrollWidth > one.clientWidth + 1)
  .map((one) => one.outerHTML.slice(0, 120))"""
"""Buttons with text that does not fit in them."""
ROWS = """() => [...document.querySelectorAll(".jal-row")].flatMap((row) => {
    const [what, place] = [".jal-what", ".jal-place > span"].map((one) => row.querySelector(one));
    if (!what || !place) return [];
    const box = place.parentElement.getBoundingClientRect();
    const { top, right } = place.getBoundingClientRect();
    const isShown = top < box.bottom - 1 && box.width > 0;
    const isCut = what.scrollWidth > what.clientWidth || right > box.right + 1;
    return isShown && isCut ? [`${row.innerText} shows a notebook without the room for it`] : [];
  })"""
"""Rows that show a notebook though there is no room for it."""
TOP = "one => Math.round(one.getBoundingClientRect().top)"


@dataclass(frozen=True)
class Screen:
    """*path*: its address; *ready*: selects what is there when it is drawn; *act*: what opens it then."""

    path: str
    ready: str
    act: Callable[[Page], object] = lambda page: None


@pytest.fixture(scope="module")
def tasks(lab: Lab) -> Iterator[dict[str, str]]:
    """A server with tasks, a schedule that has run, and a forward; the ids of the tasks by their names."""
    with no_workers_left(DataPaths(lab.folder / "agent")):  # one waits for an answer that never comes
        yield made(lab)


def made(lab: Lab) -> dict[str, str]:
    (lab.root / "jobs.py").write_text(JOBS)
    write_notebook(lab.root / "report.ipynb", ("print('reading')", "print('prices')\n[][12]"))
    for name, target, parameters in (
        ("fit-1", "jobs.py:fit", {"lr": 0.1}),
        ("fit-2", "jobs.py:fit", {"lr": 0.3}),
        ("load", "jobs.py:load", {"path": "prices.csv"}),
        ("label", "jobs.py:label", {"image": 31}),
        ("report", "report.ipynb", {}),
    ):
        body = {"target": target, "parameters": parameters, "name": name, "tags": [target]}
        lab.ask("jupyter-agent/tasks", "POST", body)
    nightly = {"target": "jobs.py:load", "parameters": {"path": "days.csv"}, "name": "nightly"}
    schedule = lab.ask("jupyter-agent/schedules", "POST", {**nightly, "schedule": {"cron": "0 6 * * *"}})
    lab.ask(f"jupyter-agent/schedules/{schedule['id']}/commands", "POST", {"command": "run"})
    lab.ask("jupyter-agent/forwards", "POST", {"url": "ws://127.0.0.1:9/"})

    def found() -> dict[str, str] | None:
        listed = lab.api("jupyter-agent/tasks")["tasks"]
        asking = any(task["prompt"] for task in listed)
        ended = [task for task in listed if task["state"] in ("completed", "failed")]
        return {task["name"]: task["id"] for task in listed} if asking and len(ended) == 5 else None

    ended: dict[str, str] = until(found, 120)
    return ended


def open_form(page: Page) -> None:
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_text("Function", exact=True).click()
    page.locator("#jar-target").fill("jobs.py:fit")
    page.get_by_label("layers").wait_for()
    page.get_by_text("Cron", exact=True).click()
    page.get_by_role("list", name="Next runs").wait_for()
    page.locator(".jar-more summary").first.click()


def open_menu(page: Page) -> None:
    page.get_by_role("button", name="View").click()
    page.get_by_role("checkbox", name="Select load").check()
    row = page.locator(".jal-row", has_text="load").first
    row.hover()
    row.get_by_role("button", name="More actions").click()
    page.get_by_role("menu").wait_for()


SCREENS = {
    "list": Screen("", ".jal-answers", open_menu),
    "groups": Screen("?group=name", ".jal-group"),
    "metrics": Screen("?task={fit-1}", ".ja-metric canvas"),
    "traceback": Screen("?task={load}", ".ja-error", lambda page: page.locator(".ja-error summary").click()),
    "notebook": Screen("?task={report}", ".ja-fold"),
    "question": Screen("?task={label}", ".ja-choices"),
    "compare": Screen("?compare={fit-1},{fit-2}", "jupyter-agent-compare-plots canvas"),
    "timeline": Screen("?view=timeline", ".jat-bar"),
    "schedules": Screen("?view=schedules", ".jas-mark[data-state=failed]"),
    "forwards": Screen(
        "?view=forwards", ".jas-row", lambda page: page.get_by_role("button", name="New forward").click()
    ),
    "form": Screen("", ".jal-row", open_form),
}


@pytest.fixture
def visit(lab: Lab, tasks: dict[str, str], browser: Browser) -> Iterator[Callable[..., Page]]:
    """``visit(screen, **options)``: a page that shows it; what its scripts leave unhandled fails the test."""
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def make(screen: Screen, **options: Any) -> Page:
        contexts.append(browser.new_context(reduced_motion="reduce", **options))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(f"{lab.url}login?token={lab.token}")
        page.goto(f"{lab.url}jupyter-agent/{screen.path.format(**tasks)}")
        expect(page.locator(screen.ready).first).to_be_visible()
        screen.act(page)
        return page

    yield make
    for context in contexts:
        context.close()
    assert faults == []


def faults_of(page: Page) -> list[str]:
    """What axe and a look at the sizes find, by day and by night."""
    found: list[str] = page.evaluate(CUT) + page.evaluate(ROWS)
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        found.append("the page scrolls sideways")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found += [f"{scheme}: {fault}" for fault in grave_faults(page)]
    return found


@pytest.mark.parametrize("name", SCREENS)
def test_a_screen_is_whole_and_can_be_read_on_a_desktop(visit: Callable[..., Page], name: str) -> None:
    assert faults_of(visit(SCREENS[name], **DESKTOP)) == []


@pytest.mark.parametrize("name", SCREENS)
def test_a_screen_is_whole_and_hit_by_a_finger_on_tablet_and_phone(
    visit: Callable[..., Page], name: str
) -> None:
    page = visit(SCREENS[name], **TOUCH)
    assert faults_of(page) + page.evaluate(SMALL) == []
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert faults_of(page) + page.evaluate(SMALL) == []


def test_on_a_phone_the_controls_of_plots_have_one_row_with_what_is_compared_below(
    visit: Callable[..., Page],
) -> None:
    page = visit(SCREENS["metrics"], **{**TOUCH, "viewport": PHONE})
    tops = [page.get_by_role("button", name=name, exact=True).evaluate(TOP) for name in ("CSV", "PNG")]
    assert tops == [page.get_by_label("Vertical axis").evaluate(TOP)] * 2
    assert page.get_by_role("button", name=re.compile("^Compare ")).evaluate(TOP) > tops[0]


def test_on_a_phone_the_lines_of_an_error_lie_close_together(visit: Callable[..., Page]) -> None:
    page = visit(SCREENS["traceback"], **{**TOUCH, "viewport": {"width": 320, "height": 700}})
    summary = page.locator(".ja-error summary")
    assert summary.evaluate("one => one.getBoundingClientRect().height") in (44, 64)
    assert summary.evaluate("one => getComputedStyle(one).lineHeight") == "20px"


def test_the_log_of_an_ended_task_is_no_higher_than_its_lines(visit: Callable[..., Page]) -> None:
    page = visit(SCREENS["notebook"], **DESKTOP)
    expect(page.locator(".ja-fold")).to_have_count(2)
    box, lines = (
        page.locator(f".ja-{name}").evaluate("one => one.clientHeight") for name in ("log", "lines")
    )
    assert box == lines + 12  # its padding
    colour = "one => getComputedStyle(one).color"
    link = page.get_by_role("link", name="executed notebook")
    assert link.evaluate(colour) == page.locator(".jap-jupyter").evaluate(colour)
