"""The view against a scripted server: its frames on the wire, and what it draws."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from .axe import grave_faults
from .conftest import MOUNT
from .stage import GREETING, TASK, TIMEOUT, Stage, event, snapshot

ROOT = ".jupyter-agent-task"
STILL = 2000.0
"""The page's clock, in Unix seconds, in tests of relative times."""


def log(offset: int, text: str, stream: str = "stdout", **more: Any) -> dict[str, Any]:
    return event(offset, "log", {"stream": stream, "text": text, **more})


def lines(page: Page) -> list[str]:
    return page.locator(".ja-line").all_text_contents()


def height(element: Locator) -> float:
    box = element.bounding_box()
    assert box is not None
    return box["height"]


def test_the_page_greets_first_and_subscribes_after_the_welcome(stage: Stage, view: Page) -> None:
    hello = stage.expect("hello")
    assert (hello["versions"], hello["role"]) == ([1], "subscriber")
    assert stage.received.empty()
    expect(view.locator(ROOT)).to_have_attribute("data-connection", "connecting")


def test_a_snapshot_is_drawn_with_roles_and_names(stage: Stage, view: Page) -> None:
    view.clock.set_fixed_time(STILL)
    ident = stage.welcome(now=1012.0)
    stage.answer(ident, snapshot(progress={"done": 23, "total": 50, "message": "warming up"}, attempt=2))
    root = view.locator(ROOT)
    expect(root).to_have_attribute("data-connection", "live")
    expect(root).to_have_attribute("data-task-id", TASK)
    expect(root).to_have_attribute("data-state", "running")
    bar = view.get_by_role("progressbar")
    for name, value in (("valuenow", "23"), ("valuemin", "0"), ("valuemax", "50")):
        expect(bar).to_have_attribute(f"aria-{name}", value)
    expect(view.get_by_role("button", name="Cancel", exact=True)).to_be_enabled()
    expect(view.get_by_role("button", name="Retry", exact=True)).to_be_hidden()
    for text in ("train", "attempt 2", "23 / 50", "warming up", "12s"):
        expect(root).to_contain_text(text)


def test_without_a_total_the_bar_says_no_value(stage: Stage, view: Page) -> None:
    stage.answer(stage.welcome(), snapshot(progress={"done": 7, "total": None, "message": None}))
    expect(view.get_by_text("7 done")).to_be_visible()
    assert view.get_by_role("progressbar").get_attribute("aria-valuenow") is None


def test_the_tail_fills_the_log_and_is_not_folded_a_second_time(stage: Stage, view: Page) -> None:
    ident = stage.welcome()
    stage.answer(ident, snapshot(cursor="e:9", logs=5), cursor="e:0")
    stage.tell(ident, log(4, "four\n"), log(5, "five\n"), prev="e:0", cursor="e:9")
    stage.tell(ident, log(10, "ten\n"), prev="e:9")
    expect(view.locator(".ja-line")).to_have_text(["four", "five", "ten"])
    expect(view.locator(ROOT)).to_have_attribute("data-logs", "6")
    expect(view.get_by_text("3 earlier")).to_be_visible()


def test_a_gap_is_asked_for_again_from_the_own_cursor(stage: Stage, view: Page) -> None:
    ident = stage.welcome()
    stage.answer(ident, snapshot())
    stage.tell(ident, log(3, "three\n"))
    stage.tell(ident, log(9, "nine\n"), prev="e:8")
    again = stage.expect("subscribe")
    assert (again["id"], again["after"]) == (ident, "e:3")
    stage.tell(ident, log(10, "of the old subscription\n"), prev="e:9")
    stage.send(type="subscribed", id=ident, recovered=True, cursor="e:3")
    stage.tell(ident, log(4, "four\n"), prev="e:3")
    expect(view.locator(".ja-line")).to_have_text(["three", "four"])


def test_after_a_lost_connection_it_resumes_from_where_the_heartbeat_said(stage: Stage, view: Page) -> None:
    ident = stage.welcome()
    stage.answer(ident, snapshot())
    stage.tell(ident, log(3, "three\n"))
    stage.send(type="heartbeat", now=1000.0, cursors={str(ident): "e:40"})
    stage.hang_up(4001)
    assert stage.closed.get(timeout=TIMEOUT) == 4001
    stage.expect("hello")
    stage.send(type="welcome", version=1, now=1000.0, heartbeat=25)
    assert stage.expect("subscribe")["after"] == "e:40"
    stage.send(type="subscribed", id=ident, recovered=True, cursor="e:40")
    stage.tell(ident, log(41, "later\n"), prev="e:40")
    expect(view.locator(".ja-line")).to_have_text(["three", "later"])


