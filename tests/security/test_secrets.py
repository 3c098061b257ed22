"""The places that hold the token and the key, and all the places that must not."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import quote

import psutil
import pytest

from jupyter_agent.server.auth import AuthMixin
from jupyter_agent.system.ids import new_id
from jupyter_agent.transport.discovery import KEY_HEADER
from tests.support.builders import until
from tests.support.kernels import execute
from tests.support.servers import Server, environment

from .endpoints import REQUESTS, Visitor, login, origin_of, published, with_cookie

SECRET = "a-token-that-must-not-show"


def _secrets(server: Server) -> list[str]:
    return [server.token, server.key]


def _told(text: str | bytes, secrets: list[str]) -> list[str]:
    whole = text.decode(errors="replace") if isinstance(text, bytes) else text
    return [secret for secret in secrets if secret in whole]


def test_no_answer_of_any_endpoint_holds_a_secret(shared: Server, running_task: str) -> None:
    secrets = _secrets(shared)
    for visitor in (
        Visitor({"Authorization": f"token {shared.token}"}),
        Visitor({KEY_HEADER: shared.key}),
        Visitor(query=f"token={shared.token}"),
        Visitor({KEY_HEADER: shared.key + "x"}),
        Visitor({"Authorization": f"token {shared.token}x"}),
    ):
        for method, path in [
            *REQUESTS,
            ("GET", ""),
            ("GET", "health"),
            ("GET", "nothing"),
        ]:
            if method != "STREAM":
                answer = visitor.ask(shared, method, path.format(id=running_task))
                assert _told(answer.body, secrets) == [], (method, path)
                assert all(not _told(v, secrets) for k, v in answer.headers.items() if k != "Location")
    assert _told(shared.ask("metrics", root="").body, secrets) == []


def test_no_answer_about_a_schedule_contains_an_environment(shared: Server) -> None:
    body = {"target": ["true"], "schedule": {"at": "2999-01-01"}, "env": {"PASSWORD": "of-the-caller"}}
    answers = [shared.ask("schedules", method="POST", body=body)]
    ident = answers[0].json["id"]
    commands = f"schedules/{ident}/commands"
    answers.append(shared.ask(commands, method="POST", body={"command": "pause"}))
    answers.append(shared.ask(f"schedules/{ident}", method="PATCH", body={"retries": 1}))
    answers += [
        shared.ask(path) for path in ("schedules", f"schedules/{ident}", f"schedules/{ident}/firings")
    ]
    shared.ask(f"schedules/{ident}", method="DELETE")
    assert [answer.status for answer in answers] == [201, 202, 200, 200, 200, 200]
    assert [_told(answer.body, ["of-the-caller", "PASSWORD", "PATH"]) for answer in answers] == [[]] * 6


def test_the_page_can_load_and_reach_nothing_and_sends_no_referrer(shared: Server) -> None:
    headers = shared.ask("").headers
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; base-uri 'none'; form-action 'none'; ")
    sources = {word for part in policy.split(",")[0].split(";") for word in part.split()[1:]}
    assert all(word in ("'none'", "'self'", "data:", "blob:") or "sha256-" in word for word in sources)
    assert "frame-ancestors 'self'" in policy
    assert "unsafe" not in policy
    for name, value in {
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "SAMEORIGIN",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
        "Cross-Origin-Resource-Policy": "same-origin",
    }.items():
        assert headers[name] == value


@pytest.mark.parametrize("path", ["tasks", "health", "nothing", "tasks/x", "tasks/x/events"])
def test_no_answer_is_kept_sniffed_or_lent_to_other_pages(shared: Server, path: str) -> None:
    headers = shared.ask(path).headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Access-Control-Allow-Origin" not in Visitor().ask(shared, "GET", path).headers


REMEMBERS = """
import json, os, sys
import jupyter_agent as ja

def seen():
    return {"argv": open("/proc/self/cmdline").read(), "environ": dict(os.environ)}

