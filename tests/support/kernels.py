"""Kernels of a test's server, which get code as a browser sends it, and plain scripts."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

from jupyter_agent.system.ids import new_id
from tests.support.builders import until
from tests.support.servers import Server, environment

STREAMER = """
import os, sys, time
from jupyter_agent.core.events import About, Log, Result, State, TaskState
from jupyter_agent.producer.producer import current_producer
from jupyter_agent.system.ids import new_id

def stream(path, count=None, pause=0.002, kernel=None):
    producer, task = current_producer(), new_id()
    producer.emit(task, 1, "state", State(TaskState.QUEUED, about=About("streams", kernel=kernel)))
    producer.emit(task, 1, "state", State(TaskState.RUNNING))
    out = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(out, f"{task} {os.getpid()} {producer.id} {producer.journal}\\n".encode())
    producer.add_sampler(task, lambda: None)
    number = 0
    while count is None or number < count:
        producer.emit(task, 1, "log", Log("stdout", f"line {number}\\n"))
        os.write(out, b"%d\\n" % number)
        number += 1
        time.sleep(pause)
    producer.emit(task, 1, "state", State(TaskState.COMPLETED, result=Result("None", True)))
    producer.remove_sampler(task)
    os.write(out, b"end\\n")
    return task
"""
"""Streams lines as a task; what it has emitted it writes to *path*, after each emit."""

ENDS = ("completed", "failed", "cancelled", "interrupted")


def execute(server: Server, kernel: str, code: str, cell: str | None = None) -> None:
    """Ask *kernel* to run *code*, as a page does for that *cell*; returns when it has begun."""
    asyncio.run(_execute(server, kernel, code, {"cellId": cell} if cell else {}))


async def _execute(server: Server, kernel: str, code: str, metadata: dict[str, str]) -> None:
    url = f"ws{server.url.removeprefix('http')}api/kernels/{kernel}/channels?session_id={new_id()}"
    request = HTTPRequest(url, headers={"Authorization": f"token {server.token}"})
    socket = await websocket_connect(request)
    assert socket.protocol is not None
    stream = socket.protocol.stream
    assert stream is not None
    header = {
        "msg_id": new_id(),
        "msg_type": "execute_request",
        "username": "t",
        "session": "t",
        "version": "5.3",
    }
    content = {
        "code": code,
        "silent": False,
        "store_history": True,
        "user_expressions": {},
        "allow_stdin": False,
    }
    message = {"header": header, "parent_header": {}, "metadata": metadata, "content": content}
    await socket.write_message(json.dumps({**message, "channel": "shell", "buffers": []}))
    try:
        async with asyncio.timeout(30):
            while True:
                text = await socket.read_message()
                assert text is not None
                answer = json.loads(text)
                mine = answer["parent_header"].get("msg_id") == header["msg_id"]
                if mine and answer["header"]["msg_type"] == "error":
                    raise AssertionError("\n".join(answer["content"]["traceback"]))
                if mine and answer["header"]["msg_type"] == "execute_input":
                    return
    finally:
        socket.close()
        stream.close()
        while await socket.read_message() is not None:
            continue


class Written:
    """Return the numbers that a streamer reports as emitted."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def wait(self, lines: int = 50, seconds: float = 20) -> None:
        """Until so many lines were emitted."""
        until(lambda: len(self.lines) >= lines, seconds)

    @property
    def _rows(self) -> list[str]:
        text = self.path.read_text() if self.path.exists() else ""
        return text.split("\n")[:-1]

    @property
    def task(self) -> str:
        return self._rows[0].split()[0]

    @property
    def pid(self) -> int:
        return int(self._rows[0].split()[1])

    @property
    def producer(self) -> str:
        return self._rows[0].split()[2]

    @property
    def journal(self) -> str:
        return self._rows[0].split()[3]

    @property
    def lines(self) -> list[str]:
        return [f"line {row}\n" for row in self._rows[1:] if row != "end"]

    @property
    def ended(self) -> bool:
        return self._rows[-1:] == ["end"]


def stream_in_kernel(server: Server, kernel: str, path: Path, **options: Any) -> Written:
    """Start a stream in a kernel's (blocking) cell."""
    given = "".join(f", {key}={value!r}" for key, value in options.items())
    execute(server, kernel, f"{STREAMER}\nstream({str(path)!r}, kernel={kernel!r}{given})")
    return Written(path)


@contextmanager
def script(
    server: Server, path: Path, env: dict[str, str] | None = None, stderr: int | None = None, **options: Any
) -> Iterator[tuple[subprocess.Popen[bytes], Written]]:
    """A plain script of the same user that streams."""
    given = "".join(f", {key}={value!r}" for key, value in options.items())
    code = f"{STREAMER}\nstream({str(path)!r}{given})"
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        env=environment(server.home, server.agent) | (env or {}),
        stdin=subprocess.DEVNULL,
        stderr=stderr,
    )
    try:
        yield process, Written(path)
    finally:
        process.kill()
        process.wait()
        if process.stderr is not None:
            process.stderr.close()


def assert_story(server: Server, written: Written, state: str, within: float = 5.0) -> dict[str, Any]:
    """Assert that the task reaches *state* within so many seconds, with each line once and one end event."""
    started = monotonic()
    task: dict[str, Any] = until(lambda: _in_state(server, written.task, state), within + 15)
    took = monotonic() - started
    lines = server.lines(written.task)
    emitted = written.lines
    assert lines[: len(emitted)] == emitted
    assert lines == [f"line {number}\n" for number in range(len(lines))]
    assert len(lines) - len(emitted) <= 1  # the one whose emit returned when it was killed
    ends = [e for e in server.events(written.task, "state") if e["data"]["state"] in ENDS]
    assert [end["data"]["state"] for end in ends] == [state]
    assert task["logs"] == len(lines)
    assert took <= within, f"{state} after {took:.1f} s"
    return task


def _in_state(server: Server, task: str, state: str) -> Any:
    snapshot = server.task(task)
    return snapshot if snapshot and snapshot["state"] == state else None