def test_an_answer_to_a_replaced_request_is_not_taken_for_the_newest(stage: Stage, view: Page) -> None:
    ident = stage.welcome()
    stage.answer(ident, snapshot())
    stage.tell(ident, log(3, "three\n"))
    stage.tell(ident, log(9, "nine\n"), prev="e:8")
    assert stage.expect("subscribe")["after"] == "e:3"
    stage.send(type="subscribed", id=ident, recovered=True, cursor="e:3")
    stage.send(type="subscribed", id=ident, recovered=True, cursor="e:0")
    stage.tell(ident, log(3, "three\n"), prev="e:0")
    assert stage.expect("subscribe")["after"] == "e:3"
    expect(view.locator(".ja-line")).to_have_text(["three"])


def test_a_journal_that_was_replaced_starts_the_view_over(stage: Stage, view: Page) -> None:
    ident = stage.welcome()
    stage.answer(ident, snapshot())
    stage.tell(ident, log(3, "old\n"))
    expect(view.locator(".ja-line")).to_have_text(["old"])
    stage.hang_up(4010)
    assert stage.closed.get(timeout=TIMEOUT) == 4010
    assert stage.welcome() == ident
    stage.answer(ident, snapshot(cursor="f:0", name="another"), cursor="f:0")
    stage.tell(ident, log(1, "new\n"), prev="f:0", cursor="f:1")
    expect(view.locator(".ja-line")).to_have_text(["new"])
    expect(view.get_by_text("another")).to_be_visible()


@pytest.mark.parametrize("code", [4500, 4503, 4506, 1009])
def test_codes_that_mean_do_not_come_back_are_obeyed(stage: Stage, view: Page, code: int) -> None:
    stage.answer(stage.welcome(), snapshot())
    stage.hang_up(code, "not for you")
    expect(view.locator(ROOT)).to_have_attribute("data-connection", "offline")
    expect(view.get_by_text("not for you")).to_be_visible()
    view.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    assert stage.connections == 1


def test_an_ended_login_is_looked_into_and_a_good_one_connects_again(stage: Stage, view: Page) -> None:
    ident = stage.welcome()
    stage.answer(ident, snapshot())
    with view.expect_response(lambda response: "tasks?limit=1" in response.url):
        stage.hang_up(4501, "your login has expired")
    assert stage.welcome() == ident
    stage.send(type="subscribed", id=ident, recovered=True, cursor="e:2")
    expect(view.locator(ROOT)).to_have_attribute("data-connection", "live")


def test_a_frame_that_is_no_json_ends_in_a_new_connection(stage: Stage, view: Page) -> None:
    stage.answer(stage.welcome(), snapshot())
    stage.send_text("not json")
    stage.expect("hello")
    assert stage.connections == 2


def test_a_page_that_becomes_visible_checks_the_connection_at_once(stage: Stage, view: Page) -> None:
    ident = stage.welcome()
    stage.answer(ident, snapshot())
    expect(view.locator(ROOT)).to_have_attribute("data-connection", "live")
    view.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    assert stage.expect("subscribe")["after"] == "e:2"


def test_a_silent_server_is_given_up_after_three_heartbeats(stage: Stage, page: Page) -> None:
    page.clock.install()
    page.evaluate(MOUNT, [TASK, None])
    stage.answer(stage.welcome(heartbeat=2), snapshot())
    expect(page.locator(ROOT)).to_have_attribute("data-connection", "live")
    page.clock.run_for(8_000)
    stage.expect("hello")
    assert stage.connections == 2


def test_all_views_of_a_page_share_one_socket(stage: Stage, view: Page) -> None:
    ident = stage.welcome()
    stage.answer(ident, snapshot(), cursor="e:2")
    view.evaluate(
        """async (other) => {
          const {TaskStore, pageServer, sharedConnection} = await import("/task.mjs?another-copy");
          const server = pageServer();
          window.leave = TaskStore.of(sharedConnection(server), server, other).subscribe(() => {});
        }""",
        "01JOTHER000000000000000000",
    )
    second = stage.expect("subscribe")
    assert second["id"] != ident
    assert second["tasks"] == ["01JOTHER000000000000000000"]
    view.evaluate("window.leave()")
    assert stage.expect("unsubscribe")["id"] == second["id"]
    assert stage.connections == 1


def test_a_task_that_the_server_does_not_know_yet_is_folded_from_its_first_event(
    stage: Stage, view: Page
) -> None:
    ident = stage.welcome()
    stage.answer(ident)
    stage.tell(
        ident,
        event(3, "state", {"state": "queued", "about": {"name": "late"}}),
        event(4, "state", {"state": "running"}),
        event(5, "progress", {"done": 1, "total": 4}),
        event(6, "metric", {"name": "loss", "value": 0.123456}),
    )
    expect(view.locator(ROOT)).to_have_attribute("data-state", "running")
    expect(view.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "1")
    expect(view.locator(".ja-chip")).to_have_text("loss0.1235")
    expect(view.get_by_text("late")).to_be_visible()


