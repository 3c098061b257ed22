"""The Python client for other programs: an async core, `AgentClient`, and a small sync face, `connect`."""

from ..core.protocol import Apply, Restart
from .agent import AgentClient
from .http import EventsPage
from .sync import Client, connect

__all__ = ["AgentClient", "Apply", "Client", "EventsPage", "Restart", "connect"]
