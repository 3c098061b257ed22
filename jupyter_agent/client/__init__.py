"""The Python client for other programs: asynchronous (`AgentClient`) and synchronous (`connect`)."""

from ..core.query import EventsPage
from ..protocol.subscriber import Apply, Restart
from .async_client import AgentClient
from .sync_client import Client, connect

__all__ = ["AgentClient", "Apply", "Client", "EventsPage", "Restart", "connect"]