def test_what_a_task_says_is_text_whatever_it_says(stage: Stage, view: Page) -> None:
    evil = "<img src=x onerror='window.evil=1'>"
    ident = stage.welcome()
    error = {"type": evil, "message": evil, "traceback": evil}
    named = {"name": evil, "metrics": {evil: {"value": 1, "step": None}}, "error": error}
    asked = {"prompt_id": evil, "text": evil, "choices": [evil]}
    stage.answer(ident, snapshot(**named, prompt=asked, result={"repr": evil, "stored": False}))
    shown = {"text/html": evil, "text/plain": evil, "image/png": '"><script>window.evil=1</script>'}
    say = event(4, "message", {"role": evil, "text": evil, "message_id": "m"})
    stage.tell(ident, log(3, evil), say, event(5, "display", {"data": shown}))
    expect(view.locator(".ja-line")).to_have_count(1)
    assert view.locator(f"{ROOT} img:not([src^='data:image/']), {ROOT} script").count() == 0
    assert view.evaluate("window.evil") is None


COLUMN = """(result, line) => {
  const text = [...result.childNodes].find((node) => node.data?.includes("\\n"));
  const start = text.data.split("\\n").slice(0, line).join("\\n").length + (line ? 1 : 0);
  const range = document.createRange();
  range.setStart(text, start);
  range.setEnd(text, start + 1);
  return range.getBoundingClientRect().left;
}"""


def test_the_lines_of_a_result_begin_below_each_other(stage: Stage, view: Page) -> None:
    frame = "  lr  loss\n0 0.1 0.5\n1 0.2 0.4"
    stage.answer(stage.welcome(), snapshot(state="completed", result={"repr": frame, "stored": False}))
    result = view.locator(".ja-result")
    expect(result).to_contain_text("loss")
    assert len({result.evaluate(COLUMN, line) for line in range(3)}) == 1


def test_log_text_is_what_a_terminal_would_leave(stage: Stage, view: Page) -> None:
    ident = stage.welcome()
    stage.answer(ident, snapshot())
    stage.tell(ident, log(3, "\x1b[31mred\x1b[0m \x1b]0;title\x07alert\x07\n"))
    stage.tell(ident, log(4, "10%\r20%\r30%\nend\n"), prev="e:3")
    stage.tell(ident, log(5, "a"), log(6, "b\nc"), log(7, "oops\n", "stderr"), log(8, "d\n"), prev="e:4")
    stage.tell(ident, log(9, "one call\ntwo lines", "logging"), log(10, "next", "logging"), prev="e:8")
    expected = ["red alert", "30%", "end", "ab", "c", "oops", "d", "one call", "two lines", "next"]
    expect(view.locator(".ja-line")).to_have_text(expected)
    expect(view.locator(".ja-fg-1")).to_have_text("red")
    expect(view.locator("[data-kind=stderr]")).to_have_text("oops")
    expect(view.get_by_role("log")).to_have_attribute("aria-live", "polite")


def test_the_log_follows_its_end_unless_the_reader_scrolled_up(stage: Stage, view: Page) -> None:
    ident = stage.welcome()
    stage.answer(ident, snapshot())
    stage.tell(ident, *[log(n, f"line {n}\n") for n in range(3, 303)])
    expect(view.locator(".ja-line")).to_have_count(300)
    expect(view.locator(".ja-line").last).to_be_in_viewport()
    box = view.get_by_role("log")
    box.evaluate("element => { element.scrollTop = 0 }")
    expect(view.get_by_role("button", name="Follow")).to_have_attribute("aria-pressed", "false")
    stage.tell(ident, log(303, "one more\n"), prev="e:302")
    expect(view.locator(".ja-line").last).to_have_text("one more")
    assert box.evaluate("element => element.scrollTop") == 0
    assert lines(view)[0] == "line 3"


def test_cancel_names_the_attempt_and_says_that_it_is_cancelling(stage: Stage, view: Page) -> None:
    ident = stage.welcome()
    stage.answer(ident, snapshot(attempt=3))
    button = view.get_by_role("button", name="Cancel", exact=True)
    button.click()
    command = stage.expect("command")
    wanted = {"task": TASK, "attempt": 3, "command": "cancel", "args": {}}
    assert {key: command[key] for key in wanted} == wanted
    stage.send(type="reply", id=command["id"], ok=True)
    stage.tell(ident, event(3, "command", {"command": "cancel", "by": "u"}, attempt=3))
    expect(view.get_by_text("cancelling…")).to_be_visible()
    expect(button).to_be_hidden()
    stage.tell(ident, event(4, "state", {"state": "cancelled"}, attempt=3), prev="e:3")
    expect(view.locator(ROOT)).to_have_attribute("data-state", "cancelled")
    expect(view.get_by_role("button", name="Retry", exact=True)).to_be_enabled()


