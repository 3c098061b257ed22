"""A real server that notifies a real web hook; its log knows nothing of the address."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from jupyter_agent.core.events import Prompt
from tests.support.builders import until
from tests.support.servers import Servers, loud
from tests.support.wire import Story, producer

SECRET = "a-password-of-the-hook"


@pytest.mark.asyncio
async def test_who_looks_at_no_view_is_told(fresh: Servers) -> None:
    got: list[dict[str, Any]] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    hook = HTTPServer(("127.0.0.1", 0), Hook)
    thread = threading.Thread(target=hook.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    address = f"json://me:{SECRET}@127.0.0.1:{hook.server_port}/"
    try:
        server = fresh.start(
            extra_args=["--log-level=DEBUG"],
            env={"HOOK": address},
            config=f'c.JupyterAgent.notify = ["env:HOOK", "{SECRET}", {address!r}]\n',
        )
        told = "entry 2 of c.JupyterAgent.notify is not an address"
        await asyncio.to_thread(until, lambda: told in server.log_text())
        story = Story()
        async with producer(server, story.producer) as writer:
            await writer.published(
                [*story.start(), story.event("prompt", Prompt("p", "Go on?"), time=time.time())]
            )
            await asyncio.to_thread(until, lambda: got)
        server.stop()
    finally:
        hook.shutdown()
        thread.join()
        hook.server_close()
    assert {(one["title"], one["message"]) for one in got} == {("train asks", "Go on?")}
    assert SECRET not in server.log_text()
    assert [line for line in loud(server.log_text()) if told not in line] == []
