"""Answers from several clients to one prompt: one is taken, the others are refused, none is lost."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import jupyter_agent as ja
from jupyter_agent.client import connect
from jupyter_agent.producer.producer import current_producer
from tests.support.producers import wait_until_up
from tests.support.runtime import own_producer, until  # noqa: F401
from tests.support.servers import Server, assert_problem
from tests.support.wire import subscriber

TALKER = """
import jupyter_agent as ja

def talk():
    got = [ja.current().ask("one?", ["a", "b"])]
    try:
        got.append(ja.current().receive(timeout=0.5))
    except TimeoutError:
        got.append("nothing")
    return got

handle = ja.task(talk, name="talker").submit()
print(handle.id, flush=True)
print(handle.result(), flush=True)
"""


@pytest.fixture
def holder(server: Callable[[], Server]) -> Server:
    """A server that holds the journal of this process."""
    started = server()
    assert wait_until_up(current_producer().forwarder, 20)
    return started


@pytest.fixture
def talker(holder: Server, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process whose task asks, and the task's id."""
    script = tmp_path / "talker.py"
    script.write_text(TALKER)
    process = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    task = process.stdout.readline().strip()
    until(lambda: (holder.task(task) or {}).get("prompt"))
    yield process, task
    process.kill()
    process.wait()
    process.stdout.close()


def post(server: Server, task: str, **args: object) -> Any:
    return server.ask(f"tasks/{task}/commands", method="POST", body={"command": "input", "args": args})


async def tell(server: Server, task: str, **args: object) -> dict[str, Any]:
    """An answer over the WebSocket; the reply."""
    async with subscriber(server) as socket:
        await socket.say({"type": "command", "id": 7, "task": task, "command": "input", "args": args})
        return await socket.get("reply", id=7)


def send(task: str, text: str) -> subprocess.CompletedProcess[str]:
    """An answer from the command line."""
    command = [sys.executable, "-m", "jupyter_agent.cli", "tasks", "send", task, text]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def inputs(server: Server, task: str) -> list[dict[str, Any]]:
    return [event["data"] for event in server.events(task, "input")]


def test_of_an_answer_raced_from_three_clients_one_wins(holder: Server) -> None:
    """REST, WebSocket and Python client: two are refused, the task gets one, no later wait gets another."""

    def work() -> list[str]:
        first = ja.current().ask("which?")
        return [first, ja.current().ask("and now?", timeout=0.2, default="nobody said more")]

    handle = ja.submit(work)
    until(lambda: (holder.task(handle.id) or {}).get("prompt"))
    prompt = holder.task(handle.id)["prompt"]["prompt_id"]
    gate = threading.Barrier(3)

    def rest() -> bool:
        gate.wait(20)
        return bool(post(holder, handle.id, text="rest", prompt_id=prompt).status == 202)

    def socket() -> bool:
        gate.wait(20)
        return bool(asyncio.run(tell(holder, handle.id, text="socket", prompt_id=prompt))["ok"])

    def client() -> bool:
        with connect() as agent:
            gate.wait(20)
            try:
                agent.command(handle.id, "input", {"text": "client", "prompt_id": prompt})
            except ja.NotNow:
                return False
            return True

    calls = {"rest": rest, "socket": socket, "client": client}
    with ThreadPoolExecutor(3) as pool:
        taken = {word: pool.submit(call) for word, call in calls.items()}
    (winner,) = [word for word, done in taken.items() if done.result(20)]
    assert handle.result(20) == [winner, "nobody said more"]
    until(lambda: holder.task(handle.id)["state"] == "completed")
    assert [one["text"] for one in inputs(holder, handle.id)] == [winner, "nobody said more"]
    accepted = [event["data"]["args"]["text"] for event in holder.events(handle.id, "command")]
    assert accepted == [winner]


def test_an_answer_to_a_stopped_process_arrives_once_when_it_is_back(
    holder: Server, talker: tuple[subprocess.Popen[str], str]
) -> None:
    """Its server is killed and back meanwhile, and sends the answer again; who comes later is refused."""
    process, task = talker
    prompt = holder.task(task)["prompt"]["prompt_id"]
    os.kill(process.pid, signal.SIGSTOP)
    done = send(task, "b")
    assert (done.returncode, done.stderr) == (0, "")
    assert holder.task(task)["prompt"] is None
    assert inputs(holder, task) == []
    late = post(holder, task, text="a", prompt_id=prompt)
    assert_problem(late, 409, "not_now")
    assert late.json["detail"].startswith("that question has been answered")
    holder.kill()
    holder.restart()
    reply = asyncio.run(tell(holder, task, text="a", prompt_id=prompt))
    assert (reply["ok"], reply["code"], reply["message"]) == (False, "not_now", late.json["detail"])
    assert_problem(post(holder, task, text="a", prompt_id=5), 400, "bad_request")
    os.kill(process.pid, signal.SIGCONT)
    assert process.stdout is not None
    assert process.stdout.readline() == "['b', 'nothing']\n"
    until(lambda: holder.task(task)["state"] == "completed")
    assert [(one["text"], one["prompt_id"]) for one in inputs(holder, task)] == [("b", prompt)]
