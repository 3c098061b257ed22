"""The routes below ``jupyter-agent/``: which handler serves which path."""

from __future__ import annotations

from tornado.web import RequestHandler

from .handlers.events import EventsHandler
from .handlers.executed_notebook import ExecutedNotebookHandler
from .handlers.forwards import ForwardHandler, ForwardsHandler
from .handlers.health import HealthHandler, UnknownHandler
from .handlers.schedules import FiringsHandler, ScheduleCommandsHandler, ScheduleHandler, SchedulesHandler
from .handlers.static import StaticHandler
from .handlers.tasks import CommandsHandler, TaskHandler, TasksHandler
from .handlers.tasks_page import TasksPageHandler
from .handlers.websocket import AgentSocket

ROUTES: list[tuple[str, type[RequestHandler]]] = [
    ("ws", AgentSocket),
    ("health", HealthHandler),
    ("tasks", TasksHandler),
    ("tasks/([^/]+)", TaskHandler),
    ("tasks/([^/]+)/events", EventsHandler),
    ("tasks/([^/]+)/commands", CommandsHandler),
    ("tasks/([^/]+)/notebook", ExecutedNotebookHandler),
    ("schedules", SchedulesHandler),
    ("schedules/([^/]+)", ScheduleHandler),
    ("schedules/([^/]+)/commands", ScheduleCommandsHandler),
    ("schedules/([^/]+)/firings", FiringsHandler),
    ("forwards", ForwardsHandler),
    ("forwards/([^/]+)", ForwardHandler),
    ("static/(.*)", StaticHandler),
    ("?", TasksPageHandler),
    ("(.*)", UnknownHandler),
]
"""Patterns relative to ``/jupyter-agent/``; the first one that matches is taken."""
