"""Bad input for every HTTP endpoint that takes any: the request, the status, the code, the sentence."""

from __future__ import annotations

import pytest

from tests.support.builders import task_id
from tests.support.servers import Server, assert_problem

NOBODY = task_id(404)
CALL = {"target": ["true"]}
DEEP: object = 0
for _ in range(200):
    DEEP = [DEEP]


def with_call(**fields: object) -> dict[str, object]:
    return CALL | fields


def every(**fields: object) -> dict[str, object]:
    return with_call(schedule=fields)


TABLE: list[tuple[str, object, int, str, str]] = [
    # method and path, body, status, code, sentence
    ("POST tasks", b"", 400, "bad_request", 'send {"target": "notebook.ipynb"}'),
    ("POST tasks", b"\xff", 400, "bad_request", 'send {"target": "notebook.ipynb"}'),
    ("POST tasks", b"[1", 400, "bad_request", 'send {"target": "notebook.ipynb"}'),
    ("POST tasks", [], 400, "bad_request", "Expected 'object', got 'array'"),
    ("POST tasks", {}, 400, "bad_request", "missing required field 'target'"),
    ("POST tasks", {"traget": "x"}, 400, "bad_request", "a task has no 'traget'; it has target, name, key"),
    ("POST tasks", with_call(retrys=1, tag=1), 400, "bad_request", "a task has no 'retrys', 'tag'; it has"),
    ("POST schedules", every(every=60) | {"nam": "x"}, 400, "bad_request", "a task has no 'nam'; it has"),
    ("POST tasks", {"target": 5}, 400, "bad_request", "Expected 'str | array', got 'int'"),
    ("POST tasks", {"target": ""}, 400, "bad_request", "say what to run"),
    ("POST tasks", {"target": []}, 400, "bad_request", "say which command to run"),
    ("POST tasks", {"target": ["no-such-program"]}, 400, "bad_request", "no program 'no-such-program'"),
    ("POST tasks", {"target": ["a\0b"]}, 400, "bad_request", "a command is a list of texts"),
    ("POST tasks", {"target": "nowhere.ipynb"}, 400, "bad_request", "there is no notebook"),
    ("POST tasks", {"target": "some text"}, 400, "bad_request", "no agent is named for text"),
    ("POST tasks", with_call(name=""), 400, "bad_request", "length >= 1"),
    ("POST tasks", with_call(name="x" * 501), 400, "bad_request", "length <= 500"),
    ("POST tasks", with_call(key=""), 400, "bad_request", "length >= 1"),
    ("POST tasks", with_call(tags=["x"] * 101), 400, "bad_request", "length <= 100"),
    ("POST tasks", with_call(retries=-1), 400, "bad_request", ">= 0"),
    ("POST tasks", with_call(retries=1.5), 400, "bad_request", "Expected 'int', got 'float'"),
    ("POST tasks", with_call(timeout=0), 400, "bad_request", "> 0"),
    ("POST tasks", with_call(timeout=1e300), 400, "bad_request", "<= 316224000"),
    ("POST tasks", b'{"target": ["true"], "timeout": NaN}', 400, "bad_request", "JSON is malformed"),
    ("POST tasks", with_call(parameters={"x": 1}), 400, "bad_request", "parameters are for notebooks"),
    ("POST tasks", {"target": "m:f", "parameters": {"a b": 1}}, 400, "bad_request", "'a b' cannot be a"),
    ("POST tasks", with_call(kernel="python3"), 400, "bad_request", "a kernel is for notebooks"),
    ("POST tasks", with_call(cwd="/no/such"), 400, "bad_request", "there is no folder '/no/such'"),
    ("POST tasks", with_call(python="/no/such"), 400, "bad_request", "'/no/such' is not a program"),
    ("POST tasks", with_call(cwd="~nobody-here"), 400, "bad_request", "home of a user who is not known"),
    ("POST tasks", {"target": "~nobody-here/a.ipynb"}, 400, "bad_request", "home of a user who is not known"),
    ("POST tasks", {"target": "a" * 9000 + ".ipynb"}, 400, "bad_request", "there is no notebook"),
    ("POST tasks", {"target": ["a" * 9000]}, 400, "bad_request", "there is no program"),
    ("POST tasks", with_call(python="a\0b"), 400, "bad_request", "is not a program that can be run here"),
    ("POST tasks", with_call(env={"A": 1}), 400, "bad_request", "Expected 'str', got 'int'"),
    ("POST tasks", with_call(schedule="hourly"), 400, "bad_request", "Expected 'object | null', got 'str'"),
    ("POST tasks", every(), 400, "bad_request", "one of every, cron and at, and none is given"),
    ("POST tasks", every(every="soon"), 400, "bad_request", "'soon' is not a time span"),
    ("POST schedules", b"{", 400, "bad_request", 'send {"target": "notebook.ipynb"}'),
    ("POST schedules", CALL, 400, "bad_request", 'say when: "schedule": {"every": "30m"}'),
    ("POST schedules", every(every=0), 400, "bad_request", "every 0 is not from 1 second to 10 years"),
    ("POST schedules", every(cron="x"), 400, "bad_request", "does not have five fields"),
    ("POST schedules", every(at="x"), 400, "bad_request", "at 'x' is not a time"),
    ("POST schedules", every(every=60, at="x"), 400, "bad_request", "not every and at"),
    ("POST schedules", every(every=60, overlap="x"), 400, "bad_request", "overlap must be skip, queue"),
    ("POST schedules", every(every=60, timezone="x"), 400, "bad_request", "there is no time zone 'x'"),
    ("POST schedules", every(every=60, often=1), 400, "bad_request", "a schedule has no 'often'"),
    ("POST schedules", every(every=60) | {"key": "k"}, 400, "bad_request", "a schedule takes no key"),
    (f"GET schedules/{NOBODY}", None, 404, "unknown_schedule", f"there is no schedule '{NOBODY}'"),
    (f"DELETE schedules/{NOBODY}", None, 404, "unknown_schedule", "there is no schedule"),
    (f"POST schedules/{NOBODY}/commands", {}, 400, "bad_request", '"pause"|"resume"|"run"'),
    (f"POST schedules/{NOBODY}/commands", [], 400, "bad_request", "must be a JSON object"),
    (f"POST schedules/{NOBODY}/commands", {"command": "run"}, 404, "unknown_schedule", "no schedule"),
    (f"GET schedules/{NOBODY}/firings", None, 404, "unknown_schedule", "there is no schedule"),
    (f"GET schedules/{NOBODY}/firings?limit=0", None, 400, "bad_request", "limit must be a whole number"),
    (f"GET schedules/{NOBODY}/firings?before=x", None, 400, "bad_request", "before must be the due"),
    (
        f"POST schedules/{NOBODY}/commands",
        {"command": "pause", "comand": "run"},
        *(400, "bad_request", "a command has no 'comand'; it has command"),
    ),
    ("POST forwards", b"x", 400, "bad_request", "the body is not JSON"),
    ("POST forwards", {}, 400, "bad_request", "give the address to send to"),
    ("POST forwards", {"url": "http://example.org/"}, 400, "bad_request", "is not a WebSocket address"),
    ("POST forwards", {"url": "ws://x/", "task": "x"}, 400, "bad_request", "'x' is not a task id"),
    ("POST forwards", {"url": "ws://x/", "types": ["x"]}, 400, "bad_request", "x"),
    ("POST forwards", {"url": "ws://x/", "format": "x"}, 400, "bad_request", "x"),
    ("POST forwards", {"url": "ws://x/", "headers": {"A\n": "1"}}, 400, "bad_request", "header"),
    ("POST forwards", {"url": "ws://x/", "dance": 1}, 400, "bad_request", "a forward has no 'dance'"),
    (f"GET forwards/{NOBODY}", None, 404, "unknown_forward", "there is no forward"),
    (f"DELETE forwards/{NOBODY}", None, 404, "unknown_forward", "there is no forward"),
    ("GET tasks?state=x", None, 400, "bad_request", "there is no state 'x'; use one of queued"),
    ("GET tasks?limit=1001", None, 400, "bad_request", "limit must be a whole number from 1 to 1000"),
    ("GET tasks?notebook=../x", None, 400, "bad_request", "notebook must be a contents path"),
    (f"GET tasks?cells={'c,' * 501}", None, 400, "bad_request", "ask for at most 500 cells"),
    (f"GET tasks/{NOBODY}", None, 404, "unknown_task", "there is no task"),
    (f"DELETE tasks/{NOBODY}", None, 404, "unknown_task", "there is no task"),
    (f"GET tasks/{NOBODY}/events", None, 404, "unknown_task", "there is no task"),
    (
        f"POST tasks/{NOBODY}/commands",
        {"command": "cancel", "atempt": 2},
        *(400, "bad_request", "a command has no 'atempt'; it has command, args, attempt"),
    ),
    (
        f"POST tasks/{NOBODY}/commands",
        {"command": "input", "args": {"text": "x", "promptid": "x"}},
        *(400, "bad_request", "input has no 'promptid'; it has text, prompt_id"),
    ),
    (f"GET tasks/{NOBODY}/notebook", None, 404, "unknown_task", "there is no task"),
    (f"GET tasks/{NOBODY}/notebook?attempt=x", None, 400, "bad_request", "attempt must be a whole number"),
    (f"POST tasks/{NOBODY}/commands", {"command": "cancel"}, 404, "unknown_task", "there is no task"),
    (f"POST tasks/{NOBODY}/commands", {"command": "dance"}, 400, "bad_request", "use one of cancel, retry"),
    (f"POST tasks/{NOBODY}/commands", {"command": 1}, 400, "bad_request", '"cancel"|"retry"|"input"'),
    (
        f"POST tasks/{NOBODY}/commands",
        {"command": "input", "args": {}},
        *(400, "bad_request", 'input needs args {"text": "..."}'),
    ),
    (
        f"POST tasks/{NOBODY}/commands",
        {"command": "input", "args": {"text": DEEP}},
        *(400, "bad_request", "nested"),
    ),
    ("GET no-such-path", None, 404, "not_found", "there is no 'no-such-path' here"),
    ("DELETE tasks", None, 405, "method_not_allowed", "Method Not Allowed"),
    ("DELETE schedules", None, 405, "method_not_allowed", "Method Not Allowed"),
    ("POST health", {}, 405, "method_not_allowed", "Method Not Allowed"),
]


@pytest.mark.parametrize(
    ("asked", "body", "status", "code", "said"), TABLE, ids=[f"{row[0][:40]}-{row[4][:30]}" for row in TABLE]
)
def test_a_bad_request_is_answered_with_one_sentence(
    shared: Server, asked: str, body: object, status: int, code: str, said: str
) -> None:
    method, _, path = asked.partition(" ")
    answer = shared.ask(path, method=method, body=body)
    assert_problem(answer, status, code)
    assert said in answer.json["detail"]
    assert "\n" not in answer.json["detail"]


def test_bad_requests_leave_nothing_behind(shared: Server) -> None:
    assert shared.ask("schedules").json == {"schedules": []}
    assert shared.ask("forwards").json == {"forwards": []}
    assert not list(shared.paths.orders.glob("*"))