def test_a_cancel_that_waits_says_for_how_long_and_where_and_can_be_ended(stage: Stage, view: Page) -> None:
    ident = stage.welcome()
    stage.answer(ident, snapshot(grace=15.0))
    stage.tell(ident, event(3, "command", {"command": "cancel", "by": "u"}, time=997.0))
    expect(view.locator(".ja-notice")).to_have_text("12s left to clean up")
    where = "in `requests.get`, cell [3], line 7"
    said = {"why": "cancel", "seconds": 11.0, "where": where, "since": 998.0}
    stage.tell(ident, event(4, "stopping", said), prev="e:3")
    expect(view.locator(".ja-notice")).to_contain_text(f"left to clean up; {where}, for ")
    button = view.get_by_role("button", name="Stop now", exact=True)
    button.click()
    command = stage.expect("command")
    assert command["command"] == "cancel"
    stage.send(type="reply", id=command["id"], ok=True)
    stage.tell(ident, event(5, "command", {"command": "cancel", "by": "u"}), prev="e:4")
    expect(button).to_be_disabled()
    expect(view.locator(".ja-notice")).not_to_contain_text("left")
    stage.tell(
        ident, event(6, "state", {"state": "cancelled", "reason": "killed by a second cancel"}), prev="e:5"
    )
    expect(view.locator(".ja-notice")).to_have_text("killed by a second cancel")


def test_a_double_click_on_cancel_is_no_second_cancel(stage: Stage, view: Page) -> None:
    ident = stage.welcome()
    stage.answer(ident, snapshot(grace=15.0))
    view.get_by_role("button", name="Cancel", exact=True).click()
    command = stage.expect("command")
    stage.send(type="reply", id=command["id"], ok=True)
    stage.tell(ident, event(3, "command", {"command": "cancel"}, time=1000.0))
    expect(view.get_by_role("button", name="Stop now", exact=True)).to_be_disabled()
    expect(view.get_by_role("button", name="Stop now", exact=True)).to_be_enabled()


def test_a_refused_command_is_explained(stage: Stage, view: Page) -> None:
    stage.answer(stage.welcome(), snapshot(state="failed", ended=1001.0))
    button = view.get_by_role("button", name="Retry", exact=True)
    button.click()
    command = stage.expect("command")
    stage.send(type="reply", id=command["id"], ok=False, code="not_now", message="run its cell again")
    expect(view.get_by_text("run its cell again")).to_be_visible()
    expect(button).to_be_enabled()


def test_what_is_asked_while_the_page_connects_reaches_the_server(stage: Stage, page: Page) -> None:
    page.evaluate(MOUNT, [TASK, None])
    page.evaluate("task => Object.assign(window.view, {kernel: null, snapshot: task})", snapshot(attempt=2))
    page.get_by_role("button", name="Cancel", exact=True).click()
    expect(page.get_by_role("button", name="Cancel", exact=True)).to_be_disabled()
    stage.expect("hello")
    stage.send(**GREETING, now=1000.0, heartbeat=25.0)
    command = stage.expect("command")
    stage.answer(stage.expect("subscribe")["id"], snapshot(attempt=2))
    assert (command["command"], command["attempt"]) == ("cancel", 2)
    stage.send(type="reply", id=command["id"], ok=True)
    expect(page.locator(".ja-notice")).to_be_hidden()


def test_a_task_of_which_nothing_is_known_offers_no_cancel(stage: Stage, view: Page) -> None:
    ident = stage.welcome()
    expect(view.get_by_role("button", name="Cancel", exact=True)).to_be_hidden()
    stage.answer(ident, snapshot())
    expect(view.get_by_role("button", name="Cancel", exact=True)).to_be_enabled()


def test_without_a_connection_a_command_goes_through_the_kernel(stage: Stage, view: Page) -> None:
    view.evaluate("task => { view.kernel.snapshot = () => task; view.refresh(); }", snapshot())
    stage.expect("hello")
    view.get_by_role("button", name="Cancel", exact=True).click()
    view.wait_for_function("window.sent.length === 2")
    assert view.evaluate("window.sent") == [{"live": False}, {"command": "cancel", "args": {}}]
    assert stage.received.empty()


def test_the_kernel_is_told_whether_the_browser_needs_it(stage: Stage, view: Page) -> None:
    stage.answer(stage.welcome(), snapshot())
    view.wait_for_function("window.sent.length === 2")
    stage.hang_up(4503)
    view.wait_for_function("window.sent.length === 3")
    assert view.evaluate("window.sent") == [{"live": False}, {"live": True}, {"live": False}]


@pytest.mark.parametrize("way", ["said", "chosen", "said beside choices"])
def test_a_question_is_answered_by_name(stage: Stage, view: Page, way: str) -> None:
    ident = stage.welcome()
    stage.answer(ident, snapshot())
    choices = None if way == "said" else ["yes", "no"]
    stage.tell(ident, event(3, "prompt", {"prompt_id": "p1", "text": "Deploy?", "choices": choices}))
    expect(view.locator(".ja-badge")).to_have_text("waiting for you")
    field = view.get_by_label("Deploy?")
    if way == "chosen":
        view.get_by_role("button", name="no", exact=True).click()
    else:
        field.fill("no")
        view.get_by_role("button", name="Send", exact=True).click()
    command = stage.expect("command")
    assert (command["command"], command["args"]) == ("input", {"text": "no", "prompt_id": "p1"})
    stage.send(type="reply", id=command["id"], ok=True)
    stage.tell(ident, event(4, "input", {"text": "no", "prompt_id": "p1"}), prev="e:3")
    expect(field).to_be_hidden()
    expect(view.get_by_role("button", name="no", exact=True)).to_be_hidden()


