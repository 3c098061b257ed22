"""Running a notebook's cells in a kernel of a Jupyter server, as a browser would."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from ...errors import AgentError
from .server_process import OwnServer

SESSION_TIMEOUT = 60.0
"""Seconds that a kernel may take to start."""


class CellFailed(AgentError):
    """A cell raised."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One code cell; ``index`` counts all cells from 1."""

    index: int
    id: str
    source: str


def read_cells(path: Path) -> list[Cell]:
    """Return the code cells of a notebook file. Raises `AgentError` when it cannot be read."""
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        return [
            Cell(index, str(cell.get("id", index)), "".join(cell["source"]))
            for index, cell in enumerate(notebook["cells"], 1)
            if cell["cell_type"] == "code"
        ]
    except OSError as error:
        raise AgentError(f"the notebook {path} cannot be read: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise AgentError(f"{path} is not a notebook: {error!r}") from error


class KernelSession:
    """A kernel's session over its server's WebSocket."""

    def __init__(self, socket: WebSocketClientConnection, name: str) -> None:
        self._socket = socket
        self._session = uuid.uuid4().hex
        self._name = name

    async def execute(self, cell: Cell) -> None:
        """Run one cell to its end. Raises `CellFailed`, with the cell and the error in its message."""
        ident = uuid.uuid4().hex
        await self._socket.write_message(json.dumps(self._request(ident, cell)))
        replied = idle = False
        while not (replied and idle):
            message = await self._next()
            if message.get("parent_header", {}).get("msg_id") != ident:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "execute_reply":
                replied = True
                if content["status"] != "ok":
                    raise CellFailed(self._failure(cell, content))
            idle = idle or (kind == "status" and content["execution_state"] == "idle")

    def _request(self, ident: str, cell: Cell) -> dict[str, Any]:
        header = {"msg_id": ident, "msg_type": "execute_request", "username": "", "session": self._session}
        content = {"code": cell.source, "silent": False, "store_history": True, "stop_on_error": True}
        return {
            "channel": "shell",
            "header": header | {"version": "5.3", "date": ""},
            "parent_header": {},
            "metadata": {"cellId": cell.id},
            "content": content | {"user_expressions": {}, "allow_stdin": False},
        }

    async def _next(self) -> dict[str, Any]:
        frame = await self._socket.read_message()
        if frame is None:
            raise CellFailed(f"the kernel of {self._name} is gone")
        message: dict[str, Any] = json.loads(frame)
        return message

    def _failure(self, cell: Cell, content: dict[str, Any]) -> str:
        error = f"{content.get('ename', 'error')}: {content.get('evalue', '')}".split("\n", 1)[0]
        return f"cell {cell.index} of {self._name} failed: {error}"


@asynccontextmanager
async def kernel_session(server: OwnServer, path: str, kernel: str) -> AsyncIterator[KernelSession]:
    """Open a session for the notebook at *path* below the server's root. Raises `AgentError`."""
    headers = {"Authorization": f"token {server.token}"}
    kernel_id = await _start(server, headers, path, kernel)
    url = f"ws{server.url.removeprefix('http')}api/kernels/{kernel_id}/channels"
    socket = await websocket_connect(HTTPRequest(url, headers=headers), max_message_size=1 << 30)
    try:
        yield KernelSession(socket, path)
    finally:
        socket.close()


async def _start(server: OwnServer, headers: dict[str, str], path: str, kernel: str) -> str:
    body = json.dumps({"path": path, "name": path, "type": "notebook", "kernel": {"name": kernel}})
    request = HTTPRequest(
        f"{server.url}api/sessions",
        method="POST",
        headers=headers,
        body=body,
        request_timeout=SESSION_TIMEOUT,
    )
    http = AsyncHTTPClient(force_instance=True)
    try:
        response = await http.fetch(request)
    except (OSError, HTTPClientError) as error:
        raise AgentError(f"no {kernel} kernel could be started for {path}: {error}") from error
    finally:
        http.close()
    return str(json.loads(response.body)["kernel"]["id"])
