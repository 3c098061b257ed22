"""The timeline of the tasks page: a real server with a story of tasks, and Chromium."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support import servers
from tests.support.wire import Story

from .axe import grave_faults
from .worked import ONE, TWO, Worked, at, worked_on

PHONE: dict[str, Any] = {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True}


@pytest.fixture
def worked(tmp_path: Path) -> Iterator[Worked]:
    with servers.servers(tmp_path) as factory:
        yield worked_on(factory.start())


@pytest.fixture
def page(worked: Worked, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    context = browser.new_context(**getattr(request, "param", {"viewport": {"width": 1100, "height": 800}}))
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(f"{worked.server.url}login?token={worked.server.token}")
    page.goto(f"{worked.server.url}jupyter-agent/?view=timeline")
    expect(page.locator(".jat-bar")).to_have_count(3)
    yield page
    context.close()
    assert faults == []


def bar(page: Page, story: Story) -> Locator:
    return page.locator(f'.jat-bar[data-task-id="{story.task}"]')


def states(page: Page, story: Story) -> Any:
    return bar(page, story).locator(".jat-part")


def listed(page: Page) -> Locator:
    return page.locator("jupyter-agent-tasks li[data-task-id]")


def test_rows_bars_and_the_list_follow_what_happens_and_what_is_chosen(worked: Worked, page: Page) -> None:
    expect(page.locator(".jat-label")).to_have_text(["two.ipynb", "one.ipynb"])
    parts = ["queued", "failed", "queued", "running"]
    expect(states(page, worked.train)).to_have_count(4)
    assert states(page, worked.train).evaluate_all("all => all.map((one) => one.dataset.state)") == parts
    expect(states(page, worked.crawl)).to_have_attribute("data-state", "queued")
    worked.publish(worked.crawl, at(worked.crawl, 0, "running"))
    expect(states(page, worked.crawl).last).to_have_attribute("data-state", "running")
    expect(page.locator(".jat-now")).to_be_attached()

    bar(page, worked.train).hover()
    expect(page.locator(".jat-about")).to_contain_text("train, running, attempt 2, epochs=12, started")

    expect(listed(page)).to_have_count(3)
    scale = page.locator(".jat-scale").bounding_box()
    assert scale is not None
    page.mouse.move(scale["x"] + 2, scale["y"] + 10)
    page.mouse.down()
    page.mouse.move(scale["x"] + scale["width"] * 0.3, scale["y"] + 14, steps=4)
    page.mouse.up()
    expect(page.get_by_text(re.compile("^1 task from "))).to_be_visible()
    expect(listed(page)).to_have_count(1)  # drawn a frame after the words above it
    expect(listed(page)).to_have_attribute("data-task-id", worked.prep.task)
    page.get_by_role("button", name="Zoom in", exact=True).click()
    expect(page.locator(".jat-bar")).to_have_count(1)
    page.get_by_role("button", name="Now", exact=True).click()
    page.get_by_role("combobox", name="Time", exact=True).select_option("1 hour")
    expect(page.locator(".jat-bar")).to_have_count(3)

    page.get_by_label("Rows").select_option("by name")
    strip = page.locator('.jat-row[data-key="prep"]').get_by_role("img")
    expect(strip).to_have_attribute("aria-label", "Last runs: completed in 5m 00s")
    bar(page, worked.prep).click()
    expect(page.locator(f'jupyter-agent-task[data-task-id="{worked.prep.task}"]')).to_be_visible()
    expect(page).to_have_url(re.compile(f"view=timeline&task={worked.prep.task}"))


def test_keys_alone_choose_a_time_and_open_a_task(worked: Worked, page: Page) -> None:
    end = page.get_by_role("slider", name="Chosen until")
    end.focus()
    for _ in range(8):
        end.press("Shift+ArrowLeft")
    expect(listed(page)).to_have_count(1)
    expect(listed(page)).to_have_attribute("data-task-id", worked.prep.task)
    end.press("Escape")
    expect(listed(page)).to_have_count(3)
    expect(page.locator('.jat-bar[tabindex="0"]')).to_have_count(1)
    bar(page, worked.crawl).focus()
    page.keyboard.press("ArrowDown")
    expect(bar(page, worked.train)).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(bar(page, worked.prep)).to_be_focused()
    expect(page.locator(".jat-about")).to_contain_text("prep, completed")
    page.keyboard.press("Enter")
    expect(page.locator(f'jupyter-agent-task[data-task-id="{worked.prep.task}"]')).to_be_visible()


def shown_span(page: Page) -> float:
    """Seconds that the timeline shows."""
    return float(page.locator("jupyter-agent-timeline").evaluate("one => one.span"))


def test_a_time_of_any_length_is_shown_by_wheel_keys_and_buttons(worked: Worked, page: Page) -> None:
    plot, live = page.locator(".jat-plot"), page.get_by_role("button", name="Now", exact=True)
    expect(live).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Earlier").click()
    expect(page.locator(".jat-bar")).to_have_count(0)
    expect(page.get_by_text("No tasks in this time.")).to_be_visible()
    expect(live).to_have_attribute("aria-pressed", "false")
    page.get_by_role("button", name="Later").click()
    expect(live).to_have_attribute("aria-pressed", "true")  # it follows the time again
    expect(page.locator(".jat-bar")).to_have_count(3)

    bar(page, worked.prep).focus()
    page.keyboard.press("+")
    assert shown_span(page) == pytest.approx(3600 / 1.5)
    expect(bar(page, worked.prep)).to_have_count(0)  # it ended before the 40 minutes that are left
    page.get_by_role("button", name="More time").click()
    assert shown_span(page) == pytest.approx(3600)
    expect(live).to_have_attribute("aria-pressed", "true")

    here = bar(page, worked.prep)
    expect(here).to_be_visible()
    before = here.bounding_box()
    assert before is not None
    page.mouse.move(before["x"], before["y"] + 5)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -480)
    page.keyboard.up("Control")
    expect(here).to_have_css("width", re.compile(r"^(\d{3,})"))
    after = here.bounding_box()
    assert after is not None
    assert shown_span(page) == pytest.approx(3600 / 1.5**2)
    assert after["x"] == pytest.approx(before["x"], abs=3), "what is under the pointer stays there"
    assert page.evaluate("devicePixelRatio") == 1
    page.mouse.move(*at_middle(plot))
    page.mouse.wheel(0, 200)  # without Ctrl it scrolls
    assert shown_span(page) == pytest.approx(3600 / 1.5**2)


def at_middle(place: Locator) -> tuple[float, float]:
    box = place.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_rows_out_of_sight_are_drawn_when_they_are_scrolled_to(worked: Worked, page: Page) -> None:
    for number in range(80):
        worked.ran(f"run-{number}", f"/home/ada/{number:02}.ipynb", started=2000 - number, ended=1000)
    rows = page.locator(".jat-row")
    expect(rows).to_have_count(82)
    page.reload()  # each of them was in sight when it came
    expect(rows).to_have_count(82)
    expect(page.locator('.jat-row[data-key$="two.ipynb"] .jat-bar')).to_have_count(1)
    last = rows.last
    expect(last.locator(".jat-bar")).to_have_count(0)
    height = page.locator(".jat-plot").bounding_box()
    last.scroll_into_view_if_needed()
    expect(last.locator(".jat-bar")).to_have_count(1)
    expect(last.locator(".jat-label")).to_have_text("00.ipynb")
    after = page.locator(".jat-plot").bounding_box()
    assert height is not None
    assert after is not None
    assert after["height"] == height["height"], "its room was there before it"


@pytest.mark.parametrize("page", [PHONE], indirect=True)
def test_a_finger_chooses_a_time_on_the_axis(worked: Worked, page: Page) -> None:
    page.get_by_role("combobox", name="Time", exact=True).select_option("1 hour")
    page.locator(".jat-axis").scroll_into_view_if_needed()
    scale = page.locator(".jat-scale").bounding_box()
    assert scale is not None
    touch = page.context.new_cdp_session(page)
    y = scale["y"] + scale["height"] / 2

    def finger(kind: str, *xs: float) -> None:
        points = [{"x": scale["x"] + share * scale["width"], "y": y} for share in xs]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    finger("touchStart", 0.02)
    finger("touchMove", 0.15)
    finger("touchMove", 0.3)
    finger("touchEnd")
    expect(page.get_by_text(re.compile("^1 task from "))).to_be_visible()
    expect(listed(page)).to_have_count(1)  # drawn a frame after the words above it
    expect(listed(page)).to_have_attribute("data-task-id", worked.prep.task)
    page.get_by_role("button", name="Zoom in", exact=True).click()
    expect(page.locator(".jat-bar")).to_have_count(1)


@pytest.mark.parametrize("page", [PHONE], indirect=True)
def test_a_finger_beside_a_thin_bar_opens_its_task(worked: Worked, page: Page) -> None:
    worked.ran("short", ONE, started=2301, ended=2300)
    short = page.locator('.jat-bar[aria-label^="short"]')
    box = short.bounding_box()
    assert box is not None
    assert box["width"] < 10
    assert box["height"] >= 36
    page.touchscreen.tap(box["x"] + box["width"] + 16, box["y"] + 10)
    expect(page.locator("jupyter-agent-task .ja-name")).to_have_text("short")


def test_how_a_task_ended_is_in_sight_however_short_it_ran(worked: Worked, page: Page) -> None:
    worked.ran("short", TWO, started=2301, ended=2300)  # it waited for longer than it ran
    last = page.locator('.jat-bar[aria-label^="short"] .jat-part[data-state="completed"]')
    fits = "one => one.getBoundingClientRect().right <= one.parentElement.getBoundingClientRect().right"
    assert last.evaluate(fits)
    assert last.evaluate("one => one.getBoundingClientRect().width") >= 2


@pytest.mark.parametrize(
    "page", [PHONE, PHONE | {"color_scheme": "dark"}], indirect=True, ids=["light", "dark"]
)
def test_a_phone_shows_it_whole_and_axe_finds_no_grave_fault(worked: Worked, page: Page) -> None:
    expect(states(page, worked.train)).to_have_count(4)
    expect(listed(page)).to_have_count(3)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.get_by_label("Rows").select_option("by name")
    expect(page.locator(".jat-strip")).to_have_count(3)
    assert grave_faults(page, "jupyter-agent-timeline .jat-plot") == []
    assert grave_faults(page, "jupyter-agent-timeline .jat-tools") == []
