"""What a form asks a server before it makes a task or a schedule, and changes to a schedule, over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from tests.support.builders import until
from tests.support.servers import Server, Servers, assert_problem
from tests.support.workers import no_workers_left

NEVER = {"at": "2999-01-01T00:00"}
LONG = ["sleep", "600"]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    servers = Servers(tmp_path_factory.mktemp("forms"))
    yield servers
    servers.close()


@pytest.fixture(scope="module")
def server(servers: Servers) -> Iterator[Server]:
    server = servers.start()
    with no_workers_left(server.paths):
        yield server
        server.stop()


def added(server: Server, schedule: dict[str, Any], **fields: Any) -> Any:
    answer = server.ask("schedules", method="POST", body={"schedule": schedule, **fields})
    assert answer.status == 201, answer.body
    return answer.json


def test_a_target_tells_its_parameters_and_is_run_with_them(server: Server) -> None:
    (server.home / "forms").mkdir()
    source = "open('executed', 'w')\ndef main(rows: int, mode='fast'):\n    return [rows, mode, __name__]\n"
    (server.home / "forms" / "job.py").write_text(source)
    cell = {"cell_type": "code", "source": "n = 3  # how many", "metadata": {"tags": ["parameters"]}}
    (server.home / "forms" / "a b.ipynb").write_text(json.dumps({"cells": [cell]}))
    found = server.ask("targets?target=forms/a%20b.ipynb").json
    assert [(one["name"], one["value"], one["comment"]) for one in found["parameters"]] == [
        ("n", 3, "how many")
    ]
    found = server.ask("targets?target=forms/job.py:main").json
    assert [(one["name"], one["annotation"], one["value"]) for one in found["parameters"]] == [
        ("rows", "int", None),
        ("mode", None, "fast"),
    ]
    assert found["cwd"] == str(server.home)
    assert (
        server.ask(f"targets?target=job:main&cwd={server.home}/forms").json["parameters"]
        == found["parameters"]
    )
    assert not (server.home / "executed").exists(), "its source is read, and nothing is executed"
    body = {"target": "forms/job.py:main", "parameters": {"rows": "5"}}
    task = server.ask("tasks", method="POST", body=body).json["id"]
    ended = until(partial(_ended, server, task), 60)
    assert (ended["state"], ended["result"]["repr"]) == ("completed", "[5, 'fast', 'job']")
    assert_problem(server.ask("targets?target=no.ipynb"), 400, "bad_request")
    assert_problem(server.ask("targets"), 400, "bad_request")


def _ended(server: Server, task: str) -> Any:
    found = server.task(task)
    return found if found["state"] not in ("queued", "running") else None


@pytest.mark.parametrize(
    ("query", "text", "runs"),
    [
        ("every=90m", "every hour 30 minutes", 3),
        ("cron=0%209%20*%20*%201-5&timezone=Europe/Berlin", "at 09:00 on Monday through Friday", 3),
        ("at=2999-01-01T09:30&timezone=Asia/Tokyo", "once at 2999-01-01 09:30:00 (Asia/Tokyo)", 1),
        ("cron=0%200%2029%202%20*&timezone=UTC", "on 29 February", 3),
    ],
)
def test_a_trigger_is_previewed(server: Server, query: str, text: str, runs: int) -> None:
    found = server.ask(f"triggers?{query}").json
    dues = [run["due"] for run in found["next"]]
    assert len(dues) == runs
    assert dues == sorted(dues)
    assert text.split(maxsplit=1)[0] in found["text"], found["text"]
    if "timezone" in query:
        assert found["timezone"] == query.split("timezone=")[1]
    if "cron=0%209" in query:
        assert [run["text"][11:] for run in found["next"]] == ["09:00:00"] * 3


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("every=soon", "every 'soon' is not a time span"),
        ("cron=99%209%20*%20*%20*", "the minute"),
        ("at=2001-01-01", "has passed already"),
        ("", "one of every, cron and at, and none is given"),
        ("every=1h&at=2999-01-01", "not every and at"),
        ("every=1h&timezone=Mars/Base", "there is no time zone 'Mars/Base'"),
    ],
)
def test_a_bad_trigger_gets_the_sentence_of_its_error(server: Server, query: str, said: str) -> None:
    answer = server.ask(f"triggers?{query}")
    assert_problem(answer, 400, "bad_request")
    assert said in answer.json["detail"]


def test_a_schedule_is_changed_while_it_runs_and_lists_its_runs(server: Server) -> None:
    schedule = added(server, NEVER, target=LONG, name="long")
    path = f"schedules/{schedule['id']}"
    running = server.ask(f"{path}/commands", method="POST", body={"command": "run"}).json["last_task"]
    until(lambda: server.task(running)["state"] == "running", 60)
    body = {"target": ["true"], "retries": 2, "schedule": {"cron": "0 9 * * *", "timezone": "UTC"}}
    changed = server.ask(path, method="PATCH", body=body)
    assert changed.status == 200, changed.body
    assert changed.json["text"] == "at 09:00 every day (UTC)"
    assert (changed.json["name"], changed.json["retries"]) == ("long", 2)
    assert changed.json["runs"][0]["state"] == "running"
    assert server.task(running)["params"] == {"command": "sleep 600"}, "it runs as it was"
    server.ask(f"tasks/{running}/commands", method="POST", body={"command": "cancel"})
    until(partial(_ended, server, running), 60)
    then = server.ask(f"{path}/commands", method="POST", body={"command": "run"}).json["last_task"]
    assert until(partial(_ended, server, then), 60)["params"] == {"command": "true"}
    (listed,) = [one for one in server.ask("schedules").json["schedules"] if one["id"] == schedule["id"]]
    assert [(run["task"], run["state"], run["asked"]) for run in listed["runs"]] == [
        (then, "completed", True),
        (running, "cancelled", True),
    ]
    assert all(run["duration"] == run["ended"] - run["started"] for run in listed["runs"])
    server.ask(f"tasks/{running}", method="DELETE")
    assert server.ask(path).json["runs"][1]["state"] is None, "its task was deleted"
    server.ask(path, method="DELETE")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "say what to change: target, name"),
        ({"schedule": {}}, "say what to change"),
        ({"schedule": None}, '"schedule" has no default that null could reset'),
        ({"target": None, "retries": 2}, '"target" has no default'),
        ({"schedule": "@daily"}, '"schedule" is an object'),
        ({"key": "k"}, "a change of a schedule has no 'key'"),
        ({"retires": 2}, "a change of a schedule has no 'retires'"),
        ({"retries": 2, "schedule": {"every": "soon"}}, "every 'soon' is not a time span"),
        ({"target": "no.ipynb"}, "there is no notebook"),
        ({"timeout": -1}, "$.timeout"),
    ],
)
def test_a_bad_change_is_refused_with_a_sentence_and_changes_nothing(
    server: Server, body: dict[str, Any], said: str
) -> None:
    schedule = added(server, NEVER, target=["true"])
    path = f"schedules/{schedule['id']}"
    answer = server.ask(path, method="PATCH", body=body)
    assert_problem(answer, 400, "bad_request")
    assert said in answer.json["detail"]
    assert server.ask(path).json == schedule
    server.ask(path, method="DELETE")
    assert_problem(server.ask(path, method="PATCH", body={"retries": 1}), 404, "unknown_schedule")


def test_another_server_asks_the_holder_of_the_schedules(servers: Servers, server: Server) -> None:
    second = servers.start()
    try:
        path = f"schedules/{added(server, NEVER, target=['true'])['id']}"
        changed = second.ask(path, method="PATCH", body={"retries": 5})
        assert (changed.status, changed.json["retries"]) == (200, 5)
        assert server.ask(path).json == changed.json
        assert_problem(second.ask(path, method="PATCH", body={"target": "no.ipynb"}), 400, "bad_request")
        assert second.ask("triggers?every=1h").status == 200
        server.ask(path, method="DELETE")
    finally:
        second.stop()
