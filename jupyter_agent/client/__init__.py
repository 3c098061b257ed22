"""The Python client for other programs: `connect` for blocking code, `AgentClient.connect` for asyncio."""

from ..core.query import EventsPage
from ..protocol.subscriber import Apply, Restart
from ..transport.discovery import Address
from .async_client import AgentClient
from .sync_client import Client, connect

__all__ = ["Address", "AgentClient", "Apply", "Client", "EventsPage", "Restart", "connect"]
