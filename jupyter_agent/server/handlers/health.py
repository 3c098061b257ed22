"""Handlers of health and of unknown paths."""

from __future__ import annotations

from typing import ClassVar

from jupyter_server.auth.decorator import allow_unauthenticated
from msgspec import UNSET, UnsetType
from tornado.web import HTTPError

from ...detached.observed.waiting import WorkersStatus, workers_status
from ...errors import JournalError
from ...journal.session import JournalSession
from ..background.health_notices import health_sentences
from ..interface.bodies import Health, JournalFacts
from ..interface.operation import Parameter, operation
from ..origin import origin_refusal
from ..services import NoJournal
from .base import ApiHandler, disk_sentence


class HealthHandler(ApiHandler):
    """``health``: the status, without a login; the details, for users who may read."""

    parameters: ClassVar = {
        "origin": Parameter(
            "where a page is that asks, such as https://hub.example.org: would it get a WebSocket?"
        )
    }

    @allow_unauthenticated
    @operation({200: Health})
    async def get(self) -> None:
        """Tell the status, and users who may read the details."""
        if isinstance(self.given, NoJournal):
            await self._without_journal(self.given)
            return
        services = self.services
        sentences = health_sentences(services.feed.holder.health, services.registry)
        workers = self._workers(sentences)
        body = Health("degraded" if sentences else "ok")
        if await self._shows_details():
            body.journal = await self._journal_or_none()
            body.lag = services.registry.lag(services.feed.head)
            body.connections = len(services.registry)
            body.workers = workers
            body.trouble = sentences
            body.rights = await self.rights()
            if why := origin_refusal(self, self.get_query_argument("origin", "")):
                body.origin_refusal = why
            if services.paths.fallback_reason:
                body.moved = services.paths.fallback_reason
        self.write_json(body)

    def _workers(self, sentences: list[str]) -> WorkersStatus | UnsetType:
        """Return what the workers do; on a disk that fails, add a sentence that says so."""
        try:
            return workers_status(self.services.paths)
        except OSError as error:
            sentences.append(f"nothing can be said of workers: {disk_sentence(error)}")
            return UNSET

    async def _shows_details(self) -> bool:
        return bool(self.current_user) and self.check_origin() and await self.is_allowed("read")

    async def _without_journal(self, none: NoJournal) -> None:
        body = Health("degraded")
        if await self._shows_details():
            body = Health("degraded", journal=None, trouble=[none.why], rights=await self.rights())
        self.write_json(body)

    async def _journal_or_none(self) -> JournalFacts | None:
        """Return what there is to say of the journal; ``None`` while it cannot be read, see ``trouble``."""
        try:
            return await self.services.feed.call(self._journal)
        except JournalError:
            return None

    def _journal(self, session: JournalSession) -> JournalFacts:
        journal, slot = session.journal, self.services.feed.holder.slot
        return JournalFacts(slot.name, journal.epoch, journal.head, journal.size())


class UnknownHandler(ApiHandler):
    """Everything else below ``jupyter-agent/``."""

    @allow_unauthenticated
    async def get(self, path: str = "") -> None:
        raise HTTPError(404, f"there is no {path[:80]!r} here")

    post = delete = get
