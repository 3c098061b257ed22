"""The view in a real browser: output of a task is text, or markup that can do nothing."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from jupyter_agent.core.events import decode_event
from jupyter_agent.core.task import fold
from tests.browser.conftest import CHROMIUM, FLAGS, MOUNT
from tests.browser.stage import TASK, Stage, event, snapshot

from .test_output import ALL, MARKUP, steers

ROOT = ".jupyter-agent-task"
EVIL = MARKUP + ALL + "javascript:evil() data:text/html,<script>evil()</script>"
TAGS = {
    *(
        "DIV",
        "SPAN",
        "BUTTON",
        "DETAILS",
        "SUMMARY",
        "LABEL",
        "INPUT",
        "SELECT",
        "OPTION",
        "FORM",
        "IMG",
        "PRE",
    ),
    *(f"JUPYTER-AGENT-{part}" for part in ("TASK", "LOG", "PLOT", "GALLERY", "TALK")),
}
ICON = [
    {
        "tag": "svg",
        "markup": False,
        "attributes": {"viewBox": "0 0 16 16", "width": "14", "height": "14", "aria-hidden": "true"},
    },
    {
        "tag": "path",
        "markup": False,
        "attributes": {
            "fill": "none",
            "stroke": "currentColor",
            "stroke-width": "1.3",
            "stroke-linejoin": "round",
            "d": "M5.5 5.5h8v8h-8zM3.5 10.5h-1v-8h8v1",
        },
    },
]
"""The view's own picture on the button that copies the id, to the letter."""

MARKUP_TAGS = {"A", "B", "BR", "P"}
"""The markup of `EVIL` that may remain where a task's markup is drawn."""

PICTURES = ("data:image/png;base64,", "data:image/jpeg;base64,", "data:image/svg+xml,")
"""A picture by address runs no script and asks for nothing, not even as SVG."""

