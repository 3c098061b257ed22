"""The handler of a task's events: pages after or before a cursor, or a stream of all to come."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import msgspec

from ...core.ids import Cursor
from ...errors import RequestRefused
from ...journal.base import StoredEvent
from ...journal.session import JournalSession
from ..delivery.feed import SubscriptionFilter, newest_progress, refuse_unknown_types
from ..delivery.history import PAGE_BYTES, read_back
from ..delivery.sse import Stream
from .base import MAX_LIMIT, ApiHandler, BadRequest

MAX_EVENTS = 10_000

_encode = msgspec.json.Encoder().encode


class EventsHandler(ApiHandler):
    """``tasks/{id}/events``: a page of events, or with ``Accept: text/event-stream`` all to come."""

    parameters: ClassVar = ("after", "before", "limit", "types", "until")

    async def get(self, task_id: str) -> None:
        await self.task(task_id)
        event_filter = SubscriptionFilter(frozenset([task_id]), self._types())
        if self.request.method == "HEAD":  # a page or a stream, without reading any event
            self.finish()
        elif "text/event-stream" in self.request.headers.get("Accept", ""):
            await self._stream(task_id, event_filter)
        elif before := self.get_query_argument("before", ""):
            if self.get_query_argument("after", ""):
                raise BadRequest("ask for what comes before a place or after it, not both")
            await self._page_before(task_id, event_filter, await self._offset(task_id, before))
        else:
            await self._page_after(task_id, event_filter)

    async def _stream(self, task_id: str, event_filter: SubscriptionFilter) -> None:
        text = self.request.headers.get("Last-Event-ID") or self.get_query_argument("after", "")
        if self.get_query_argument("before", ""):
            raise BadRequest("a stream only runs forward; leave out `before`")
        until = self.get_query_argument("until", None)
        if until not in (None, "end"):
            raise BadRequest(f"a stream goes on until `end`, or for ever, and not until {until!r:.40}")
        stream = Stream(
            self,
            self.services.feed,
            event_filter,
            await self._offset(task_id, text),
            heartbeat=self.services.timing.heartbeat,
            until_end=until == "end",
            still_allowed=lambda: self.is_still_allowed("read"),
        )
        await stream.run()

    async def _page_after(self, task_id: str, event_filter: SubscriptionFilter) -> None:
        after = await self._offset(task_id, self.get_query_argument("after", ""))
        limit = self.get_int_argument("limit", MAX_LIMIT, MAX_EVENTS)
        page = await self.services.feed.read(after, event_filter, PAGE_BYTES, limit)
        self._answer(page.events, page.last, more=page.more)

    async def _page_before(self, task_id: str, event_filter: SubscriptionFilter, before: int) -> None:
        limit = self.get_int_argument("limit", MAX_LIMIT, MAX_EVENTS)
        page = await read_back(self.services.feed, task_id, before, limit, event_filter.types)
        self._answer(newest_progress(page.events), page.older, more=page.older > 0)

    def _answer(self, events: Sequence[StoredEvent], offset: int, *, more: bool) -> None:
        joined = b",".join(event.encoded for event in events)
        tail = _encode({"cursor": self.services.feed.cursor(offset), "more": more})
        self.set_header("Content-Type", "application/json")
        self.finish(b'{"events":[' + joined + b"]," + tail[1:])

    def _types(self) -> frozenset[str] | None:
        types = [name for name in self.get_query_argument("types", "").split(",") if name]
        refuse_unknown_types(types)
        return frozenset(types) or None

    async def _offset(self, task_id: str, text: str) -> int:
        """Return the offset of a cursor; 0 without one. Raises `RequestRefused` for an expired cursor."""
        if not text:
            return 0
        cursor = Cursor.parse(text)

        def job(session: JournalSession) -> bool:
            journal = session.journal
            return cursor.epoch == journal.epoch and journal.recoverable(cursor.offset, [task_id])

        if not await self.services.feed.call(job):
            raise RequestRefused(
                f"the journal no longer has all events after {text}; leave the cursor out to start over",
                status=410,
                code="expired",
            )
        return cursor.offset
