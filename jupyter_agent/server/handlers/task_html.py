"""A task as static HTML, for requests that prefer HTML to JSON."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from html import escape

from ...core.events import UNREADABLE, Data, Event, Log, Metric, decode_data, decode_event
from ...core.ids import Cursor
from ...core.sanitize import to_single_line
from ...core.task import Task
from ...journal.base import StoredEvent
from ...rendering.curves import Curves
from ...rendering.html import html, last_lines
from ...rendering.transcript import TAIL_LINES, log_text
from ..delivery.feed import Feed
from ..delivery.history import read_back

POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""The Content-Security-Policy of static HTML: its style is inline, and no script runs in it."""


_METRIC_PAGE = 5000
"""Metric events of one read; between two of them the server does other work."""

_METRIC_PAGES = 10
"""Maximum number of reads: of a longer series, the newest values are drawn."""


async def static_html(feed: Feed, task: Task) -> str:
    """Return the task as HTML, with its current attempt's metrics and the last lines of its log."""
    upto = Cursor.parse(task.cursor).offset if task.cursor else 0
    page = await read_back(feed, task.id, upto, TAIL_LINES, ["log"])
    curves = await _curves(feed, task, upto) if task.metrics else Curves()
    return html(task, last_lines(_log_texts(page.events, task.attempt)), curves)


async def _curves(feed: Feed, task: Task, upto: int) -> Curves:
    """Return the metrics of the current attempt."""
    pages: list[list[StoredEvent]] = []
    while upto and len(pages) < _METRIC_PAGES:
        page = await read_back(feed, task.id, upto, _METRIC_PAGE, ["metric"])
        pages.append(page.events)
        upto = page.older
    return await asyncio.to_thread(_folded, pages, task.attempt)


def _folded(pages: list[list[StoredEvent]], attempt: int) -> Curves:
    curves = Curves()
    for events in reversed(pages):
        for event, data in _readable(events, attempt):
            if isinstance(data, Metric):
                curves.add(data.name, data.value, data.step, event.time)
    return curves


def as_page(task: Task, body: str) -> str:
    """Return static HTML as a page of its own."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="color-scheme" '
        'content="light dark"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(to_single_line(task.name) or 'task')}</title></head><body>{body}</body></html>"
    )


def _log_texts(events: list[StoredEvent], attempt: int) -> Iterator[str]:
    """Yield what the log events of this attempt print."""
    for _, data in _readable(events, attempt):
        if isinstance(data, Log):
            yield log_text(data.stream, data.text)


def _readable(events: list[StoredEvent], attempt: int) -> Iterator[tuple[Event, Data | None]]:
    """Yield the events of this attempt with their data, without those that have none to show."""
    for stored in events:
        try:
            event = decode_event(stored.encoded)
            data = decode_data(event)
        except UNREADABLE:
            continue
        if event.attempt == attempt:
            yield event, data
