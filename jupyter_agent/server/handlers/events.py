"""Handlers of a task's events: pages after or before a cursor, a stream of all to come, curves of metrics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

import msgspec

from ...core.events import MAX_NUMBER
from ...core.ids import Cursor
from ...core.logs.levels import LEVELS
from ...core.logs.line_filter import LineFilter
from ...core.task import Task
from ...errors import RequestRefused
from ...journal.base import StoredEvent
from ...journal.session import JournalSession
from ..delivery.feed import SubscriptionFilter, newest_progress, refuse_unknown_types
from ..delivery.history import PAGE_BYTES, read_back
from ..delivery.log_search import LogSearch, find_line
from ..delivery.metric_curves import MetricsPage
from ..delivery.sse import Stream
from ..interface.bodies import EventsAnswer
from ..interface.operation import Parameter, operation
from .base import MAX_LIMIT, ApiHandler, BadRequest

MAX_EVENTS = 10_000
MAX_POINTS = 10_000
"""Of one curve."""
SEARCHED = frozenset(["log", "message"])
"""Types of events that have text to search; messages only where they are asked for."""

Level = Literal["debug", "info", "warning", "error", "critical"]

_encode = msgspec.json.Encoder().encode


class EventsHandler(ApiHandler):
    """``tasks/{id}/events``: a page of events, or with ``Accept: text/event-stream`` all to come."""

    parameters: ClassVar = {
        "after": Parameter("only events after this cursor"),
        "before": Parameter("the newest events before this cursor"),
        "grep": Parameter("only log events, or messages if asked for, with this text in upper or lower case"),
        "level": Parameter("only log records of this level and above", Level),
        "limit": Parameter("maximum number of events", maximum=MAX_EVENTS, default=MAX_LIMIT),
        "line": Parameter("begin with the event in which this line of the log begins", maximum=MAX_NUMBER),
        "types": Parameter("only events of these types, with commas between them"),
        "until": Parameter("of a stream: `end` closes it after an end state", Literal["end"]),
    }

    @operation({200: EventsAnswer}, others=("text/event-stream",), refusals=(410,))
    async def get(self, task_id: str) -> None:
        """Return a page of events, or with `Accept: text/event-stream` all that come, too."""
        task = await self.task(task_id)
        event_filter = SubscriptionFilter(frozenset([task_id]), self._types())
        line_filter = self._line_filter(event_filter)
        self._until_end()  # which is refused for a page, too, when it is misspelt
        self._refuse_several_places(searches=line_filter is not None)
        if self.request.method == "HEAD":  # a page or a stream, without reading any event
            self.finish()
        elif "text/event-stream" in self.request.headers.get("Accept", ""):
            await self._stream(task_id, event_filter)
        elif line_filter is not None:
            await self._search(task, line_filter, event_filter)
        elif before := self.get_query_argument("before", ""):
            await self._page_before(task_id, event_filter, await self._offset(task_id, before))
        else:
            await self._page_after(task_id, event_filter)

    def _refuse_several_places(self, *, searches: bool) -> None:
        places = [name for name in ("before", "after", "line") if self.get_query_argument(name, "")]
        if len(places) > 1:
            raise BadRequest(f"ask for one place, and not for {' and '.join(f'`{one}`' for one in places)}")
        if searches and places == ["line"]:
            raise BadRequest("`line` is a place, and `level` and `grep` search; ask for one of them")

    async def _stream(self, task_id: str, event_filter: SubscriptionFilter) -> None:
        text = self.request.headers.get("Last-Event-ID") or self.get_query_argument("after", "")
        for name in ("before", "grep", "level", "line"):
            if self.get_query_argument(name, ""):
                raise BadRequest(f"a stream only runs forward, and has every event; leave out `{name}`")
        stream = Stream(
            self,
            self.services.feed,
            event_filter,
            await self._offset(task_id, text),
            heartbeat=self.services.timing.heartbeat,
            until_end=self._until_end(),
            still_allowed=lambda: self.is_still_allowed("read"),
        )
        await stream.run()

    def _until_end(self) -> bool:
        until = self.get_query_argument("until", None)
        if until not in (None, "end"):
            raise BadRequest(f"a stream goes on until `end`, or for ever, and not until {until!r:.40}")
        return until == "end"

    async def _page_after(self, task_id: str, event_filter: SubscriptionFilter) -> None:
        if self.get_query_argument("line", ""):
            after = await self._before_line(task_id)
        else:
            after = await self._offset(task_id, self.get_query_argument("after", ""))
        limit = self.get_int_argument("limit")
        page = await self.services.feed.read(after, event_filter, PAGE_BYTES, limit)
        self._answer(page.events, page.last, more=page.more)

    async def _page_before(self, task_id: str, event_filter: SubscriptionFilter, before: int) -> None:
        limit = self.get_int_argument("limit")
        page = await read_back(self.services.feed, task_id, before, limit, event_filter.types)
        self._answer(newest_progress(page.events), page.older, more=page.older > 0)

    async def _search(self, task: Task, line_filter: LineFilter, event_filter: SubscriptionFilter) -> None:
        before = self.get_query_argument("before", "")
        start = await self._offset(task.id, before or self.get_query_argument("after", ""))
        limit = self.get_int_argument("limit")
        if line_filter.level and not _may_have(task, line_filter.level):
            # The snapshot counts all records up to its cursor: there is nothing to look through.
            end = 0 if before else max(start, Cursor.parse(str(task.cursor)).offset)
            self._answer([], end, more=False, looked=0)
            return
        types = SEARCHED & (event_filter.types or {"log"})
        search = LogSearch(task.id, start, line_filter, limit, backward=bool(before), types=types)
        page = await search.run(self.services.feed)
        self._answer(page.events, page.offset, more=page.more, looked=page.looked)

    async def _before_line(self, task_id: str) -> int:
        """Return the offset of the place before the event in which the wanted line is."""
        offset = await find_line(self.services.feed, task_id, self.get_int_argument("line"))
        if offset is None:
            sentence = "the lines of this log have no numbers: an older version has stored it"
            raise RequestRefused(sentence, status=404, code="no_line")
        return max(0, offset - 1)

    def _line_filter(self, event_filter: SubscriptionFilter) -> LineFilter | None:
        level, text = self.get_query_argument("level", ""), self.get_query_argument("grep", "", strip=False)
        if not level and not text:
            return None
        if level and level not in LEVELS:
            raise BadRequest(f"there is no level {level!r:.40}; use {', '.join(LEVELS)}")
        if event_filter.types is not None and "log" not in event_filter.types:
            raise BadRequest("`level` and `grep` are about events of type log; leave `types` out")
        return LineFilter(level or None, text or None)

    def _answer(self, events: Sequence[StoredEvent], offset: int, *, more: bool, **facts: int) -> None:
        joined = b",".join(event.encoded for event in events)
        tail = _encode({"cursor": self.services.feed.cursor(offset), "more": more} | facts)
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


def _may_have(task: Task, level: str) -> bool:
    """Return False if the log is known to have no record of *level* or above."""
    return task.log is None or task.log.count_from(level) > 0


class MetricsHandler(ApiHandler):
    """``tasks/{id}/metrics``: the metrics of the newest attempt as curves of a bounded number of points."""

    parameters: ClassVar = {
        "points": Parameter("about how many points a curve may have", maximum=MAX_POINTS, default=1000),
    }

    @operation({200: MetricsPage})
    async def get(self, task_id: str) -> None:
        """Return the metrics of the newest attempt as curves."""
        points = self.get_int_argument("points")
        await self.task(task_id)
        page = await self.services.curves.read(task_id, points)
        self.set_header("Content-Type", "application/json")
        self.finish(page)
