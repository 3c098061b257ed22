"""The plots of a task's metrics, before a scripted server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from .axe import grave_faults
from .stage import TASK, Stage, event, snapshot

ROOT = ".jupyter-agent-task"
STEPS = 40
DARK = ":root { --jp-ui-font-color1: #fff; --jp-ui-font-color2: #bbb; --jp-layout-color0: #111; }"


def value(name: str, step: int) -> float:
    known = {"train/loss": 4 - step / 20, "val/loss": 5 - step / 20, "acc": step / 100}
    return known.get(name, 1e6 / 2.0**step)


def points(*names: str, count: int = STEPS, step: bool = True) -> list[dict[str, Any]]:
    """Events: *count* values of each of these metrics, a second apart."""
    made: list[dict[str, Any]] = []
    for at in range(count):
        for name in names:
            data = {"name": name, "value": value(name, at), "step": at if step else None}
            made.append(event(len(made) + 1, "metric", data, time=1000.0 + at))
    return made


def show(stage: Stage, view: Page, events: list[dict[str, Any]]) -> int:
    """Let the view show a task with this history; returns its subscription."""
    stage.history = events
    ident = stage.welcome()
    last = {one["data"]["name"]: {k: one["data"][k] for k in ("value", "step")} for one in events}
    cursor = f"e:{events[-1]['offset']}"
    stage.answer(ident, snapshot(cursor=cursor, metrics=last), cursor=cursor)
    expect(view.locator(".ja-metric canvas")).to_have_count(view.locator(".ja-metric").count())
    expect(view.locator(".ja-metric canvas").first).to_be_visible()
    return ident


def panel(view: Page, name: str) -> Locator:
    """The panel whose plot is of these metrics."""
    return view.locator(".ja-metric", has=view.get_by_role("img", name=f"Plot of {name}", exact=True))


def drag(view: Page, chart: Locator, start: float, end: float) -> None:
    """Drag over a part of a plot; *start* and *end* are shares of its width."""
    over = chart.locator(".u-over")
    over.scroll_into_view_if_needed()
    box = over.bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    view.mouse.move(box["x"] + start * box["width"], y)
    view.mouse.down()
    view.mouse.move(box["x"] + end * box["width"], y, steps=3)
    view.mouse.up()


def test_every_metric_has_a_panel_whose_title_says_the_last_and_the_best(stage: Stage, view: Page) -> None:
    show(stage, view, points("train/loss", "acc", "val/loss", "lr"))
    expect(view.locator(".ja-metric-title")).to_have_text(["loss", "acc", "lr"])
    loss = panel(view, "train/loss, val/loss").locator(".ja-metric-row")
    expect(loss).to_have_text(
        [r"train 2.05 best 2.05 at 39", r"val 3.05 best 3.05 at 39"], use_inner_text=False
    )
    expect(panel(view, "acc").locator(".ja-metric-head")).to_contain_text("0.39 best 0.39 at 39")
    expect(panel(view, "lr").locator(".ja-metric-head")).to_contain_text("to 1,000,000")
    expect(view.locator(".ja-chip")).to_have_count(0)


def test_a_single_value_without_a_step_stays_a_chip(stage: Stage, view: Page) -> None:
    events = [*points("acc", count=2), event(3, "metric", {"name": "test", "value": 0.5, "step": None})]
    show(stage, view, events)
    expect(view.locator(".ja-chip")).to_contain_text(["0.5"])
    expect(view.locator(".ja-metric-title")).to_have_text(["acc"])


@pytest.mark.parametrize(("width", "columns"), [(400, 1), (600, 2), (900, 3)])
def test_panels_stand_side_by_side_where_there_is_room(
    stage: Stage, view: Page, width: int, columns: int
) -> None:
    view.set_viewport_size({"width": width, "height": 900})
    show(stage, view, points("a", "b", "c", "d"))
    lefts = view.locator(".ja-metric").evaluate_all("all => all.map(one => one.getBoundingClientRect().left)")
    assert len(set(lefts)) == columns


def test_one_cursor_shows_in_every_panel_and_moves_nothing(stage: Stage, view: Page) -> None:
    slow = [
        event(200 + n, "metric", {"name": "epoch time", "value": n, "step": n}, time=1000.0 + 13 * n)
        for n in range(4)
    ]
    show(stage, view, [*points("train/loss", "val/loss", "acc"), *slow])
    before = view.locator(ROOT).bounding_box()
    loss = panel(view, "train/loss, val/loss")
    loss.locator(".u-over").scroll_into_view_if_needed()
    box = loss.locator(".u-over").bounding_box()
    assert box is not None
    view.mouse.move(box["x"] + box["width"] * 20 / (STEPS - 1), box["y"] + 40)
    expect(loss.locator(".ja-metric-row").nth(0)).to_contain_text("3 at 20")
    expect(loss.locator(".ja-metric-row").nth(1)).to_contain_text("4 at 20")
    expect(panel(view, "acc").locator(".ja-metric-head")).to_contain_text("0.2 at 20")
    # What counts epochs is read where the time was the same: step 20 was after 20 s, epoch 2 after 26 s.
    expect(panel(view, "epoch time").locator(".ja-metric-head")).to_contain_text("2 at 2")
    marks = view.locator(".u-cursor-x").evaluate_all(
        "all => all.map(one => one.getBoundingClientRect().width > 0)"
    )
    assert marks == [True, True, True]
    after = view.locator(ROOT).bounding_box()
    assert before is not None
    assert after is not None
    assert before["height"] == after["height"]
    view.mouse.move(2, 2)
    expect(panel(view, "acc").locator(".ja-metric-head")).to_contain_text("best")


def test_a_drag_zooms_one_panel_until_its_reset_is_pressed(stage: Stage, view: Page) -> None:
    ident = show(stage, view, points("acc", "lr"))
    acc = panel(view, "acc")
    reset = acc.get_by_role("button", name="Reset zoom")
    expect(reset).to_be_hidden()
    drag(view, acc, 0.25, 0.5)
    expect(reset).to_be_visible()
    expect(panel(view, "lr").get_by_role("button", name="Reset zoom")).to_be_hidden()
    view.mouse.move(2, 2)
    stage.tell(ident, event(200, "metric", {"name": "acc", "value": 0.9, "step": STEPS}), prev="e:80")
    expect(acc.locator(".ja-metric-head")).to_contain_text("0.9")
    expect(reset).to_be_visible()
    reset.click()
    expect(reset).to_be_hidden()


def test_a_click_and_a_key_enlarge_a_panel_and_arrows_read_it(stage: Stage, view: Page) -> None:
    show(stage, view, points("acc", "lr", "c"))
    acc = panel(view, "acc")
    small = acc.bounding_box()
    acc.locator(".u-over").click()
    expect(acc.get_by_role("button", name="Shrink acc")).to_have_attribute("aria-pressed", "true")
    large = acc.bounding_box()
    assert small is not None
    assert large is not None
    assert large["width"] > 1.8 * small["width"]
    chart = acc.get_by_role("img")
    chart.focus()
    view.mouse.move(2, 2)
    chart.press("ArrowLeft")
    expect(acc.locator(".ja-metric-head")).to_contain_text("at 39")
    chart.press("ArrowLeft")
    expect(acc.locator(".ja-metric-head")).to_contain_text("0.38 at 38")
    chart.press("Escape")
    expect(acc.get_by_role("button", name="Enlarge acc")).to_be_visible()
    acc.get_by_role("button", name="Enlarge acc").press("Enter")
    expect(acc.get_by_role("button", name="Shrink acc")).to_be_focused()


def test_the_axis_is_logarithmic_over_three_powers_of_ten_and_steps_can_be_times(
    stage: Stage, view: Page
) -> None:
    show(stage, view, points("acc", "lr"))
    logs = "document.querySelector('jupyter-agent-plot').shown"
    view.wait_for_function(
        f"JSON.stringify({logs}) === JSON.stringify({{acc: 'linear step', lr: 'log step'}})"
    )
    view.get_by_label("Vertical axis").select_option("linear")
    view.wait_for_function(f"{logs}.lr === 'linear step'")
    view.get_by_label("Horizontal axis").select_option("time")
    view.wait_for_function(f"{logs}.lr === 'linear time' && {logs}.acc === 'linear time'")


def test_metrics_without_steps_are_drawn_by_time(stage: Stage, view: Page) -> None:
    show(stage, view, points("speed", step=False))
    view.wait_for_function("document.querySelector('jupyter-agent-plot').shown.speed.endsWith(' time')")
    expect(view.get_by_label("Horizontal axis")).to_be_hidden()


def test_the_room_for_plots_is_there_before_their_points(stage: Stage, view: Page) -> None:
    ident = stage.welcome()
    stage.answer(ident, snapshot())
    stage.history = [
        event(n, "metric", {"name": name, "value": n, "step": n}) for n, name in enumerate("ab", 3)
    ]
    stage.tell(ident, *stage.history)
    expect(view.locator(".ja-metric canvas")).to_have_count(2)
    first = view.locator(ROOT).bounding_box()
    for n in range(5, 40):
        name = "ab"[n % 2]
        stage.tell(ident, event(n, "metric", {"name": name, "value": n, "step": n}), prev=f"e:{n - 1}")
    expect(view.locator(".ja-metric-head").first).to_contain_text("38")
    last = view.locator(ROOT).bounding_box()
    assert first is not None
    assert last is not None
    assert first["height"] == last["height"]


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_a_change_of_the_theme_is_drawn_at_once(stage: Stage, view: Page, motion: Any) -> None:
    view.emulate_media(reduced_motion=motion)
    show(stage, view, points("acc"))
    dark = "document.querySelector('.ja-metric canvas').getContext('2d').getImageData(0, 0, 40, 150)"
    brightest = f"""() => {{ const all = {dark}.data; let best = 0;
      for (let at = 0; at < all.length; at += 4) if (all[at + 3] > 200) best = Math.max(best, all[at]);
      return best; }}"""
    view.wait_for_function(f"({brightest})() > 0")
    assert view.evaluate(brightest) < 150
    view.add_style_tag(content=DARK)
    view.wait_for_function(f"({brightest})() > 150")


def test_the_values_and_the_plots_are_saved_as_files(stage: Stage, view: Page, tmp_path: Path) -> None:
    show(stage, view, points("train/loss", "acc", count=3))
    with view.expect_download() as table:
        view.get_by_role("button", name="CSV").click()
    assert table.value.suggested_filename == f"{TASK}-metrics.csv"
    lines = table.value.path().read_text().splitlines()
    assert lines[:2] == ["metric,step,time,value", "train/loss,0,1970-01-01T00:16:40.000Z,4"]
    assert len(lines) == 7
    with view.expect_download() as picture:
        view.get_by_role("button", name="PNG").click()
    assert picture.value.suggested_filename == f"{TASK}-metrics.png"
    assert picture.value.path().read_bytes().startswith(b"\x89PNG")
    assert picture.value.path().stat().st_size > 5000


def test_of_many_metrics_the_first_dozen_is_drawn_until_all_are_wanted(stage: Stage, view: Page) -> None:
    stage.history = points(*(f"m{n}" for n in range(30)), count=3)
    ident = stage.welcome()
    stage.answer(ident, snapshot(cursor="e:90", metrics={"m0": {"value": 1, "step": 2}}), cursor="e:90")
    expect(view.locator(".ja-metric")).to_have_count(12)
    view.get_by_role("button", name="Show all 30 plots").click()
    expect(view.locator(".ja-metric")).to_have_count(30)
    expect(view.locator(".ja-metric canvas").first).to_be_visible()
    assert view.locator(".ja-metric canvas").count() < 30, "what is out of sight is not drawn"
    view.locator(".ja-metric").last.scroll_into_view_if_needed()
    expect(view.locator(".ja-metric").last.locator("canvas")).to_be_visible()


def test_a_value_that_is_no_number_leaves_the_others_and_is_told_when_it_is_the_last(
    stage: Stage, view: Page
) -> None:
    events = points("acc", count=5)
    events[2]["data"]["value"] = None
    ident = show(stage, view, events)
    expect(panel(view, "acc").locator(".ja-metric-head")).to_contain_text("0.04 best")
    assert view.evaluate("document.querySelector('jupyter-agent-plot').metrics.series.get('acc').count") == 4
    stage.tell(ident, event(6, "metric", {"name": "acc", "value": None, "step": 5}), prev="e:5")
    expect(panel(view, "acc").locator(".ja-metric-head")).to_contain_text("- best 0.04 at 4")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_no_grave_fault(stage: Stage, view: Page, dark: bool) -> None:
    if dark:
        view.add_style_tag(content=f"{DARK} body {{ background: #111; }}")
    show(stage, view, points("train/loss", "val/loss", "acc", "lr"))
    acc = panel(view, "acc")
    acc.get_by_role("button", name="Enlarge acc").click()
    drag(view, acc, 0.2, 0.6)
    expect(acc.get_by_role("button", name="Reset zoom")).to_be_visible()
    assert grave_faults(view, ROOT) == []


IS_SHOWN = """([low, high]) => {
  const [from, to] = JSON.parse(document.querySelector('.ja-chart').dataset.range);
  return Math.abs(from - low) < 1 && Math.abs(to - high) < 1;
}"""
"""Whether the first chart shows this part of its horizontal axis, give or take a step."""

USED = {"scope": "kernel", "processes": 2, "values": {"sys/cpu": 140.0, "sys/memory": 3 << 30}}


def test_what_a_task_uses_opens_as_curves_and_is_asked_for_only_in_sight(stage: Stage, view: Page) -> None:
    asked: list[str] = []

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(json=USED)

    view.route("**/resources", answer)
    ident = stage.welcome()
    stage.answer(ident, snapshot(state="running"))
    line = view.get_by_role("button", name="kernel's CPU 140% · 3.0 GiB")
    expect(line).to_be_visible()
    expect(view.locator(".ja-chip")).to_have_count(0)
    line.press("Enter")
    expect(line).to_have_attribute("aria-expanded", "true")
    system = view.locator("jupyter-agent-system")
    expect(system.locator(".ja-metric-title")).to_have_text(["sys/cpu %", "sys/memory MiB"])
    expect(system.locator(".ja-metric canvas")).to_have_count(2)
    expect(view.locator(".ja-system-head")).to_contain_text("of the whole kernel")
    assert system.evaluate("one => one.shown['cpu %']") == "linear time"
    assert grave_faults(view, ".ja-system") == []
    view.locator(ROOT).evaluate("one => { one.style.marginTop = '3000px'; }")
    expect(line).to_be_hidden()  # out of sight: no more questions
    expect(view.locator(".ja-system-head")).to_contain_text("not measured now")
    view.locator(ROOT).evaluate("one => { one.style.marginTop = ''; }")
    expect(view.locator(".ja-system-head")).to_contain_text("of the whole kernel")
    view.get_by_role("button", name="Close System").click()
    expect(system).to_have_count(0)
    expect(line).to_be_focused()
    expect(line).to_have_attribute("aria-expanded", "false")
    assert all(f"tasks/{TASK}/resources" in one for one in asked)


def test_fingers_zoom_a_panel_and_its_reset_is_seen(stage: Stage, view: Page) -> None:
    show(stage, view, points("acc", "lr"))
    acc = panel(view, "acc")
    over = acc.locator(".u-over")
    over.scroll_into_view_if_needed()
    box = over.bounding_box()
    assert box is not None
    touch = view.context.new_cdp_session(view)

    def fingers(kind: str, *shares: float) -> None:
        spots = [
            (box["x"] + share * box["width"], box["y"] + 30 + 20 * at) for at, share in enumerate(shares)
        ]
        sent = [{"x": x, "y": y, "id": at} for at, (x, y) in enumerate(spots)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": sent})

    def wait_until_shown(low: float, high: float) -> None:
        view.wait_for_function(IS_SHOWN, arg=[low * (STEPS - 1), high * (STEPS - 1)])

    reset = acc.get_by_role("button", name="Reset zoom")
    fingers("touchStart", 0.25)
    fingers("touchMove", 0.4)
    fingers("touchMove", 0.5)
    fingers("touchEnd")
    expect(reset).to_be_visible()
    wait_until_shown(0.25, 0.5)
    expect(panel(view, "lr").get_by_role("button", name="Reset zoom")).to_be_hidden()
    reset.click()
    expect(reset).to_be_hidden()
    wait_until_shown(0, 1)
    fingers("touchStart", 0.4, 0.6)
    fingers("touchMove", 0.3, 0.7)
    fingers("touchEnd")
    expect(reset).to_be_visible()
    wait_until_shown(0.25, 0.75)
    expect(acc.get_by_role("button", name="Enlarge acc")).to_be_visible()
