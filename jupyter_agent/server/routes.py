"""The routes below ``jupyter-agent/``: which handler serves which path."""

from __future__ import annotations

from typing import Any

from tornado.web import RequestHandler

from .handlers.base import ApiHandler
from .handlers.descriptions import AsyncApiHandler, EventSchemaHandler
from .handlers.events import EventsHandler, MetricsHandler
from .handlers.executed_notebook import ExecutedNotebookHandler
from .handlers.forwards import ForwardHandler, ForwardsHandler
from .handlers.health import HealthHandler, UnknownHandler
from .handlers.resources import ResourcesHandler
from .handlers.scheduling.schedules import (
    FiringsHandler,
    ScheduleCommandsHandler,
    ScheduleHandler,
    SchedulesHandler,
)
from .handlers.scheduling.targets import TargetsHandler
from .handlers.scheduling.triggers import TriggersHandler
from .handlers.static import StaticHandler
from .handlers.tasks import CommandsHandler, TaskHandler, TasksHandler
from .handlers.tasks_page import TasksPageHandler
from .handlers.websocket import AgentSocket
from .interface.openapi import openapi
from .interface.operation import operation


class OpenApiHandler(ApiHandler):
    """``openapi.json``, about the routes below."""

    @operation({200: dict[str, Any]})
    async def get(self) -> None:
        """Describe these requests, as OpenAPI 3.1."""
        self.write_json(openapi(ROUTES, self.base_url))


ROUTES: list[tuple[str, type[RequestHandler]]] = [
    ("ws", AgentSocket),
    ("health", HealthHandler),
    ("tasks", TasksHandler),
    ("tasks/([^/]+)", TaskHandler),
    ("tasks/([^/]+)/events", EventsHandler),
    ("tasks/([^/]+)/metrics", MetricsHandler),
    ("tasks/([^/]+)/commands", CommandsHandler),
    ("tasks/([^/]+)/notebook", ExecutedNotebookHandler),
    ("tasks/([^/]+)/resources", ResourcesHandler),
    ("schedules", SchedulesHandler),
    ("schedules/([^/]+)", ScheduleHandler),
    ("schedules/([^/]+)/commands", ScheduleCommandsHandler),
    ("schedules/([^/]+)/firings", FiringsHandler),
    ("targets", TargetsHandler),
    ("triggers", TriggersHandler),
    ("forwards", ForwardsHandler),
    ("forwards/([^/]+)", ForwardHandler),
    ("openapi.json", OpenApiHandler),
    ("asyncapi.json", AsyncApiHandler),
    ("event.schema.json", EventSchemaHandler),
    ("static/(.*)", StaticHandler),
    ("?", TasksPageHandler),
    ("(.*)", UnknownHandler),
]
"""Patterns relative to ``/jupyter-agent/``; the first one that matches is taken."""