@pytest.mark.parametrize(("by", "who"), [("bob", "Answered by bob"), ("u", "You")])
def test_an_answer_of_somebody_else_takes_the_question_away(
    stage: Stage, view: Page, by: str, who: str
) -> None:
    """Before the task's process has read it; a click meanwhile shows that."""
    ident = stage.welcome()
    stage.answer(ident, snapshot())
    prompt = {"prompt_id": "p1", "text": "Deploy?", "choices": ["yes", "no"]}
    stage.tell(ident, event(3, "prompt", prompt))
    view.get_by_role("button", name="yes", exact=True).click()
    command = stage.expect("command")
    given = {"command": "input", "args": {"text": "no", "prompt_id": "p1"}, "by": by}
    stage.tell(ident, event(4, "command", given), prev="e:3")
    sentence = "that question has been answered by bob"
    stage.send(type="reply", id=command["id"], ok=False, code="not_now", message=sentence)
    expect(view.get_by_role("button", name="yes", exact=True)).to_be_hidden()
    expect(view.locator(".ja-badge")).to_have_text("running")
    expect(view.locator(".ja-message").last).to_contain_text(who)
    expect(view.locator(".ja-message").last).to_contain_text("not read yet")
    expect(view.locator(".ja-notice")).to_have_text(sentence)
    stage.tell(ident, event(5, "input", {"text": "no", "prompt_id": "p1"}), prev="e:4")
    expect(view.locator(".ja-message")).to_have_text([re.compile("Deploy"), re.compile(f"{who}\\s*no")])


def test_without_its_past_the_talk_is_that_of_the_snapshot(stage: Stage, page: Page) -> None:
    page.route("**/jupyter-agent/tasks/*/events**", lambda route: route.abort())
    page.evaluate(MOUNT, [TASK, None])
    said = [{"message_id": "m", "role": "assistant", "text": "I found it."}]
    stage.answer(stage.welcome(), snapshot(messages=said))
    expect(page.locator(".ja-message")).to_contain_text("I found it.")


def test_a_failed_task_shows_its_error_and_a_short_traceback(stage: Stage, view: Page) -> None:
    error = {
        "type": "ValueError",
        "message": "no such thing",
        "traceback": "Traceback: \x1b[31mline 3\x1b[0m",
    }
    stage.answer(stage.welcome(), snapshot(state="failed", ended=1002.0, error=error))
    expect(view.get_by_text("ValueError: no such thing")).to_be_visible()
    trace = view.get_by_text("Traceback: line 3")
    expect(trace).to_be_visible()
    view.get_by_text("ValueError: no such thing").click()
    expect(trace).to_be_hidden()


def test_a_long_traceback_is_closed_at_first(stage: Stage, view: Page) -> None:
    frames = "".join(f'  File "train.py", line {n}, in step\n    step()\n' for n in range(10))
    error = {"type": "ValueError", "message": "no", "traceback": f"{frames}ValueError: no"}
    stage.answer(stage.welcome(), snapshot(state="failed", ended=1002.0, error=error))
    expect(view.get_by_text("ValueError: no").first).to_be_visible()
    expect(view.locator(".ja-traceback")).to_be_hidden()
    view.locator(".ja-error summary").first.click()
    expect(view.locator(".ja-traceback")).to_be_visible()


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"state": "interrupted", "ended": 1001.0}, "ended before the task was done"),
        ({"stalled_since": 940.0}, "Silent for 1m 00s"),
        (
            {"state": "queued", "attempt": 2, "reason": "attempt 2 of 4 in 1.8s, after ValueError: no"},
            "attempt 2 of 4 in 1.8s, after ValueError: no",
        ),
    ],
)
def test_what_happened_is_said_in_a_sentence(
    stage: Stage, view: Page, fields: dict[str, Any], sentence: str
) -> None:
    view.clock.set_fixed_time(STILL)
    stage.answer(stage.welcome(), snapshot(**fields))
    expect(view.locator(".ja-notice")).to_contain_text(sentence)


def test_a_silent_task_is_asked_after_and_said_to_be_stalled(stage: Stage, page: Page) -> None:
    page.clock.install()
    page.evaluate(MOUNT, [TASK, None])
    ident = stage.welcome()
    stage.answer(ident, snapshot())
    expect(page.locator(ROOT)).to_have_attribute("data-connection", "live")
    page.clock.run_for(22_000)
    asked = stage.expect("subscribe")
    assert (asked["tail"], asked["tasks"]) == (0, [TASK])
    stage.answer(asked["id"], snapshot(stalled_since=990.0))
    assert stage.expect("unsubscribe")["id"] == asked["id"]
    page.clock.run_for(100)
    expect(page.locator(".ja-notice")).to_contain_text("Silent for")
    stage.tell(ident, log(3, "back\n"))
    expect(page.locator(".ja-line")).to_have_text("back")
    expect(page.locator(".ja-notice")).to_be_hidden()


