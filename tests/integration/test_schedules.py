"""Schedules on real servers, with real workers."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path
from time import time
from typing import Any

import pytest

from tests.support.builders import until
from tests.support.servers import Server, Servers, assert_problem
from tests.support.workers import no_workers_left

BEAT = [sys.executable, "-c", "print('beat')"]
LONG = ["sleep", "600"]
NEVER = {"at": "2999-01-01T00:00"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    servers = Servers(tmp_path_factory.mktemp("schedules"))
    server = servers.start()
    with no_workers_left(server.paths):
        yield server
        servers.close()


def added(server: Server, schedule: dict[str, Any], target: object = None, **more: Any) -> Any:
    body = {"target": target or BEAT, "schedule": schedule, **more}
    answer = server.ask("schedules", method="POST", body=body)
    assert answer.status == 201, answer.body
    assert answer.headers["Location"] == f"/jupyter-agent/schedules/{answer.json['id']}"
    return answer.json


def firings(server: Server, ident: str) -> list[Any]:
    answer = server.ask(f"schedules/{ident}/firings?limit=500")
    assert answer.status == 200, answer.body
    found: list[Any] = answer.json["firings"]
    return found


def ask(server: Server, ident: str, command: str) -> Any:
    return server.ask(f"schedules/{ident}/commands", method="POST", body={"command": command})


def test_every_second_there_is_a_run_with_its_own_task(server: Server) -> None:
    schedule = added(server, {"every": 1}, name="beat", tags=["night"])
    ident = schedule["id"]
    assert (schedule["text"], schedule["overlap"], schedule["last"]) == ("every second", "skip", None)
    assert schedule["next"] == schedule["created"] + 1
    ran = until(lambda: [f for f in firings(server, ident) if f["outcome"] == "queued"][1:], 60)
    assert ask(server, ident, "pause").status == 202
    for firing in ran:
        task = until(partial(_ended, server, firing["task"]), 60)
        assert (task["name"], task["state"], task["tags"]) == ("beat", "completed", ["night"])
        assert server.lines(firing["task"]) == ["beat\n"]
    dues = [firing["due"] for firing in firings(server, ident)]
    assert all((due - schedule["created"]) % 1 == 0 for due in dues)
    assert len(set(dues)) == len(dues)
    assert server.ask(f"schedules/{ident}").json["next"] is None
    tasks = server.ask("tasks?name=beat&limit=1000").json["tasks"]
    assert {task["id"] for task in tasks} == {f["task"] for f in firings(server, ident)} - {None}
    assert server.ask(f"schedules/{ident}", method="DELETE").status == 204
    assert_problem(server.ask(f"schedules/{ident}"), 404, "unknown_schedule")
    assert server.task(ran[0]["task"]) is not None, "its tasks stay"


def _ended(server: Server, task: str) -> Any:
    found = server.task(task)
    return found if found["state"] not in ("queued", "running") else None


def test_run_now_pause_and_resume(server: Server) -> None:
    ident = added(server, NEVER, LONG)["id"]
    first = ask(server, ident, "run")
    assert first.status == 202
    assert first.json["last"]["asked"] is True
    task = first.json["last_task"]
    assert_problem(ask(server, ident, "run"), 409, "not_now")
    paused = ask(server, ident, "pause").json
    assert (paused["paused"], paused["next"]) == (True, None)
    resumed = ask(server, ident, "resume").json
    assert (resumed["paused"], resumed["next"]) == (False, 32_472_144_000.0)
    server.ask(f"tasks/{task}/commands", method="POST", body={"command": "cancel"})
    until(lambda: _ended(server, task), 60)
    assert ask(server, ident, "run").json["last_task"] != task
    assert [f["outcome"] for f in firings(server, ident)] == ["queued", "queued"]
    page = server.ask(f"schedules/{ident}/firings?limit=1").json
    assert page["more"] is True
    older = server.ask(f"schedules/{ident}/firings?before={page['firings'][0]['due']!r}").json
    assert [f["task"] for f in older["firings"]] == [task]
    server.ask(f"schedules/{ident}", method="DELETE")


def test_tasks_with_a_schedule_are_schedules(server: Server) -> None:
    body = {"target": BEAT, "schedule": NEVER, "name": "once"}
    answer = server.ask("tasks", method="POST", body=body)
    assert answer.status == 201
    ident = answer.json["id"]
    assert answer.headers["Location"] == f"/jupyter-agent/schedules/{ident}"
    assert answer.json["text"].startswith("once at 2999-01-01 00:00:00")
    listed = server.ask("schedules").json["schedules"]
    assert [s["name"] for s in listed if s["id"] == ident] == ["once"]
    assert b"PATH" not in server.ask("schedules").body, "no environment is shown"
    server.ask(f"schedules/{ident}", method="DELETE")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "target"),
        ({"target": BEAT}, 'say when: "schedule": {"every": "30m"}'),
        ({"target": BEAT, "schedule": {}}, "a schedule has one of every, cron and at, and none is given"),
        ({"target": BEAT, "schedule": []}, "object"),
        ({"target": BEAT, "schedule": {"every": "x"}}, "every 'x' is not a time span"),
        ({"target": BEAT, "schedule": {"cron": "0 25 * * *"}}, "the hour cannot be understood"),
        ({"target": BEAT, "schedule": {"at": "2001-01-01"}}, "has passed already"),
        ({"target": BEAT, "schedule": {"every": 5, "timezone": "Mars"}}, "there is no time zone 'Mars'"),
        ({"target": BEAT, "schedule": {"every": 5, "overlap": "x"}}, "overlap must be skip, queue or allow"),
        ({"target": BEAT, "schedule": NEVER, "key": "k"}, "a schedule takes no key"),
        ({"target": ["no-such-program-here"], "schedule": NEVER}, "there is no program"),
        ({"target": BEAT, "schedule": NEVER, "cwd": "/no/such/folder"}, "there is no folder"),
    ],
)
def test_what_cannot_be_scheduled_gets_a_sentence(server: Server, body: Any, said: str) -> None:
    before = server.ask("schedules").json
    for path in ("schedules", "tasks") if "schedule" in body else ("schedules",):
        answer = server.ask(path, method="POST", body=body)
        assert_problem(answer, 400, "bad_request")
        assert said in answer.json["detail"]
    assert server.ask("schedules").json == before


@pytest.mark.parametrize("path", ["schedules/NOBODY", "schedules/NOBODY/firings", "schedules/%00%2F"])
def test_an_unknown_schedule_is_404(server: Server, path: str) -> None:
    assert_problem(server.ask(path), 404, "unknown_schedule")


def test_bad_commands_and_pages(server: Server) -> None:
    assert_problem(ask(server, "NOBODY", "run"), 404, "unknown_schedule")
    assert_problem(ask(server, "NOBODY", "stop"), 400, "bad_request")
    assert_problem(server.ask("schedules/NOBODY", method="DELETE"), 404, "unknown_schedule")
    for query in ("limit=0", "limit=x", "before=yesterday"):
        assert_problem(server.ask(f"schedules/NOBODY/firings?{query}"), 400, "bad_request")


def test_a_request_without_a_token_neither_sees_nor_makes_one(server: Server) -> None:
    for method, path in [("GET", "schedules"), ("POST", "schedules"), ("DELETE", "schedules/x")]:
        body = {"target": BEAT, "schedule": NEVER} if method == "POST" else None
        assert server.ask(path, method=method, body=body, token=None).status == 403


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Servers]:
    servers = Servers(tmp_path)
    yield servers
    servers.close()


def test_killed_servers_make_one_run_of_each_due_and_one_of_all_that_was_missed(servers: Servers) -> None:
    """Two servers; the second gets the schedule; the first is killed, then both for a while."""
    first = servers.start()
    with no_workers_left(first.paths):
        second = servers.start()
        assert (first.slot, second.slot) == ("default", "default-2")
        schedule = added(second, {"every": 1})
        ident = schedule["id"]
        assert first.ask(f"schedules/{ident}").json["name"] == schedule["name"], "the first server has it"
        _until_it_runs(second, ident)
        first.kill()
        for _ in range(2):  # each after the end of the one before, which the second server has to see
            _until_it_runs(second, ident)
        first.restart()
        _until_it_runs(second, ident)
        second.kill()
        first.kill()
        last = time()
        until(lambda: time() > last + 3, 60)
        first.restart()
        _until_it_runs(first, ident)
        assert ask(first, ident, "pause").json["paused"]
        until(lambda: all(task["ended"] for task in _tasks(first)), 60)
        found, tasks = firings(first, ident)[::-1], _tasks(first)
        assert any(firing["missed"] >= 2 and firing["task"] for firing in found), "one run for all of them"
        gaps = [round(later["due"] - earlier["due"]) for earlier, later in pairwise(found)]
        assert gaps == [firing["missed"] + 1 for firing in found[1:]], "each due has fired or was made up for"
        assert sorted(t["id"] for t in tasks) == sorted(f["task"] for f in found if f["task"])
        assert [first.lines(task["id"]) for task in tasks] == [["beat\n"]] * len(tasks), "each ran once"


def _tasks(server: Server) -> list[Any]:
    found: list[Any] = server.ask("tasks?limit=1000").json["tasks"]
    return found


def _until_it_runs(server: Server, ident: str) -> None:
    known = {firing["task"] for firing in firings(server, ident)} | {None}
    until(lambda: [f for f in firings(server, ident) if f["task"] not in known], 60)
