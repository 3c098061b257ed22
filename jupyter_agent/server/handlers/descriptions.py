"""Handlers of the descriptions of the WebSocket and of events, the same for every user.

That of HTTP is in `server.routes`, which knows the addresses.
"""

from __future__ import annotations

from typing import Any

from ...protocol.description import asyncapi, event_schema
from ..interface.operation import operation
from .base import ApiHandler


class AsyncApiHandler(ApiHandler):
    """``asyncapi.json``."""

    @operation({200: dict[str, Any]})
    async def get(self) -> None:
        """Describe the messages of the WebSocket, as AsyncAPI 3."""
        self.write_json(asyncapi())


class EventSchemaHandler(ApiHandler):
    """``event.schema.json``."""

    @operation({200: dict[str, Any]})
    async def get(self) -> None:
        """Describe an event, as JSON Schema."""
        self.write_json(event_schema())