def test_a_retry_starts_the_figures_over(stage: Stage, view: Page) -> None:
    ident = stage.welcome()
    ended = {"state": "failed", "ended": 1001.0, "error": {"type": "E", "message": "", "traceback": ""}}
    stage.answer(ident, snapshot(**ended, progress={"done": 5, "total": 5, "message": None}))
    stage.tell(
        ident,
        event(3, "state", {"state": "queued"}, attempt=2),
        event(4, "progress", {"done": 4, "total": 5}, attempt=1),
        event(5, "state", {"state": "running"}, attempt=2),
    )
    expect(view.locator(ROOT)).to_have_attribute("data-state", "running")
    expect(view.get_by_text("attempt 2")).to_be_visible()
    assert view.get_by_role("progressbar").get_attribute("aria-valuenow") is None
    expect(view.locator(".ja-error")).to_be_hidden()


def test_a_traceback_is_text_with_the_frames_of_libraries_folded(stage: Stage, view: Page) -> None:
    trace = (
        "Traceback (most recent call last):\n"
        "  Cell [8], line 6, in <img src=x onerror=alert(1)>\n    load(path)\n"
        + "".join(
            f'  File "/v/site-packages/pandas/io.py", line {n}, in read\n    <b>{n}</b>\n' for n in range(40)
        )
        + "ValueError: <i>no</i>\n"
    )
    error = {"type": "ValueError", "message": "<i>no</i>", "traceback": trace}
    stage.answer(stage.welcome(), snapshot(state="failed", ended=1001.0, error=error))
    shown = view.locator(".ja-traceback")
    expect(shown).to_be_visible()
    expect(shown.get_by_text("load(path)")).to_be_visible()
    expect(shown.get_by_text("Cell [8], line 6")).to_be_visible()
    expect(shown.locator("button", has_text="Cell")).to_have_count(0)
    expect(shown.get_by_text("<b>39</b>")).to_be_hidden()
    shown.get_by_text("40 frames in pandas").click()
    expect(shown.get_by_text("<b>39</b>")).to_be_visible()
    expect(shown.locator("img, i")).to_have_count(0)
    clipboard = "{writeText: async (text) => void (window.copied = text)}"
    view.evaluate(f"Object.defineProperty(navigator, 'clipboard', {{value: {clipboard}}})")
    shown.get_by_role("button", name="Copy the traceback").click()
    expect(shown.get_by_role("button", name="Copy the traceback")).to_have_text("Copied")
    assert view.evaluate("window.copied") == trace


def test_earlier_lines_are_fetched_as_far_as_the_reader_scrolls_up(stage: Stage, view: Page) -> None:
    stage.history = [log(n, f"line {n}\n") for n in range(1, 2501)]
    ident = stage.welcome()
    stage.answer(ident, snapshot(cursor="e:2500", logs=2500), cursor="e:2400")
    stage.tell(ident, *stage.history[2400:], prev="e:2400")
    view.get_by_role("button", name="Show earlier").click()
    expect(view.get_by_text("1,400 earlier")).to_be_visible()
    box = view.get_by_role("log")
    box.evaluate("element => { element.scrollTop = 0 }")
    expect(view.locator(".ja-logbar .ja-earlier")).to_have_text("400 earlier")
    box.evaluate("element => { element.scrollTop = 0 }")
    expect(view.get_by_role("button", name="Show earlier")).to_be_hidden()
    box.evaluate("element => { element.scrollTop = 0 }")
    expect(view.locator(".ja-line").first).to_have_text("line 1")
    assert view.locator(".ja-line").count() < 400
    box.evaluate("element => { element.scrollTop = element.scrollHeight }")
    expect(view.locator(".ja-line").last).to_have_text("line 2500")


def test_a_search_shows_what_it_found_and_goes_on_to_earlier_lines(stage: Stage, view: Page) -> None:
    stage.history = [log(n, f"line {n}\n") for n in range(1, 1501)]
    ident = stage.welcome()
    stage.answer(ident, snapshot(cursor="e:1500", logs=1500), cursor="e:1400")
    stage.tell(ident, *stage.history[1400:], prev="e:1400")
    field = view.get_by_role("searchbox", name="Search the log")
    field.fill("LINE 145")
    expect(view.locator(".ja-found")).to_have_text("11 of 11")
    expect(view.locator(".ja-line[data-current] mark")).to_be_in_viewport()
    expect(view.locator(".ja-line[data-current]")).to_have_text("line 1459")
    field.press("Shift+Enter")
    expect(view.locator(".ja-line[data-current]")).to_have_text("line 1458")
    view.get_by_role("log").focus()
    view.keyboard.press("n")
    view.keyboard.press("n")
    expect(view.locator(".ja-found")).to_have_text("1 of 11")
    expect(view.locator(".ja-line[data-current] mark")).to_be_in_viewport()
    expect(view.locator(".ja-line[data-current]")).to_have_text("line 145")
    view.keyboard.press("N")
    expect(view.locator(".ja-line[data-current]")).to_have_text("line 1459")


