"""The command line and the Python client with real servers."""

from __future__ import annotations

import asyncio
import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from jupyter_agent.cli.backends.http import HttpBackend
from jupyter_agent.cli.main import run
from jupyter_agent.client import AgentClient, Apply, connect
from jupyter_agent.core.events import About, Event, Log, Message, Progress, State, TaskState
from jupyter_agent.core.query import EventQuery, EventsPage
from jupyter_agent.errors import NotNow, RequestRefused, UnknownTask
from jupyter_agent.producer.producer import Producer
from jupyter_agent.protocol.messages import CommandOrder
from jupyter_agent.system.ids import new_id
from jupyter_agent.system.paths import DataPaths
from jupyter_agent.transport.discovery import remote_address
from tests.support.builders import until
from tests.support.workers import no_workers_left

Start = Callable[..., Any]


class Job:
    """A task of a real producer in this process."""

    def __init__(self, paths: DataPaths, name: str = "train") -> None:
        self.producer = Producer(paths)
        self.id = new_id()
        self.orders: list[CommandOrder] = []
        self.producer.on_command(self.id, self.orders.append)
        self.emit("state", State(TaskState.QUEUED, about=About(name)))
        self.emit("state", State(TaskState.RUNNING))

    def emit(self, kind: str, data: Any) -> None:
        self.producer.emit(self.id, 1, kind, data)
        self.producer.wake()

    def say(self, text: str) -> None:
        self.emit("log", Log("stdout", text))

    def end(self, to: TaskState = TaskState.COMPLETED) -> None:
        self.emit("state", State(to))

    def committed(self) -> None:
        assert self.producer.flush(30)


@contextmanager
def job(paths: DataPaths, name: str = "train") -> Iterator[Job]:
    one = Job(paths, name)
    try:
        yield one
    finally:
        one.producer.close()


def listed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert run(["tasks", "list", "--json", *arguments]) == 0
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return found


def test_tasks_of_a_real_server_are_listed_shown_and_deleted(
    server: Start, paths: DataPaths, capsys: pytest.CaptureFixture[str]
) -> None:
    server()
    with job(paths) as work:
        work.say("one\n")
        work.committed()
        assert [(task["id"], task["state"]) for task in listed(capsys)] == [(work.id, "running")]
        assert run(["tasks", "delete", work.id]) == 1
        work.end()
        work.committed()
        assert run(["tasks", "show", work.id]) == 0
        assert "completed" in capsys.readouterr().out
        assert run(["tasks", "logs", work.id]) == 0
        assert capsys.readouterr().out == "one\n"
        assert run(["tasks", "clear", "--status", "completed"]) == 0
        assert listed(capsys) == []


