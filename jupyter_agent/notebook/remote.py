"""Tasks of other processes, read through their journal: its server by HTTP, else the command line.

This side never opens a journal itself. Where no server holds it, ``python -m jupyter_agent.cli`` in a
process of its own takes the journal for that moment.
"""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from functools import cache
from http.client import HTTPException
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import msgspec

from ..core.events import Event, decode_event
from ..core.ids import is_ulid
from ..core.task import Task
from ..detached.orders import tries_again
from ..discovery import Address
from ..errors import AgentError, NotNow, RequestRefused, ServerUnreachable, UnknownTask
from ..producer.producer import Producer
from ..producer.spool import read_spool

if TYPE_CHECKING:
    from .local import LocalTask

TIMEOUT = 30.0
CLI_WITHIN = 60.0
PAGE = 500
LOOK = 0.5
"""Seconds between two looks at a task of another process."""

SNAPSHOT_AGE = 0.2
"""Seconds that a snapshot is good for, so that a few properties in a row ask once."""


class _Tasks(msgspec.Struct):
    tasks: list[Task]
    more: bool = False


class _Events(msgspec.Struct):
    events: list[Event]
    cursor: str | None = None
    more: bool = False


class _Problem(msgspec.Struct):
    detail: str = ""
    code: str = ""


class RemoteTask:
    """A task that another process runs or ran. Raises `UnknownTask` when no journal knows it."""

    def __init__(self, producer: Producer, task_id: str, seen: Task | None = None) -> None:
        self.id = task_id
        self._producer = producer
        self._seen = seen
        self._seen_at = time.monotonic() if seen else 0.0
        if seen is None:
            self.snapshot()

    def snapshot(self) -> Task:
        seen = self._seen
        fresh = time.monotonic() - self._seen_at < SNAPSHOT_AGE
        if seen is None or not fresh:
            seen = self._seen = show_task(self._producer, self.id)
            self._seen_at = time.monotonic()
        return seen

    def seen(self) -> Task:
        return self._seen or self.snapshot()

    def wait(self, timeout: float | None) -> bool:
        deadline = None if timeout is None else time.monotonic() + timeout
        pause = threading.Event()
        while not self._is_over(self.snapshot()):
            left = LOOK if deadline is None else min(LOOK, deadline - time.monotonic())
            if left <= 0:
                return False
            pause.wait(left)
        return True

    def _is_over(self, seen: Task) -> bool:
        return seen.state.ended and not tries_again(self._producer.places, seen)

    def cancel(self) -> bool:
        if self.snapshot().state.ended:
            return False
        try:
            command(self._producer, self.id, "cancel")
        except NotNow:
            if show_task(self._producer, self.id).state.ended:  # in between
                return False
            raise
        return True

    def retry(self) -> None:
        command(self._producer, self.id, "retry")

    def send(self, text: str, prompt_id: str | None) -> None:
        named = {} if prompt_id is None else {"prompt_id": prompt_id}
        command(self._producer, self.id, "input", text=text, **named)

    def events(self, after: str | None) -> list[Event]:
        return task_events(self._producer, self.id, after)


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


def events_of_local(task: LocalTask, after: str | None) -> list[Event]:
    """All events of a task of this process: from its own spool while that still has everything,
    else from the journal, with what is not committed yet."""
    producer = task.producer
    producer.flush(TIMEOUT if producer.locate() is not None else 0.0)
    own = [decode_event(body) for _, body in read_spool(producer.spool.folder)[1]]
    ours = [event for event in own if event.task == task.id]
    if after is None and producer.spool.base == 1 and task.fold.attempt == 1 and _is_own(task):
        return ours
    stored = task_events(producer, task.id, after)
    known = {(event.producer, event.n) for event in stored}
    last = max((event.n for event in stored if event.producer == producer.id), default=0)
    return stored + [event for event in ours if event.n > last and (event.producer, event.n) not in known]


def _is_own(task: LocalTask) -> bool:
    return task.fold.producer == task.producer.id


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


def fetch(address: Address, method: str, path: str, body: bytes | None = None, *, task_id: str = "") -> bytes:
    """The body of a 2xx answer. Raises `ServerUnreachable`, or an error with the server's sentence."""
    request = urllib.request.Request(  # noqa: S310 - the address that the holder wrote for us
        address.api(path),
        data=body,
        method=method,
        headers={**address.headers, "Accept": "application/json", "Content-Type": "application/json"},
    )
    opener = _opener(_trust(address)) if address.cert else _usual_opener()
    try:
        with opener.open(request, timeout=TIMEOUT) as answer:
            content: bytes = answer.read()
            return content
    except urllib.error.HTTPError as error:
        with error:
            raise _refused(error.code, error.read(), task_id) from None
    except (OSError, HTTPException, ValueError) as error:  # the last: an address that is none
        why = str(error).strip() or type(error).__name__
        raise ServerUnreachable(f"no server answers at {address.url} ({why})", url=address.url) from None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Nobody is followed: what opens this server is for no other."""


def _opener(trust: ssl.SSLContext | None) -> urllib.request.OpenerDirector:
    """Goes straight to the server, as its WebSocket does, whatever proxy the environment names."""
    return urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust), _NoRedirect()
    )


@cache
def _usual_opener() -> urllib.request.OpenerDirector:
    return _opener(None)


def _trust(address: Address) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=address.cert)
    context.check_hostname = False
    return context


def _refused(status: int, body: bytes, task_id: str) -> AgentError:
    try:
        problem = msgspec.json.decode(body, type=_Problem)
    except msgspec.MsgspecError:
        problem = _Problem()
    if problem.code == "unknown_task" or (status == 404 and task_id):
        return UnknownTask(f"no task {task_id} is known; ja.tasks() lists those there are", task_id=task_id)
    if problem.code == "not_now":
        return NotNow(problem.detail, task_id=task_id)
    sentence = problem.detail or f"the server answered with status {status}"
    return RequestRefused(sentence, status=status, code=problem.code)


def _cli(*words: str, task_id: str = "") -> bytes:
    """What the command line prints. Raises an error with its one sentence."""
    command = [sys.executable, "-m", "jupyter_agent.cli", *words]
    try:
        done = subprocess.run(command, capture_output=True, timeout=CLI_WITHIN, check=False)  # noqa: S603 - our own
    except subprocess.TimeoutExpired as error:
        raise AgentError(f"the command line did not end within {CLI_WITHIN:.0f} s") from error
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
