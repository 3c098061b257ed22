"""Answers in a conversation, before a scripted server: the focus, presses that come twice, touch."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Browser, Page, expect

from .conftest import MOUNT
from .stage import TASK, Stage, event, snapshot

LONG = "Keep the rows without a price, and fill what is missing with the median of the same day"

GUARD_TIME = 400
HOLD_GUARD = f"""() => {{
  const setTimer = window.setTimeout;
  window.held = [];
  window.setTimeout = (end, time, ...more) =>
    time === {GUARD_TIME} ? window.held.push(end) : setTimer(end, time, ...more);
}}"""
PHONE = """document.head.insertAdjacentHTML("beforeend",
  '<meta name="viewport" content="width=device-width, initial-scale=1">')"""


def question(offset: int, prompt: str, *choices: str) -> dict[str, Any]:
    return event(offset, "prompt", {"prompt_id": prompt, "text": f"{prompt}?", "choices": list(choices)})


def answered(stage: Stage, ident: int, offset: int, prompt: str, text: str) -> None:
    """Let the server accept an answer, and the task read it."""
    command = stage.expect("command")
    assert command["args"] == {"text": text, "prompt_id": prompt}
    stage.send(type="reply", id=command["id"], ok=True)
    read = event(offset, "input", {"text": text, "prompt_id": prompt})
    stage.tell(ident, read, prev=f"e:{offset - 1}")


def test_the_focus_moves_on_from_question_to_question(stage: Stage, view: Page) -> None:
    ident = stage.welcome()
    stage.answer(ident, snapshot())
    stage.tell(ident, question(3, "one", "yes", "no"))
    view.get_by_role("button", name="no", exact=True).press("Enter")
    answered(stage, ident, 4, "one", "no")
    expect(view.get_by_label("Say something to the task")).to_be_focused()
    stage.tell(ident, question(5, "two", "left", "right"), prev="e:4")
    expect(view.get_by_role("button", name="left", exact=True)).to_be_focused()


def test_what_is_being_written_keeps_the_focus(stage: Stage, view: Page) -> None:
    ident = stage.welcome()
    stage.answer(ident, snapshot())
    stage.tell(ident, question(3, "one", "yes", "no"))
    view.get_by_role("button", name="no", exact=True).press("Enter")
    answered(stage, ident, 4, "one", "no")
    field = view.get_by_label("Say something to the task")
    expect(field).to_be_focused()
    view.keyboard.type("and")
    stage.tell(ident, question(5, "two", "left", "right"), prev="e:4")
    expect(view.get_by_role("button", name="left", exact=True)).to_be_visible()
    expect(view.locator(".ja-answer")).to_be_focused()


def test_a_second_press_does_not_answer_the_next_question(stage: Stage, view: Page) -> None:
    """The guard's time ends when the test says so."""
    view.evaluate(HOLD_GUARD)
    ident = stage.welcome()
    stage.answer(ident, snapshot())
    stage.tell(ident, question(3, "one", "yes", "no"))
    yes = view.get_by_role("button", name="yes", exact=True)
    yes.click()
    answered(stage, ident, 4, "one", "yes")
    stage.tell(ident, question(5, "two", "yes", "no"), prev="e:4")
    view.wait_for_function("window.held.length > 0")  # the next question is there, and guarded
    expect(yes).to_be_disabled()
    yes.dispatch_event("click")
    view.locator(".ja-answer").press("Enter")
    view.evaluate("window.held.splice(0).forEach((end) => end())")
    expect(yes).to_be_enabled()
    view.get_by_role("button", name="no", exact=True).click()
    answered(stage, ident, 6, "two", "no")


def test_a_phone_has_large_targets_and_long_answers_wrap(stage: Stage, browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 700}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(stage.url)
    page.evaluate(PHONE)
    page.evaluate(MOUNT, [TASK, None])
    ident = stage.welcome()
    stage.answer(ident, snapshot())
    stage.tell(ident, question(3, "one", LONG, "no"))
    choice = page.get_by_role("button", name=LONG)
    choice.wait_for()
    assert choice.evaluate("({scrollWidth, clientWidth}) => scrollWidth <= clientWidth")
    assert choice.evaluate("({scrollHeight, clientHeight}) => scrollHeight <= clientHeight")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    small = "all => all.filter((one) => one.clientHeight && one.offsetHeight < 44).map(String)"
    assert page.locator(".jupyter-agent-task button, .ja-answer").evaluate_all(small) == []
    assert page.locator(".ja-answer").evaluate("one => getComputedStyle(one).fontSize") == "16px"
    context.close()
