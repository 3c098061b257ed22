"""Journal client: what a kernel asks of the journal, with or without a server."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from ..core.events import Event, decode_event
from ..core.ids import is_ulid
from ..core.task import Task
from ..errors import AgentError, NotNow, UnknownTask
from ..producer.producer import Producer
from ..transport.blocking_http import fetch
from ..transport.discovery import Address

CLI_TIMEOUT = 60.0


PAGE = 500


class _Tasks(msgspec.Struct):
    tasks: list[Task]
    more: bool = False


class _Events(msgspec.Struct):
    events: list[Event]
    cursor: str | None = None
    more: bool = False


def show_task(producer: Producer, task_id: str) -> Task:
    """The snapshot of one task. Raises `UnknownTask`."""
    if not is_ulid(task_id):
        raise UnknownTask(f"{task_id[:80]!r} is not a task id; ja.tasks() lists them", task_id=task_id)
    address = producer.locate()
    if address is not None:
        return msgspec.json.decode(fetch(address, "GET", f"tasks/{task_id}", task_id=task_id), type=Task)
    return msgspec.json.decode(_cli("tasks", "show", task_id, "--json", task_id=task_id), type=Task)


def list_tasks(
    producer: Producer,
    *,
    state: str | None = None,
    name: str | None = None,
    key: str | None = None,
    limit: int = 50,
) -> list[Task]:
    """The newest tasks of the journal, newest first."""
    address = producer.locate()
    if address is not None:
        return _pages(address, {"state": state, "name": name, "key": key}, limit)
    given = {"--status": state, "--name": name, "--key": key}
    options = [f"{option}={value}" for option, value in given.items() if value]
    found = _cli("tasks", "list", "--json", "--limit", str(limit), *options)
    return msgspec.json.decode(found, type=list[Task])


def _pages(address: Address, given: dict[str, str | None], limit: int) -> list[Task]:
    query: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    found: list[Task] = []
    more = True
    while more and len(found) < limit:
        query["limit"] = min(PAGE, limit - len(found))
        page = msgspec.json.decode(fetch(address, "GET", f"tasks?{urlencode(query)}"), type=_Tasks)
        found += page.tasks
        more = page.more
        if more:
            query["before"] = found[-1].id
    return found


def task_events(producer: Producer, task_id: str, after: str | None = None) -> list[Event]:
    """All events of a task, or those after a cursor."""
    address = producer.locate()
    if address is None:
        lines = _cli("tasks", "logs", task_id, "--json", "--all", task_id=task_id).splitlines()
        return [decode_event(line) for line in lines]
    events: list[Event] = []
    more, cursor = True, after
    while more:
        query = f"?after={quote(cursor)}" if cursor else ""
        body = fetch(address, "GET", f"tasks/{task_id}/events{query}", task_id=task_id)
        page = msgspec.json.decode(body, type=_Events)
        events += page.events
        more, cursor = page.more, page.cursor
    return events


def command(producer: Producer, task_id: str, word: str, **args: Any) -> None:
    """Give a command. Raises `NotNow` when it makes no sense now, `UnknownTask`."""
    address = producer.locate()
    if address is not None:
        body = json.dumps({"command": word, "args": args}).encode()
        fetch(address, "POST", f"tasks/{task_id}/commands", body, task_id=task_id)
        return
    words = ["send", task_id, args["text"]] if word == "input" else [word, task_id]
    try:
        _cli("tasks", *words, task_id=task_id)
    except UnknownTask as error:
        show_task(producer, task_id)  # raises when that is so; else the command made no sense now
        raise NotNow(str(error), task_id=task_id) from None


def _cli(*words: str, task_id: str = "") -> bytes:
    """What the command line prints. Raises an error with its one sentence."""
    command = [sys.executable, "-m", "jupyter_agent.cli", *words]
    try:
        done = subprocess.run(command, capture_output=True, timeout=CLI_TIMEOUT, check=False)  # noqa: S603 - our own
    except subprocess.TimeoutExpired as error:
        raise AgentError(f"the command line did not end within {CLI_TIMEOUT:.0f} s") from error
    except (OSError, ValueError) as error:  # a text that is too long for one, or has a NUL
        raise AgentError(f"the command line cannot be asked: {error}") from error
    if done.returncode == 0:
        return done.stdout
    sentence = done.stderr.decode(errors="replace").strip().splitlines()
    said = (
        sentence[-1].removeprefix("jupyter agent: ")
        if sentence
        else f"the command line ended with status {done.returncode}"
    )
    if done.returncode == 1 and task_id:
        raise UnknownTask(said, task_id=task_id)
    raise AgentError(said)