def test_the_log_is_downloaded_whole(stage: Stage, view: Page) -> None:
    stage.history = [log(n, f"line {n}\n") for n in range(1, 12001)]
    ident = stage.welcome()
    stage.answer(ident, snapshot(cursor="e:12000", logs=12000), cursor="e:11999")
    stage.tell(ident, stage.history[-1], prev="e:11999")
    with view.expect_download() as download:
        view.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename == "train.log"
    lines = download.value.path().read_text().splitlines()
    assert [lines[0], lines[-1]] == [
        "1970-01-01T00:16:40.000Z  line 1",
        "1970-01-01T00:16:40.000Z  line 12000",
    ]
    assert len(lines) == 12000


def test_metrics_of_before_the_page_and_after_it_are_one_plot(stage: Stage, view: Page) -> None:
    def metric(offset: int) -> dict[str, Any]:
        return event(offset, "metric", {"name": "loss", "value": 1 / offset, "step": offset})

    stage.history = [metric(n) for n in range(1, 101)]
    ident = stage.welcome()
    last = {"loss": {"value": 0.01, "step": 100}}
    stage.answer(ident, snapshot(cursor="e:100", metrics=last), cursor="e:100")
    plot = view.get_by_role("img", name="Plot of loss")
    expect(plot).to_be_visible()
    stage.tell(ident, metric(101), prev="e:100")
    view.wait_for_function(
        "document.querySelector('jupyter-agent-plot').metrics.series.get('loss').count === 101"
    )
    expect(view.locator(".ja-metric")).to_contain_text("0.009901")
    expect(plot.locator("canvas")).to_be_visible()


def test_a_conversation_is_there_after_a_refresh_and_grows_token_by_token(stage: Stage, view: Page) -> None:
    def say(offset: int, text: str, ident: str, **more: Any) -> dict[str, Any]:
        return event(offset, "message", {"role": "assistant", "text": text, "message_id": ident, **more})

    stage.history = [say(1, "I found **3 files**", "a"), event(2, "input", {"text": "Only one, please"})]
    ident = stage.welcome()
    stage.answer(ident, snapshot(cursor="e:2"))
    expect(view.locator(".ja-message")).to_contain_text(["3 files", "Only one, please"])
    expect(view.locator(".ja-message strong")).to_have_text("3 files")
    stage.tell(ident, say(3, "Look", "b", delta=True), say(4, "ing…", "b", delta=True))
    expect(view.locator(".ja-message").last).to_contain_text("Looking…")
    field = view.get_by_label("Say something to the task")
    field.fill("thanks")
    view.get_by_role("button", name="Send", exact=True).click()
    refused = stage.expect("command")
    assert refused["args"] == {"text": "thanks"}
    stage.send(type="reply", id=refused["id"], ok=False, code="not_now", message="Nobody listens now.")
    expect(view.get_by_text("Nobody listens now.")).to_be_visible()
    expect(field).to_have_value("thanks")
    view.get_by_role("button", name="Send", exact=True).click()
    stage.send(type="reply", id=stage.expect("command")["id"], ok=True)
    expect(field).to_have_value("")


def test_a_view_that_is_moved_draws_the_lines_that_are_there_then(stage: Stage, view: Page) -> None:
    """A page's notebook takes cells out of it that are out of sight; the log is drawn anew after that."""
    ident = stage.welcome()
    stage.answer(ident, snapshot())
    stage.tell(ident, log(3, "one\n"), log(4, "two\n"))
    expect(view.locator(".ja-line")).to_have_text(["one", "two"])
    view.evaluate(
        "() => { const [v, at] = [window.view, window.view.parentNode]; v.remove(); at.append(v); }"
    )
    stage.expect("unsubscribe")
    again = int(stage.expect("subscribe")["id"])
    stage.answer(again, snapshot())
    wide = "w" * 500
    stage.tell(again, log(4, f"{wide}\n"), log(5, "three\n"))
    expect(view.locator(".ja-line")).to_have_text([wide, "three"])
    long, short = (height(line) for line in view.locator(".ja-line").all())
    assert long > short


def test_markup_that_a_task_shows_is_made_harmless(stage: Stage, view: Page) -> None:
    evil = "<b>bold</b><img src=x onerror='window.evil=1'><script>window.evil=1</script><form><input></form>"
    link = "[x](javascript:window.evil=1) <iframe src='/'></iframe><a href='https://example.org'>y</a>"
    link += "<p class='jp-Dialog' data-commandlinker-command='terminal:create-new'>more</p>"
    link += "<table background='https://example.org/seen'></table>"
    stage.history = [
        event(1, "display", {"data": {"text/html": evil, "text/plain": "plain"}}),
        event(2, "message", {"role": "assistant", "text": evil + link, "message_id": "m"}),
        event(
            3, "display", {"data": {"image/svg+xml": "<svg onload='window.evil=1'/>", "text/plain": "svg"}}
        ),
    ]
    ident = stage.welcome()
    stage.answer(ident, snapshot(cursor="e:3"))
    expect(view.locator(".ja-shown b")).to_have_text("bold")
    expect(view.locator(".ja-message a").last).to_have_attribute("rel", "noopener noreferrer")
    for forbidden in (
        "script",
        "iframe",
        "img[src='x']",
        ".ja-shown form",
        "[onerror]",
        "a[href^=javascript]",
        "[data-commandlinker-command]",
        ".jp-Dialog",
        "[background]",
    ):
        assert view.locator(f"{ROOT} {forbidden}").count() == 0, forbidden
    assert view.evaluate("window.evil") is None


