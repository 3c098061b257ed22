"""The server extension: its settings, and the start and stop of all services."""

from __future__ import annotations

import asyncio
import os
import secrets
from typing import Any

from jupyter_server.extension.application import ExtensionApp
from jupyter_server.serverapp import ServerApp
from traitlets import Bool, Enum, Float, Integer, List, Unicode

from ..detached.worker_slots import WorkerLimits, default_workers
from ..errors import JournalError
from ..journal.operations.retention import Retention
from ..protocol.actions import CloseWith, encode
from ..protocol.messages import Bye, Close
from ..system.graces import GRACE, MAX_GRACE
from ..system.paths import DataPaths, data_paths, left_elsewhere
from ..system.user import user_name
from . import metrics
from .background.activity import Activity
from .background.apprise import Addresses, apprise_sender
from .background.forwards import Forwards
from .background.health_notices import HealthNotices
from .background.kernel_ends import KernelEnds
from .background.liveness import Liveness
from .background.notification import ON, NotificationPolicy
from .background.notifier import Notifier
from .background.scheduler import Scheduler
from .background.upkeep import Upkeep
from .background.worker_supervisor import WorkerSupervisor
from .delivery.connections import Registry
from .delivery.feed import Feed
from .delivery.metric_curves import CurveReader
from .limits import Timing
from .log_filter import ClosedSocketFilter
from .opening import STOPS, JournalOpening, close_journal, off, open_journal, open_journal_beside
from .own_address import own_address
from .resources import ResourceSampler
from .routes import ROUTES
from .services import NoJournal, Services

KERNEL_ACTIONS = "https://events.jupyter.org/jupyter_server/kernel_actions/v1"
RECONNECT_MS = 500
"""Milliseconds after which clients of a stopping server should reconnect."""

GOODBYE_TIMEOUT = 2.0
"""Seconds that a stopping server waits for its connections to close."""


