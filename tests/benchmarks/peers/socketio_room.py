"""python-socketio on uvicorn: one room, `emit` to it."""

from __future__ import annotations

from typing import Any

import socketio
import uvicorn

from . import listening

server = socketio.AsyncServer(async_mode="asgi")


@server.event
async def connect(sid: str, environ: dict[str, Any]) -> None:
    if "publisher" not in environ.get("QUERY_STRING", ""):
        await server.enter_room(sid, "everybody")


@server.event
async def publish(sid: str, data: dict[str, Any]) -> None:
    await server.emit("event", data, room="everybody")


if __name__ == "__main__":
    config = uvicorn.Config(socketio.ASGIApp(server), log_level="warning")
    uvicorn.Server(config).run(sockets=[listening()])
