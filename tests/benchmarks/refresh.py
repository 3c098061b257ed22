"""A page that is refreshed while lines come: the lines it misses and the lines it shows twice.

One real kernel prints numbered lines from a task; the same lines go the way of Jupyter's own kernel
WebSocket and the way of the journal. Both sockets are cut and opened again in mid-stream.
"""

from __future__ import annotations

import json
import re
import threading
import urllib.request
from collections import Counter
from collections.abc import Iterator
from typing import Any, Protocol
from uuid import uuid4

from .frames import Endpoint, Wire, dial
from .harness import TOKEN, Server, server
from .rows import Row, at_most

LINES = 2000
CUTS = 20
_PAUSE = 0.004
_SILENCE = 15.0
_NUMBER = re.compile(r"line (\d{6})")
_CODE = f"""
import time
import jupyter_agent as ja
def say():
    for number in range({LINES}):
        print(f"line {{number:06}}", flush=True)
        time.sleep({_PAUSE})
ja.task(say, name="numbered", show=False).submit().result()
"""


def measure() -> list[Row]:
    """Lines lost and seen twice over 20 cuts."""
    with server() as running:
        refreshed, ours = _both(running, same_page=False)
        reconnected, _ = _both(running, same_page=True)
    peers = {
        "Jupyter's kernel WebSocket, page refreshed": refreshed,
        "Jupyter's kernel WebSocket, same page again": reconnected,
    }
    note = f"{LINES:,} lines, {CUTS} cuts; all of them the prints of one kernel"
    return [
        Row("lines lost", _lost(ours), "lines", at_most(0), {n: _lost(s) for n, s in peers.items()}, note),
        Row("lines seen twice", _twice(ours), "lines", at_most(0), {n: _twice(s) for n, s in peers.items()}),
    ]


def _lost(seen: Counter[int]) -> int:
    return LINES - len(seen)


def _twice(seen: Counter[int]) -> int:
    return sum(count - 1 for count in seen.values())


def _both(running: Server, *, same_page: bool) -> tuple[Counter[int], Counter[int]]:
    kernel = _api(running, "kernels", {"name": "python3"})["id"]
    channels, journal = _Channels(running.url, kernel, same_page=same_page), _Journal(running.endpoint)
    found: dict[object, Counter[int]] = {}
    threads = [
        threading.Thread(target=lambda view=view: found.update({view: watch(view)}), name="viewer")
        for view in (channels, journal)
    ]
    channels.execute(_CODE)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    _api(running, f"kernels/{kernel}", method="DELETE")
    return found[channels], found[journal]


def _api(running: Server, path: str, body: object = None, method: str = "POST") -> Any:
    headers = {"Authorization": f"token {TOKEN}"}
    data = json.dumps(body).encode() if body else None
    request = urllib.request.Request(f"{running.url}api/{path}", data, headers, method=method)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read() or b"null")


class View(Protocol):
    """A page that shows lines."""

    wire: Wire

    def reopen(self) -> None:
        """Reconnect, as a page does after its socket was cut."""

    def texts(self, frame: bytes) -> Iterator[str]:
        """Return the texts that one frame adds to the page."""


def watch(view: View) -> Counter[int]:
    """Show everything, with the cuts evenly among the lines; until the last line, or silence."""
    seen: Counter[int] = Counter()
    cuts = 0
    while LINES - 1 not in seen:
        view.wire.socket.settimeout(_SILENCE)
        try:
            frame = view.wire.frame()
        except TimeoutError:
            break
        seen.update(int(n) for text in view.texts(frame) for n in _NUMBER.findall(text))
        if cuts < CUTS and max(seen, default=0) > (cuts + 1) * LINES // (CUTS + 1):
            cuts += 1
            view.wire.close()
            view.reopen()
    view.wire.close()
    return seen


class _Channels:
    """Jupyter's own kernel WebSocket, as JupyterLab uses it: a refreshed page is a new session."""

    def __init__(self, url: str, kernel: str, *, same_page: bool) -> None:
        self._where = f"ws{url.removeprefix('http')}api/kernels/{kernel}/channels"
        self._same_page = same_page
        self._session = uuid4().hex
        self.wire = self._open()

    def _open(self) -> Wire:
        headers = {"Authorization": f"token {TOKEN}"}
        return dial(Endpoint("kernel", f"{self._where}?session_id={self._session}", headers))

    def reopen(self) -> None:
        if not self._same_page:
            self._session = uuid4().hex
        self.wire = self._open()

    def execute(self, code: str) -> None:
        """Run *code* in the kernel."""
        header = {"msg_id": uuid4().hex, "msg_type": "execute_request", "session": self._session}
        header |= {"username": "bench", "version": "5.3", "date": "2020-01-01T00:00:00Z"}
        content = {"code": code, "silent": False, "store_history": False, "allow_stdin": False}
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content}
        self.wire.send(json.dumps(message | {"channel": "shell", "buffers": []}))

    def texts(self, frame: bytes) -> Iterator[str]:
        message = json.loads(frame)
        if message["msg_type"] == "stream":
            yield message["content"]["text"]
        elif message["msg_type"] == "error":
            raise RuntimeError("\n".join(message["content"]["traceback"]))


class _Journal:
    """A subscriber that follows the protocol: it goes on from its own cursor."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._cursor: str | None = None
        self.reopen()

    def reopen(self) -> None:
        self.wire = dial(self._endpoint)
        self.wire.send('{"type":"hello","versions":[1]}')
        self.wire.send(json.dumps({"type": "subscribe", "id": 1, "tasks": "*", "after": self._cursor}))

    def texts(self, frame: bytes) -> Iterator[str]:
        message = json.loads(frame)
        if message["type"] == "subscribed":
            self._cursor = message["cursor"]
        elif message["type"] == "events" and message["prev"] == self._cursor:
            self._cursor = message["cursor"]
            yield from (event["data"]["text"] for event in message["events"] if event["type"] == "log")
