"""A task as static HTML, for requests that prefer HTML to JSON."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from ...core.events import UNREADABLE, Log, decode_data, decode_event
from ...core.ids import Cursor
from ...core.sanitize import to_single_line
from ...core.task import Task
from ...journal.base import StoredEvent
from ...rendering.html import html, last_lines
from ...rendering.transcript import TAIL_LINES, log_text
from ..delivery.feed import Feed
from ..delivery.history import read_back

POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""The Content-Security-Policy of static HTML: its style is inline, and no script runs in it."""


async def static_html(feed: Feed, task: Task) -> str:
    """Return the task as HTML, with the last lines of its current attempt's log."""
    upto = Cursor.parse(task.cursor).offset if task.cursor else 0
    page = await read_back(feed, task.id, upto, TAIL_LINES, ["log"])
    return html(task, last_lines(_log_texts(page.events, task.attempt)))


def as_page(task: Task, body: str) -> str:
    """Return static HTML as a page of its own."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="color-scheme" '
        'content="light dark"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(to_single_line(task.name) or 'task')}</title></head><body>{body}</body></html>"
    )


def _log_texts(events: list[StoredEvent], attempt: int) -> Iterator[str]:
    """Yield what the log events of this attempt print."""
    for stored in events:
        try:
            event = decode_event(stored.encoded)
            data = decode_data(event)
        except UNREADABLE:  # it has no text to show
            continue
        if isinstance(data, Log) and event.attempt == attempt:
            yield log_text(data.stream, data.text)
