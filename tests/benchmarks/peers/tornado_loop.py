"""Tornado: a loop of `write_message` over all handlers."""

from __future__ import annotations

import asyncio

from tornado.httpserver import HTTPServer
from tornado.web import Application
from tornado.websocket import WebSocketHandler

from . import listening

everybody: set[Follow] = set()


class Follow(WebSocketHandler):
    def open(self, *_: str, **__: str) -> None:
        everybody.add(self)

    def on_message(self, message: str | bytes) -> None:
        return None

    def on_close(self) -> None:
        everybody.discard(self)


class Publish(WebSocketHandler):
    def on_message(self, message: str | bytes) -> None:
        for follower in everybody:
            follower.write_message(message)


async def main() -> None:
    server = HTTPServer(Application([("/ws", Follow), ("/publish", Publish)]))
    server.add_sockets([listening()])
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
