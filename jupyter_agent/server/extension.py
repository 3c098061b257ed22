"""The extension: settings, and the wiring of everything the server side owns."""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from typing import Any

from jupyter_server.extension.application import ExtensionApp
from jupyter_server.serverapp import ServerApp
from tornado.web import RequestHandler
from traitlets import Bool, Enum, Float, Integer, List, Unicode

from ..detached.worker_slots import WorkerLimits, default_workers, save_limits
from ..errors import JournalError
from ..journal.holder import Holder
from ..journal.operations.retention import Retention
from ..journal.slots import take_server_slot
from ..protocol.actions import CloseWith, encode
from ..protocol.messages import Bye, Close
from ..system.host import host
from ..system.paths import DataPaths, data_paths
from ..system.user import user_name
from ..transport.discovery import HolderFile
from . import metrics
from .background.apprise import Addresses, apprise_sender
from .background.forwards import Forwards
from .background.liveness import Liveness
from .background.notification import ON, NotificationPolicy
from .background.notifier import Notifier
from .background.scheduler import Scheduler
from .background.worker_supervisor import WorkerSupervisor
from .delivery.connections import Registry
from .delivery.feed import Feed
from .handlers.events import EventsHandler
from .handlers.executed_notebook import ExecutedNotebookHandler
from .handlers.forwards import ForwardHandler, ForwardsHandler
from .handlers.health import HealthHandler, UnknownHandler
from .handlers.schedules import FiringsHandler, ScheduleCommandsHandler, ScheduleHandler, SchedulesHandler
from .handlers.static import StaticHandler
from .handlers.tasks import CommandsHandler, TaskHandler, TasksHandler
from .handlers.tasks_page import TasksPageHandler
from .handlers.websocket import AgentSocket
from .limits import Timing
from .log_filter import ClosedSocketFilter
from .services import Services

KERNEL_ACTIONS = "https://events.jupyter.org/jupyter_server/kernel_actions/v1"
COME_BACK_MS = 500
GOODBYE_TIMEOUT = 2.0
_EVERYWHERE = ("", "*", "0.0.0.0", "::", "localhost")  # noqa: S104 - addresses to listen on, not to ask