worker = ja.task(seen, on="process").submit().result(60)
path = sys.argv[1] if sys.argv[0] == "-c" else os.environ["HOME"] + "/seen.json"
json.dump(worker, open(path + ".part", "w"))
os.rename(path + ".part", path)
"""


def test_neither_a_kernel_nor_a_worker_gets_a_secret_by_its_arguments_or_environment(shared: Server) -> None:
    secrets = _secrets(shared)
    execute(shared, shared.start_kernel(), REMEMBERS)
    seen = until(lambda: _text(shared.home / "seen.json"), 60)
    assert "jupyter_agent.worker" in seen
    assert _told(seen, secrets) == []
    children = psutil.Process(shared.pid).children(recursive=True)
    assert children
    for child in children:
        assert _told(" ".join(child.cmdline()) + str(child.environ()), secrets) == []


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def test_the_log_of_a_server_at_debug_holds_no_secret(shared: Server, running_task: str) -> None:
    cookies = login(shared)
    for visitor in (
        Visitor({KEY_HEADER: shared.key}),
        Visitor(query=f"token={shared.token}"),
        Visitor({"Referer": f"{shared.url}jupyter-agent/?token={shared.token}"}),
        Visitor({KEY_HEADER: shared.key + "x"}),
        with_cookie(shared, origin_of(shared), xsrf=""),
        with_cookie(shared, "http://evil.example", xsrf=""),
    ):
        for method, path in [*REQUESTS, ("GET", ""), ("GET", "nothing")]:
            if method != "STREAM":
                visitor.ask(shared, method, path.format(id=running_task))
        visitor.enter(shared)
    log = shared.log_text()
    assert "[D " in log
    # Jupyter itself logs the address that opens the server's page, with its token, once, when it starts
    started = log.index("jupyter_agent holds the journal")
    told = log[started:].split("Or copy and paste", 1)
    after = told[1].split("\n[", 1)[1] if len(told) > 1 else told[0]
    assert _told(after, [*_secrets(shared), *(value for value in cookies.values() if len(value) > 8)]) == []


def test_the_key_is_in_its_file_and_nowhere_else_on_disk(shared: Server) -> None:
    published(shared, ["queued", "running", "completed"])
    found = {
        path.relative_to(shared.agent).as_posix(): _told(path.read_bytes(), _secrets(shared))
        for path in shared.agent.rglob("*")
        if path.is_file()
    }
    assert {name: told for name, told in found.items() if told} == {
        "journals/default/holder.json": [shared.key]
    }


def _run(shared: Server, *command: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        env=environment(shared.home, shared.agent) | env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


LOGS_ALL = """
import logging; logging.basicConfig(level=logging.DEBUG)
import jupyter_agent as ja
task = ja.submit(lambda: 7)
print(task.result(30), ja.attach(task.id), ja.tasks(), task.events())
from jupyter_agent.producer.producer import current_producer
print(current_producer().flush(20), current_producer().locate(), vars(current_producer()))
try:
    ja.attach("0" * 26)
except ja.UnknownTask as error:
    print(repr(error), vars(error))
"""


def test_a_process_that_logs_all_it_knows_says_no_secret(shared: Server) -> None:
    done = _run(shared, "-c", LOGS_ALL)
    assert done.returncode == 0, done.stderr
    assert "True" in done.stdout
    assert "DEBUG" in done.stderr
    assert _told(done.stdout + done.stderr, _secrets(shared)) == []


COMMANDS: list[Callable[[str], list[str]]] = [
    lambda _: ["tasks", "list"],
    lambda task: ["tasks", "show", task],
    lambda task: ["tasks", "logs", task, "--json"],
    lambda _: ["tasks", "show", new_id()],
    lambda _: ["status", "--json"],
    lambda _: ["status"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=range(len(COMMANDS)))
def test_the_command_line_says_no_secret_of_its_server(
    shared: Server, running_task: str, command: Callable[[str], list[str]]
) -> None:
    done = _run(shared, "-m", "jupyter_agent.cli", "--debug", *command(running_task))
    assert done.stdout or done.stderr
    assert _told(done.stdout + done.stderr, _secrets(shared)) == []


@pytest.mark.parametrize("where", ["the query", "the environment"])
def test_nor_does_it_say_the_token_of_a_server_that_it_cannot_reach(shared: Server, where: str) -> None:
    url = "http://127.0.0.1:9/" + (f"?token={SECRET}" if where == "the query" else "")
    env = {"JUPYTER_AGENT_URL": url, "JUPYTER_AGENT_TOKEN": "" if where == "the query" else SECRET}
    done = _run(shared, "-m", "jupyter_agent.cli", "--debug", "tasks", "list", **env)
    assert done.returncode == 1
    assert "http://127.0.0.1:9/" in done.stderr
    assert SECRET not in done.stderr + done.stdout


def test_a_token_in_the_address_works_as_one_in_the_environment(shared: Server) -> None:
    url = f"{shared.url}?token={quote(shared.token)}"
    done = _run(shared, "-m", "jupyter_agent.cli", "tasks", "list", "--json", JUPYTER_AGENT_URL=url)
    assert done.returncode == 0, done.stderr
    assert os.fsencode(shared.token) not in done.stdout.encode()


def test_an_internal_error_is_logged_without_the_requests_query(caplog: pytest.LogCaptureFixture) -> None:
    handler: Any = cast("Any", AuthMixin)()
    handler.log = logging.getLogger("a handler")
    handler.request = SimpleNamespace(
        method="GET", path="/x/jupyter-agent/tasks", uri=f"/x?token={SECRET}", remote_ip="127.0.0.1"
    )
    try:
        raise ZeroDivisionError("a fault")
    except ZeroDivisionError:
        handler.log_exception(*sys.exc_info())
    assert "Uncaught exception GET /x/jupyter-agent/tasks (127.0.0.1)" in caplog.text
    assert "ZeroDivisionError: a fault" in caplog.text
    assert SECRET not in caplog.text