def test_a_slim_view_is_one_line(stage: Stage, page: Page) -> None:
    page.evaluate(MOUNT, [TASK, None])
    page.evaluate("window.view.slim = true")
    stage.answer(stage.welcome(now=1005.0), snapshot(progress={"done": 5, "total": 10, "message": None}))
    expect(page.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "5")
    expect(page.get_by_text("50%")).to_be_visible()
    assert height(page.locator(ROOT)) < 45
    assert page.get_by_role("log").count() == 0


def test_the_end_is_told_once_for_each_attempt(stage: Stage, page: Page) -> None:
    page.evaluate("window.ends = []; addEventListener('ja-ended', (e) => ends.push(e.detail.state))")
    page.evaluate(MOUNT, [TASK, None])
    ident = stage.welcome()
    stage.answer(ident, snapshot(state="failed", ended=1001.0))
    stage.tell(
        ident,
        event(3, "log", {"stream": "stdout", "text": "late\n"}),
        event(4, "state", {"state": "queued"}, attempt=2),
        event(5, "state", {"state": "running"}, attempt=2),
        event(6, "state", {"state": "completed"}, attempt=2),
    )
    expect(page.locator(ROOT)).to_have_attribute("data-state", "completed")
    assert page.evaluate("window.ends") == ["failed", "completed"]


PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
DARK = """:root {
--jp-ui-font-color1: rgba(255, 255, 255, 0.87); --jp-ui-font-color2: rgba(255, 255, 255, 0.7);
--jp-layout-color0: #111; --jp-border-color2: #616161;
--jp-brand-color1: #2196f3; --jp-error-color1: #f44336; }
body { background: #111; }"""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("state", ["running", "failed", "interrupted", "queued"])
def test_axe_finds_no_grave_fault(stage: Stage, page: Page, state: str, dark: bool) -> None:
    page.emulate_media(reduced_motion="reduce")
    if dark:
        page.add_style_tag(content=DARK)
    stage.history = [
        event(1, "metric", {"name": "loss", "value": 2.0, "step": 1}),
        event(2, "metric", {"name": "loss", "value": 1.0, "step": 2}),
        event(3, "message", {"role": "assistant", "text": "**Look** at `this`", "message_id": "m"}),
        event(4, "input", {"text": "I see"}),
        event(5, "display", {"data": {"image/png": PICTURE, "text/plain": "a dot"}}),
    ]
    page.evaluate(MOUNT, [TASK, None])
    ident = stage.welcome()
    running, failed = state == "running", state == "failed"
    prompt = {"prompt_id": "p", "text": "Go on?", "choices": ["yes", "no"]} if running else None
    error = {"type": "E", "message": "m", "traceback": "t\n" * 50} if failed else None
    progress = {"done": 5, "total": 9, "message": "half"}
    ended = None if state in ("running", "queued") else 1009.0
    metrics = {"loss": {"value": 1.0, "step": 2}}
    fields = {"state": state, "prompt": prompt, "error": error, "progress": progress, "ended": ended}
    stage.answer(ident, snapshot(cursor="e:9", logs=60, attempt=2, metrics=metrics, **fields), cursor="e:5")
    kinds = ("stdout", "stderr", "logging")
    stage.tell(ident, *[log(n, f"line {n}\n", kinds[n % 3]) for n in range(6, 10)], prev="e:5")
    expect(page.locator(".ja-message strong")).to_be_visible()
    expect(page.locator("canvas")).to_be_visible()
    if failed:
        page.locator("summary").click()
    assert grave_faults(page, ROOT) == []


def test_axe_sees_a_fault_where_there_is_one(stage: Stage, view: Page) -> None:
    stage.answer(stage.welcome(), snapshot())
    expect(view.locator(ROOT)).to_have_attribute("data-connection", "live")
    view.add_style_tag(content=".ja-name { color: #eee !important; }")
    assert "color-contrast" in "".join(grave_faults(view, ROOT))


@pytest.mark.parametrize(("cell", "alone", "said"), [(None, True, 1), (None, False, 0), ("c1", True, 0)])
def test_a_view_whose_cell_the_page_cannot_know_says_to_save_it(
    stage: Stage, view: Page, cell: str | None, alone: bool, said: int
) -> None:
    view.evaluate("(alone) => { window.view.host = {isAlone: () => alone}; }", alone)
    stage.answer(stage.welcome(), snapshot(view="full", cell=cell))
    expect(view.locator(ROOT)).to_have_attribute("data-state", "running")
    expect(view.get_by_text("Save the notebook to keep this view")).to_have_count(said)