def test_the_server_searches_a_log_and_sends_what_fits(
    server: Start, paths: DataPaths, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    server()
    sent: list[Event] = []
    ask = HttpBackend.events

    async def recorded(backend: HttpBackend, task_id: str, query: EventQuery) -> EventsPage:
        page = await ask(backend, task_id, query)
        sent.extend(page.events)
        return page

    monkeypatch.setattr(HttpBackend, "events", recorded)
    with job(paths) as work:
        for number in range(300):
            work.say(f"line {number}\n")
        work.emit("message", Message("agent", "Look at line 42.", "m1"))
        work.emit("log", Log("logging", "slow line", "warning"))
        work.end()
        work.committed()
        assert run(["tasks", "logs", work.id, "--grep", "LINE 42"]) == 0
        assert run(["tasks", "logs", work.id, "--level", "warning"]) == 0
        assert run(["tasks", "logs", work.id, "--level", "critical", "--json", "--all"]) == 0
    assert capsys.readouterr().out == "line 42\nagent: Look at line 42.\nslow line\n"
    assert len(sent) == 3


def test_a_cancel_reaches_the_producer_and_is_asked_once(
    server: Start, paths: DataPaths, capsys: pytest.CaptureFixture[str]
) -> None:
    server()
    with job(paths) as work:
        work.committed()
        assert run(["tasks", "cancel", work.id]) == 0
        until(lambda: work.orders)
        assert [order.command for order in work.orders] == ["cancel"]
        assert listed(capsys)[0]["cancel_requested"]
        assert run(["tasks", "cancel", work.id]) == 0
        assert capsys.readouterr().out == f"Stopped train ({work.id}) at once.\n"
        until(lambda: len(work.orders) == 2)
        assert run(["tasks", "show", work.id]) == 0
        assert "cancelling" in capsys.readouterr().out
        work.orders.pop()
        assert run(["tasks", "send", work.id, "hello"]) == 0
        until(lambda: len(work.orders) == 2)
        assert work.orders[1].args == {"text": "hello"}
        work.end(TaskState.CANCELLED)
        work.committed()
        assert run(["tasks", "cancel", work.id]) == 1
        assert "nothing to cancel" in capsys.readouterr().err


def test_two_servers_and_their_journals_are_one_list(
    server: Start, paths: DataPaths, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    server()
    server()
    with job(paths, "first") as first:
        first.committed()
        monkeypatch.setenv("JUPYTER_AGENT_JOURNAL", "default-2")
        with job(paths, "second") as second:
            second.committed()
            assert [task["id"] for task in listed(capsys)] == [second.id, first.id]
            assert run(["tasks", "show", second.id]) == 0
    assert run(["status", "--json"]) == 0
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [journal["holder"] for journal in report["journals"]] == ["server", "server"]


@pytest.mark.parametrize("kill", [False, True])
def test_logs_are_followed_across_a_restart_with_nothing_lost_or_doubled(
    server: Start, paths: DataPaths, capsys: pytest.CaptureFixture[str], *, kill: bool
) -> None:
    one = server()
    with job(paths) as work:
        work.say("0\n")
        work.committed()

        def go_on() -> None:
            until(lambda: "jupyter_agent" in one.log_text())
            for number in range(1, 10):
                work.say(f"{number}\n")
                if number == 5:
                    one.kill() if kill else one.stop()
                    one.restart()
            work.end()

        helper = threading.Thread(target=go_on)
        helper.start()
        assert run(["tasks", "logs", work.id, "--follow"]) == 0
        helper.join()
    assert capsys.readouterr().out.splitlines() == [str(number) for number in range(10)]
    assert "Traceback" not in one.log_text()


def test_watching_without_an_id_shows_what_starts_later(
    server: Start, paths: DataPaths, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    import os
    import signal
    import sys

    server()
    out = tmp_path / "out"
    with out.open("w") as file:
        watcher = subprocess.Popen(
            [sys.executable, "-m", "jupyter_agent.cli", "tasks", "watch"], stdout=file, env=dict(os.environ)
        )
    with job(paths, "early") as early:
        early.committed()
        until(lambda: "early | running" in out.read_text())
        with job(paths, "late") as late:
            late.emit("progress", Progress(1, 4))
            late.end()
            late.committed()
            until(lambda: "late | completed (25%)" in out.read_text())
    watcher.send_signal(signal.SIGINT)
    assert watcher.wait(20) == 130


def test_the_client_follows_a_real_server_and_is_refused_in_sentences(
    server: Start, paths: DataPaths
) -> None:
    one = server()

    async def scenario(work: Job) -> None:
        async with AgentClient(remote_address(one.url, one.token)) as client:
            async with aclosing(client.follow([work.id], tail=10)) as items:
                await anext(items)
                work.say("live\n")
                numbers: list[int] = []
                async for item in items:
                    assert isinstance(item, Apply)
                    numbers += [event.n for event in item.events]
                    if 3 in numbers:
                        break
                assert numbers.count(3) == 1
            with pytest.raises(UnknownTask):
                await client.task("0" * 26)
            with pytest.raises(NotNow):
                await client.delete(work.id)
            with pytest.raises(RequestRefused, match="dance"):
                await client.command(work.id, "dance")
        async with AgentClient(remote_address(one.url, "wrong")) as stranger:
            with pytest.raises(RequestRefused, match="wants a login"):
                await stranger.tasks()

    with job(paths) as work:
        work.committed()
        asyncio.run(scenario(work))
        with connect(one.url, one.token) as client:
            assert client.task(work.id).name == "train"
        with connect() as own:
            assert own.health()["status"] == "ok"
    assert "Traceback" not in one.log_text()


def said(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> Any:
    capsys.readouterr()
    assert run(arguments) == status
    return json.loads(capsys.readouterr().out)


def test_what_a_server_is_given_runs_where_the_caller_is_and_is_stopped_when_the_server_is_gone(
    server: Start,
    paths: DataPaths,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("SHELLS_OWN", "mine")
    with no_workers_left(paths):
        one = server()
        assert run(["tasks", "add", "--watch", "--", "sh", "-c", 'pwd; echo "$SHELLS_OWN"; exit 3']) == 1
        lines = [line.split(" | ")[1] for line in capsys.readouterr().out.splitlines()[1:]]
        assert str(here) in lines
        assert "mine" in lines
        assert lines[-1] == "failed: CommandFailed: sh exited with status 3"
        assert run(["tasks", "add", "some text"]) == 2
        assert "c.JupyterAgent.agent" in capsys.readouterr().err

        task = said(capsys, "tasks", "add", "--json", "--", "sleep", "60")["id"]
        until(lambda: said(capsys, "tasks", "show", task, "--json")["state"] == "running")
        one.stop()
        assert run(["tasks", "cancel", task]) == 0
        assert said(capsys, "tasks", "show", task, "--json")["state"] == "cancelled"
    assert "Traceback" not in one.log_text()


def test_a_schedule_that_was_made_without_a_server_is_the_next_ones(
    server: Start, paths: DataPaths, capsys: pytest.CaptureFixture[str]
) -> None:
    with no_workers_left(paths):
        schedule = said(capsys, "tasks", "add", "--json", "--every", "1h", "--", "true")
        one = server()
        assert [found["id"] for found in said(capsys, "schedule", "list", "--json")] == [schedule["id"]]
        task = said(capsys, "schedule", "run", schedule["id"], "--json")["last_task"]
        assert run(["tasks", "watch", task]) == 0
        shown = said(capsys, "schedule", "show", schedule["id"], "--json")
        assert [(f["task"], f["outcome"], f["asked"]) for f in shown["firings"]] == [(task, "queued", True)]
        for command, paused in (("pause", True), ("resume", False)):
            assert said(capsys, "schedule", command, schedule["id"], "--json")["paused"] is paused
        assert run(["schedule", "delete", schedule["id"]]) == 0
        assert run(["schedule", "show", schedule["id"]]) == 1
        report = said(capsys, "status", "--json")
        assert (report["workers"]["waiting"], report["schedules"], report["forwards"]) == (0, 0, 0)
    assert "Traceback" not in one.log_text()