class JupyterAgent(ExtensionApp):
    """Settings are ``c.JupyterAgent.<trait>`` in Jupyter's configuration."""

    name = "jupyter_agent"
    load_other_extensions = True
    file_url_prefix = "/jupyter-agent"

    retention_days = Float(30.0, min=0, help="Days that an ended task is kept.").tag(config=True)
    retention_bytes = Integer(2 << 30, min=1 << 20, help="Bytes that the journal may use.").tag(config=True)
    lease_seconds = Float(
        900.0, min=1, help="Seconds after which a silent process on another machine counts as dead."
    ).tag(config=True)

    keep_alive_hours = Float(
        24.0,
        min=0,
        help="Hours for which a task that runs or waits for a worker counts as activity of the server and"
        " of its kernel, which are then not culled as idle; 0: never.",
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

    grace_seconds = Float(
        GRACE,
        min=0,
        max=MAX_GRACE,
        help="Seconds that a task of any kind may clean up after a cancel or its timeout, before it is ended;"
        " a task's own grace goes before. Kernels and workers that start later follow it.",
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
        help="Seconds that a task must have run to be notified of when it completes or is cancelled.",
    ).tag(config=True)

    quiet = Bool(True, help="Whether Jupyter's own errors about closed pages are logged at DEBUG.").tag(
        config=True
    )

    services: Services | None = None
    _opening: JournalOpening | None = None
    _notifier: Notifier | None = None
    _kernel_ends: KernelEnds | None = None
    _health_notices: HealthNotices | None = None
    _upkeep: Upkeep | None = None
    _log_filter: ClosedSocketFilter | None = None

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._server: Any = None
        self._none = NoJournal(STOPS)
        self._paths: DataPaths

    def initialize_settings(self) -> None:
        self._paths = paths = data_paths()
        if paths.fallback_reason:
            self.log.warning("jupyter_agent: %s", paths.fallback_reason)
            # This server's kernels go with it, also when the other folder can be used again.
            os.environ["JUPYTER_AGENT_DIR"] = str(paths.root)
        if elsewhere := left_elsewhere(paths):
            self.log.warning("jupyter_agent: %s", elsewhere)
        try:
            self._wire(paths, open_journal(paths))
        except JournalError as error:
            self.log.error("%s", off(error))
            self._none.why = off(error)

    async def _open_later(self) -> None:
        """Open a journal and begin. Raises `JournalError`, `OSError`; nothing is left open then."""
        self._wire(self._paths, await open_journal_beside(self._paths))
        assert self.services is not None
        try:
            await self._begin(self.services)
        except BaseException:
            await self._end()
            raise

    def _wire(self, paths: DataPaths, feed: Feed) -> None:
        registry = Registry(self.log)
        liveness = Liveness(feed, registry, paths, lease=self.lease_seconds, log=self.log)
        self._upkeep = Upkeep(feed, paths, Retention(self.retention_days, self.retention_bytes), self.log)
        limits = WorkerLimits(self.worker_limit, self.worker_memory, self.grace_seconds)
        supervisor = WorkerSupervisor(feed, paths, self.log, limits=limits)
        scheduler = Scheduler(feed, paths, self.log, recover=liveness.check, launch=supervisor.wake)
        self.services = Services(
            feed=feed,
            curves=CurveReader(feed),
            registry=registry,
            liveness=liveness,
            supervisor=supervisor,
            forwards=Forwards(feed),
            scheduler=scheduler,
            activity=self._activity(feed, paths),
            paths=paths,
            key=secrets.token_urlsafe(32),
            owner=user_name(),
            timing=Timing(self.hello_seconds, self.heartbeat_seconds),
            resources=ResourceSampler(paths),
            agent=self.agent,
        )

    def _activity(self, feed: Feed, paths: DataPaths) -> Activity:
        app = self._app
        kernels: Any = app.kernel_manager
        return Activity(
            feed,
            app.web_app.settings,
            kernels,
            paths,
            keep_alive=self.keep_alive_hours * 3600,
            timeouts=lambda: [getattr(kernels, "cull_idle_timeout", 0), app.shutdown_no_activity_timeout],
            log=self.log,
        )

    def current_activity(self) -> list[str]:
        """Return the ids of the tasks for which the server should not shut down."""
        return [] if self.services is None else self.services.activity.active_tasks

    @property
    def _app(self) -> ServerApp:
        assert self.serverapp is not None
        return self.serverapp

    def initialize_handlers(self) -> None:
        options = {"services": lambda: self.services or self._none}
        self.handlers.extend((f"/jupyter-agent/{path}", handler, options) for path, handler in ROUTES)

    async def _start_jupyter_server_extension(self, serverapp: Any) -> None:
        self._server = serverapp
        if self.services is not None:
            await self._begin(self.services)
        else:
            self._opening = JournalOpening(self._none, self._open_later, self.log)
            self._opening.start()

    async def _begin(self, services: Services) -> None:
        feed, serverapp = services.feed, self._server
        head = await asyncio.wrap_future(feed.holder.call(lambda session: session.journal.head))
        feed.start(asyncio.get_running_loop(), head)
        feed.holder.slot.announce(own_address(self._app, services.key))
        self._kernel_ends = KernelEnds(feed, services.paths)
        self._kernel_ends.watch(serverapp.kernel_manager)
        serverapp.event_logger.add_listener(schema_id=KERNEL_ACTIONS, listener=self._on_kernel_action)
        metrics.LAG.set_function(lambda: services.registry.lag(feed.head))
        # Before liveness starts: it would interrupt, as orphans, tasks of firings that are only claimed.
        await services.scheduler.finish_claimed()
        services.liveness.start()
        if self._upkeep is not None:
            self._upkeep.start()
        services.supervisor.start()
        services.forwards.start()
        self._start_notifier(services)
        services.scheduler.start()
        services.activity.start()
        self._health_notices = HealthNotices(feed, services.registry, self.log)
        self._health_notices.start()
        if self.quiet:
            self._log_filter = ClosedSocketFilter(serverapp.log)
            self._log_filter.install()
        self.log.info("jupyter_agent holds the journal %r", feed.holder.slot.name)

    async def stop_extension(self) -> None:
        """Close connections, stop services, commit what was published, close the journal. Idempotent."""
        if self._opening is not None:
            await self._opening.stop()
        await self._end()

    async def _end(self) -> None:
        services, self.services = self.services, None
        if services is None:
            return
        # Close the connections first: peers can answer while the services stop.
        for connection in services.registry.all():
            connection.writer.post(encode(Bye(True, RECONNECT_MS)))
            connection.writer.post(CloseWith(Close.RESTART, "the server goes away"))
        # The scheduler queues work for the supervisor; all of them call the holder, which is closed last.
        if self._health_notices is not None:
            await self._health_notices.stop()
        await services.activity.stop()
        await services.scheduler.stop()
        if self._notifier is not None:
            await self._notifier.stop()
        await services.forwards.stop()
        await services.supervisor.stop()
        if self._upkeep is not None:
            await self._upkeep.stop()
        await services.liveness.stop()
        await services.registry.wait_empty(GOODBYE_TIMEOUT)
        metrics.LAG.set_function(lambda: 0)
        # In a thread: it commits what producers have published, while the loop still delivers.
        await asyncio.to_thread(close_journal, services.feed.holder, self.log)
        if self._log_filter is not None:
            self._log_filter.remove()

    def _start_notifier(self, services: Services) -> None:
        if not self.notify:
            return
        policy = NotificationPolicy(frozenset(self.notify_on), self.notify_after)
        addresses = list(self.notify)

        def warn(sentence: str) -> None:
            self.log.warning("%s", sentence)

        self._notifier = Notifier(
            services.feed,
            policy,
            lambda: apprise_sender(addresses, warn),
            clock_lag=services.registry.clock_lag,
        )
        self._notifier.start()

    async def _on_kernel_action(self, *, data: dict[str, Any], **_: object) -> None:
        services = self.services
        if services is None or data.get("action") not in ("restart", "shutdown"):
            return
        kernel = str(data.get("kernel_id", ""))
        services.liveness.on_kernel_gone(kernel)
        if data.get("status") == "error" and self._kernel_ends is not None:
            self._kernel_ends.forget(kernel)
