"""FastAPI on uvicorn with the connection manager of its own documentation: a loop of `send_text`."""

from __future__ import annotations

import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

from . import listening

app = FastAPI()
connections: list[WebSocket] = []


@app.websocket("/ws")
async def follow(websocket: WebSocket) -> None:
    await websocket.accept()
    connections.append(websocket)
    try:
        while True:
            await websocket.receive_text()
    except WebSocketDisconnect:
        connections.remove(websocket)


@app.websocket("/publish")
async def publish(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        while True:
            text = await websocket.receive_text()
            for connection in connections:
                await connection.send_text(text)
    except WebSocketDisconnect:
        return


if __name__ == "__main__":
    config = uvicorn.Config(app, log_level="warning")
    uvicorn.Server(config).run(sockets=[listening()])
