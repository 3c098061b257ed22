"""The described interfaces are the real ones; see also `tests.security.test_described_requests`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.security.endpoints import ENDPOINTS, published
from tests.support.servers import Server


def test_every_endpoint_is_described_and_nothing_else(shared: Server) -> None:
    paths = shared.ask("openapi.json").json["paths"]
    found = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    named = {
        ({"HTML": "GET", "STREAM": "GET"}.get(one.method, one.method), f"/{one.path.partition('?')[0]}")
        for one in ENDPOINTS
    }
    assert found == named | {("GET", path) for path in ("/", "/ws", "/health", "/static/{name}")}


def test_each_request_says_the_right_that_it_needs(shared: Server) -> None:
    paths = shared.ask("openapi.json").json["paths"]
    for one in ENDPOINTS:
        method = {"HTML": "GET", "STREAM": "GET"}.get(one.method, one.method).lower()
        assert paths[f"/{one.path.partition('?')[0]}"][method]["x-jupyter-agent-right"] == one.right


@pytest.mark.parametrize("name", ["openapi.json", "asyncapi.json", "event.schema.json"])
def test_a_description_is_valid_and_names_nothing_of_the_machine(shared: Server, name: str) -> None:
    answer = shared.ask(name)
    document = answer.json
    schemas = document.get("components", {}).get("schemas") or {"Event": document}
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    text = answer.body.decode()
    assert not any(
        secret in text for secret in (str(shared.home), sys.prefix, str(Path.home()), shared.token)
    )
    assert shared.ask(name, token=None).status == 403


def test_stored_events_and_snapshots_fit_their_schemas(shared: Server) -> None:
    task = published(shared, ["queued", "running", "completed"])
    event = Draft202012Validator(shared.ask("event.schema.json").json)
    events = shared.ask(f"tasks/{task}/events").json["events"]
    assert len(events) == 3
    for each in events:
        event.validate(each)
    assert not event.is_valid(events[0] | {"data": {"state": "no such state"}})
    assert event.is_valid(events[0] | {"data": {"state": "no such state"}, "flag": "bad_data"})


def test_what_a_task_and_a_schedule_are_answered_with_is_described(shared: Server) -> None:
    whole = shared.ask("openapi.json").json
    created = whole["paths"]["/tasks"]["post"]["responses"]["201"]["content"]["application/json"]["schema"]
    named = [each["$ref"].rsplit("/", 1)[-1] for each in created["anyOf"]]
    assert named == ["Task", "ScheduleView"], "a schedule fits a Task too: other fields are allowed"
    for body in ({"target": ["true"]}, {"target": ["true"], "schedule": {"at": "2999-01-01T00:00"}}):
        answer = shared.ask("tasks", method="POST", body=body)
        assert answer.status == 201
        Draft202012Validator(created | {"components": whole["components"]}).validate(answer.json)
    assert not Draft202012Validator(created | {"components": whole["components"]}).is_valid({"id": 1})


TRUE: dict[str, Any] = {"target": ["true"]}
LATER = {"at": "2999-01-01T00:00"}
URL = {"url": "ws://127.0.0.1:9/events"}
ID = "01J8ZQ4T0000000000000000AA"
BODIES: tuple[tuple[str, str, dict[str, Any], bool], ...] = (
    ("POST", "/tasks", TRUE | {"key": "k", "schedule": None}, True),
    ("POST", "/tasks", TRUE | {"schedule": LATER}, True),
    ("POST", "/tasks", TRUE | {"schedule": LATER, "key": "k"}, False),
    ("POST", "/tasks", TRUE | {"nmae": "misspelt"}, False),
    ("POST", "/tasks", {"target": " "}, False),
    ("POST", "/tasks", {"target": []}, False),
    ("POST", "/schedules", TRUE | {"schedule": LATER | {"cron": None, "overlap": "queue"}}, True),
    ("POST", "/schedules", TRUE | {"schedule": {"every": 60, "key": None}}, False),
    ("POST", "/schedules", TRUE, False),
    ("POST", "/schedules", TRUE | {"schedule": {"timezone": "UTC"}}, False),
    ("POST", "/schedules", TRUE | {"schedule": LATER | {"every": "30m"}}, False),
    ("POST", "/schedules", TRUE | {"schedule": {"every": 0.5}}, False),
    ("POST", "/schedules", TRUE | {"schedule": LATER | {"overlap": "twice"}}, False),
    ("PATCH", "/schedules/{id}", {"retries": None}, True),
    ("PATCH", "/schedules/{id}", {"schedule": {"overlap": "allow"}}, True),
    ("PATCH", "/schedules/{id}", {"schedule": {}, "tags": ["eu"]}, True),
    ("PATCH", "/schedules/{id}", {"schedule": {}}, False),
    ("PATCH", "/schedules/{id}", {}, False),
    ("PATCH", "/schedules/{id}", {"target": None}, False),
    ("PATCH", "/schedules/{id}", {"schedule": None}, False),
    ("PATCH", "/schedules/{id}", {"key": "k"}, False),
    ("PATCH", "/schedules/{id}", {"schedule": {"every": "1h", "cron": "@daily"}}, False),
    ("POST", "/schedules/{id}/commands", {"command": "pause"}, True),
    ("POST", "/schedules/{id}/commands", {"command": "stop"}, False),
    ("POST", "/tasks/{id}/commands", {"command": "input", "args": {"text": "yes"}}, True),
    ("POST", "/tasks/{id}/commands", {"command": "cancel", "args": {"now": True}, "attempt": 1}, True),
    ("POST", "/tasks/{id}/commands", {"command": "input"}, False),
    ("POST", "/tasks/{id}/commands", {"command": "input", "args": {"text": "yes", "now": True}}, False),
    ("POST", "/tasks/{id}/commands", {"command": "cancel", "args": {"now": "yes"}}, False),
    ("POST", "/tasks/{id}/commands", {"command": "stop"}, False),
    ("POST", "/forwards", URL | {"types": "log", "task": None, "headers": {"X-Name": "a"}}, True),
    ("POST", "/forwards", URL | {"types": ["log"], "from_start": None}, True),
    ("POST", "/forwards", {"url": "http://127.0.0.1:9/"}, False),
    ("POST", "/forwards", URL | {"task": ID, "tasks": [ID]}, False),
    ("POST", "/forwards", URL | {"tasks": []}, False),
    ("POST", "/forwards", URL | {"types": ["lgo"]}, False),
    ("POST", "/forwards", URL | {"headers": {"X Name": "a"}}, False),
    ("POST", "/forwards", URL | {"headers": {"X-Name": "two\nlines"}}, False),
)


@pytest.mark.parametrize(("method", "path", "body", "fits"), BODIES)
def test_a_body_is_refused_where_it_does_not_fit_its_description(
    shared: Server, method: str, path: str, body: dict[str, Any], fits: bool
) -> None:
    whole = shared.ask("openapi.json").json
    schema = whole["paths"][path][method.lower()]["requestBody"]["content"]["application/json"]["schema"]
    assert Draft202012Validator(schema | {"components": whole["components"]}).is_valid(body) is fits
    if path == "/tasks/{id}/commands":
        path = path.replace("{id}", published(shared, ["queued", "running"]))
    elif "{id}" in path:
        made = shared.ask("schedules", method="POST", body=TRUE | {"schedule": LATER})
        path = path.replace("{id}", made.json["id"])
    assert (shared.ask(path[1:], method=method, body=body).status != 400) is fits