class JupyterAgent(ExtensionApp):
    """Settings are ``c.JupyterAgent.<trait>`` in Jupyter's configuration."""

    name = "jupyter_agent"
    load_other_extensions = True
    file_url_prefix = "/jupyter-agent"

    retention_days = Float(30.0, min=0, help="Days that an ended task is kept.").tag(config=True)
    retention_bytes = Integer(2 << 30, min=1 << 20, help="Bytes that the journal may use.").tag(config=True)
    lease_seconds = Float(
        900.0, min=1, help="Seconds a silent process on another machine is believed to live."
    ).tag(config=True)

    hello_seconds = Float(10.0, min=0.01, help="Seconds in which a new connection must say hello.").tag(
        config=True
    )
    heartbeat_seconds = Float(
        25.0,
        min=0.01,
        help="Seconds between heartbeats on an idle connection; clients expect them within 75.",
    ).tag(config=True)

    worker_limit = Integer(
        default_workers(), min=1, max=10_000, help="Workers of detached tasks that run at once."
    ).tag(config=True)
    worker_memory = Integer(
        0, min=0, help="Bytes of memory that a worker may have of its own; 0 is without limit."
    ).tag(config=True)

    agent = Unicode(
        "", help="The agent (module:function) that free text given as a task's target is for."
    ).tag(config=True)

    notify = Addresses(
        help="Where to send notifications: addresses of apprise, or env:NAME for one in the environment.",
    ).tag(config=True)
    notify_on = List(
        Enum(ON),
        default_value=sorted(NotificationPolicy().on),
        help=f"What to notify of; any of {', '.join(ON)}.",
    ).tag(config=True)
    notify_after = Float(
        NotificationPolicy().after,
        min=0,
        help="Seconds that a task must have run for its good end to be told.",
    ).tag(config=True)

    quiet = Bool(
        True, help="Whether Jupyter's own errors about pages that went away are logged at DEBUG."
    ).tag(config=True)

    services: Services | None = None
    _notifier: Notifier | None = None
    _peer_gone: ClosedSocketFilter | None = None

    def initialize_settings(self) -> None:
        paths = data_paths()
        if paths.fallback_reason:
            self.log.warning("jupyter_agent: %s", paths.fallback_reason)
        feed = Feed()
        try:
            holder = take_server_slot(
                paths, lambda slot: Holder(slot, on_commit=feed.on_commit, on_epoch=feed.replaced)
            )
        except JournalError as error:
            self.log.error("jupyter_agent is off: no journal can be opened: %s", error)
            return
        feed.holder = holder
        self._wire(paths, feed)

    def _wire(self, paths: DataPaths, feed: Feed) -> None:
        registry = Registry(self.log)
        liveness = Liveness(
            feed,
            registry,
            paths,
            lease=self.lease_seconds,
            retention=Retention(self.retention_days, self.retention_bytes),
            peek=bool(self._app.sock),
            log=self.log,
        )
        supervisor = WorkerSupervisor(feed, paths, self.log)
        scheduler = Scheduler(feed, paths, self.log, recover=liveness.check, launch=supervisor.wake)
        owner = user_name()
        timing = Timing(self.hello_seconds, self.heartbeat_seconds)
        key = secrets.token_urlsafe(32)
        self.services = Services(
            feed,
            registry,
            liveness,
            supervisor,
            Forwards(feed),
            scheduler,
            paths,
            key,
            owner,
            timing,
            self.agent,
        )

    @property
    def _app(self) -> ServerApp:
        assert self.serverapp is not None
        return self.serverapp

    def initialize_handlers(self) -> None:
        if self.services is None:
            return
        doors: list[tuple[str, type[RequestHandler]]] = [
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
        options = {"services": self.services}
        self.handlers.extend((f"/jupyter-agent/{path}", handler, options) for path, handler in doors)

    async def _start_jupyter_server_extension(self, serverapp: Any) -> None:
        services = self.services
        if services is None:
            return
        feed = services.feed
        head = await asyncio.wrap_future(feed.holder.call(lambda session: session.journal.head))
        feed.attach(feed.holder, asyncio.get_running_loop(), head)
        feed.holder.slot.announce(self._address(services.key))
        serverapp.event_logger.add_listener(schema_id=KERNEL_ACTIONS, listener=self._on_kernel_action)
        metrics.LAG.set_function(lambda: services.registry.lag(feed.head))
        save_limits(services.paths, WorkerLimits(self.worker_limit, self.worker_memory))
        await services.scheduler.finish_claimed()
        services.liveness.start()
        services.supervisor.start()
        services.forwards.start()
        self._start_notifying(feed)
        services.scheduler.start()
        if self.quiet:
            self._peer_gone = ClosedSocketFilter(serverapp.log)
            self._peer_gone.install()
        self.log.info("jupyter_agent holds the journal %r", feed.holder.slot.name)

    async def stop_extension(self) -> None:
        """Say goodbye, stop looking, commit what was put, close the journal; again is nothing."""
        services, self.services = self.services, None
        if services is None:
            return
        for connection in services.registry.all():
            connection.writer.post(encode(Bye(True, COME_BACK_MS)))
            connection.writer.post(CloseWith(Close.RESTART, "the server goes away"))
        await services.scheduler.stop()
        if self._notifier is not None:
            await self._notifier.stop()
        await services.forwards.stop()
        await services.supervisor.stop()
        await services.liveness.stop()
        await services.registry.empty(GOODBYE_TIMEOUT)
        metrics.LAG.set_function(lambda: 0)
        await asyncio.to_thread(services.feed.holder.close)
        if self._peer_gone is not None:
            self._peer_gone.remove()

    def _start_notifying(self, feed: Feed) -> None:
        if not self.notify:
            return
        wishes, addresses = (
            NotificationPolicy(frozenset(self.notify_on), self.notify_after),
            list(self.notify),
        )

        def tell(sentence: str) -> None:
            self.log.warning("%s", sentence)

        self._notifier = Notifier(feed, wishes, lambda: apprise_sender(addresses, tell))
        self._notifier.start()

    def _address(self, key: str) -> HolderFile:
        app = self._app
        url = "" if app.sock else _local_url(app)
        return HolderFile("server", os.getpid(), host(), url, key, app.certfile or None, time.time())

    async def _on_kernel_action(self, *, data: dict[str, Any], **_: object) -> None:
        services = self.services
        if services is not None and data.get("action") in ("restart", "shutdown"):
            services.liveness.on_kernel_gone(str(data.get("kernel_id", "")))


def _local_url(app: Any) -> str:
    """Where this machine's processes reach the server (its public address may be a proxy's)."""
    scheme = "https" if app.certfile else "http"
    name = "127.0.0.1" if app.ip in _EVERYWHERE else app.ip
    name = f"[{name}]" if ":" in name else name
    return f"{scheme}://{name}:{app.port}{app.base_url}"
