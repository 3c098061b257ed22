"""Handlers of health and of unknown paths."""

from __future__ import annotations

from jupyter_server.auth.decorator import allow_unauthenticated
from tornado.web import HTTPError

from ...journal.session import JournalSession
from ..background.health_notices import health_sentences
from ..services import NoJournal
from .base import ApiHandler


class HealthHandler(ApiHandler):
    """``health``: the status, without a login; the details, for users who may read."""

    @allow_unauthenticated
    async def get(self) -> None:
        if isinstance(self.given, NoJournal):
            await self._without_journal(self.given)
            return
        services = self.services
        sentences = health_sentences(services.feed.holder.health)
        body: dict[str, object] = {"status": "degraded" if sentences else "ok"}
        if await self._shows_details():
            body["journal"] = await services.feed.call(self._journal)
            body["lag"] = services.registry.lag(services.feed.head)
            body["connections"] = len(services.registry)
            body["trouble"] = sentences
            if services.paths.fallback_reason:
                body["moved"] = services.paths.fallback_reason
        self.write_json(body)

    async def _shows_details(self) -> bool:
        return bool(self.current_user) and self.check_origin() and await self.is_allowed("read")

    async def _without_journal(self, none: NoJournal) -> None:
        details = {"journal": None, "trouble": [none.why]} if await self._shows_details() else {}
        self.write_json({"status": "degraded"} | details)

    def _journal(self, session: JournalSession) -> dict[str, object]:
        journal, slot = session.journal, self.services.feed.holder.slot
        return {"slot": slot.name, "epoch": journal.epoch, "head": journal.head, "bytes": journal.size()}


class UnknownHandler(ApiHandler):
    """Everything else below ``jupyter-agent/``."""

    @allow_unauthenticated
    async def get(self, path: str = "") -> None:
        raise HTTPError(404, f"there is no {path[:80]!r} here")

    post = delete = get
