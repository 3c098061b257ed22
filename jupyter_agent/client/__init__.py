"""The Python client for other programs: an async core, `AgentClient`, and a small sync face, `connect`."""

from ..protocol.subscriber import Apply, Restart
from .async_client import AgentClient
from .pages import EventsPage
from .sync_client import Client, connect

__all__ = ["AgentClient", "Apply", "Client", "EventsPage", "Restart", "connect"]