ELEMENTS = """root => [root, ...root.querySelectorAll("*")].map((one) => ({
  tag: one.tagName,
  markup: one.matches(".ja-said-html *"),
  attributes: Object.fromEntries([...one.attributes].map((a) => [a.name, a.value])),
}))"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def stage() -> Iterator[Stage]:
    stage = Stage()
    yield stage
    stage.close()


@pytest.fixture
def view(chromium: Browser, stage: Stage) -> Iterator[Page]:
    """A page with a view, on which nothing may fail, be asked for elsewhere, or call `evil`."""
    page = chromium.new_page()
    faults: list[str] = []
    asked: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("dialog", lambda dialog: faults.append(dialog.message))
    page.on("request", lambda request: asked.append(request.url))
    page.on("websocket", lambda socket: asked.append(socket.url.replace("ws", "http", 1)))
    page.goto(stage.url)
    page.evaluate("() => { window.calls = 0; window.evil = () => { window.calls += 1; }; }")
    page.evaluate(MOUNT, [TASK, None])
    yield page
    assert page.evaluate("window.calls") == 0
    assert page.evaluate("Object.keys(Object.prototype).length + Object.keys(Array.prototype).length") == 0
    assert page.title() == "stage"
    page.close()
    assert faults == []
    assert [url for url in asked if not url.startswith((stage.url, "data:image/"))] == []


def _snapshot(text: str, **fields: Any) -> dict[str, Any]:
    said = {
        "name": text,
        "key": text,
        "tags": [text],
        "owner": text,
        "notebook": text,
        "progress": {"done": 1, "total": 3, "message": text},
        "metrics": {text: {"value": 1, "step": None}},
        "prompt": {"prompt_id": text, "text": text, "choices": [text, text]},
    }
    return snapshot(**said | fields)


def _stories(text: str) -> list[dict[str, Any]]:
    pixel = base64.b64encode(b"no picture").decode()
    return [
        event(3, "log", {"stream": "stdout", "text": text + "\n"}),
        event(4, "log", {"stream": "logging", "text": text, "level": text}),
        event(5, "message", {"role": text, "text": text, "message_id": text}),
        event(6, "message", {"role": text, "text": text, "message_id": text, "delta": True}),
        event(7, "display", {"data": {"text/html": text, "text/plain": text}}),
        event(8, "display", {"data": {"image/svg+xml": f"<svg onload=evil()>{text}</svg>"}}),
        event(9, "display", {"data": {"image/png": f'x" onerror="evil()" {text}', "text/plain": text}}),
        event(10, "display", {"data": {"image/jpeg": pixel, "text/plain": [text, text]}}),
        event(11, "display", {"data": {"application/javascript": "evil()", "text/markdown": text}}),
        event(12, "lost", {"first": 1, "last": 2, "reason": text}),
        event(13, "made up", {"text": text}),
    ]


def _assert_text_only(view: Page) -> None:
    """The view is made of its own elements, with no handler, link or foreign picture among them."""
    root = view.locator(ROOT)
    for one in root.evaluate(ELEMENTS):
        assert one["tag"] in (MARKUP_TAGS if one["markup"] else TAGS) or one in ICON, one
        for name, value in one["attributes"].items():
            assert not name.startswith("on"), one
            assert not (one["markup"] and name.startswith(("data-", "class", "id"))), one
            assert name not in ("href", "srcdoc", "action", "formaction", "style") or "evil" not in value, one
            assert name != "src" or value.startswith(PICTURES), one
    assert steers(root.inner_text()) == []
    assert "<script>evil()</script>" in root.inner_text()


@pytest.mark.parametrize(
    "end",
    [
        {},
        {"state": "failed", "error": {"type": EVIL, "message": EVIL, "traceback": EVIL}, "prompt": None},
        {"state": "completed", "result": {"repr": EVIL, "stored": False}, "prompt": None},
    ],
    ids=["running", "failed", "completed"],
)
def test_every_word_of_a_task_is_text(stage: Stage, view: Page, end: dict[str, Any]) -> None:
    ident = stage.welcome()
    stage.answer(ident, _snapshot(EVIL, **end))
    stage.tell(ident, *_stories(EVIL))
    expect(view.get_by_text("events 1 to 2 are lost")).to_be_visible()
    for details in view.locator("details:visible").all():
        details.evaluate("one => { one.open = true }")
    _assert_text_only(view)


def test_a_refusal_of_the_server_is_text_too(stage: Stage, view: Page) -> None:
    ident = stage.welcome()
    stage.send(type="error", id=ident, code="x", message=EVIL, temporary=False)
    expect(view.get_by_text("<script>evil()</script>")).to_be_visible()
    for one in view.locator(ROOT).evaluate(ELEMENTS):
        assert one["tag"] in TAGS or one in ICON, one


def test_no_name_of_a_metric_changes_what_objects_are(stage: Stage, view: Page) -> None:
    names = ["__proto__", "constructor", "toString", "hasOwnProperty", "value"]
    ident = stage.welcome()
    stage.answer(ident, snapshot())
    stage.tell(ident, *(event(n, "metric", {"name": name, "value": n}) for n, name in enumerate(names, 3)))
    expect(view.locator(".ja-chip")).to_have_count(len(names))
    assert view.locator(".ja-chip .ja-label").all_text_contents() == names
    assert view.locator(".ja-chip .ja-value").all_text_contents() == ["3", "4", "5", "6", "7"]


def test_an_about_says_what_an_about_may_and_no_more(stage: Stage, view: Page) -> None:
    about = {
        "name": "train",
        "id": "another",
        "metrics": None,
        "progress": "none",
        "attempt": -1,
        "logs": "many",
        "__proto__": {"state": "failed"},
        "tags": ["a"],
    }
    text = json.dumps({"state": "queued", "about": about})
    queued = event(1, "state", json.loads(text))
    metric = event(2, "metric", {"name": "loss", "value": 1})
    ident = stage.welcome()
    stage.answer(ident, cursor="e:0")
    stage.tell(ident, queued, metric, prev="e:0")
    expect(view.locator(".ja-chip")).to_have_count(1)
    root = view.locator(ROOT)
    expect(root).to_have_attribute("data-task-id", TASK)
    expect(root).to_have_attribute("data-state", "queued")
    in_python = fold(TASK, [decode_event(msgspec.json.encode(one)) for one in (queued, metric)])
    assert (in_python.attempt, in_python.name, in_python.state) == (1, "train", "queued")


def test_a_page_of_the_servers_own_puts_no_token_into_its_addresses(stage: Stage, chromium: Browser) -> None:
    page = chromium.new_page()
    page.goto(stage.url)
    address = page.evaluate(
        """async () => {
          const {pageServer} = await import("/task.mjs");
          return pageServer().wsUrl;
        }"""
    )
    assert address == stage.url.replace("http", "ws", 1) + "jupyter-agent/ws"
    page.close()
