"""A task as a still picture over HTTP, for whoever prefers HTML to JSON."""

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
"""The picture has its style inline, and nothing in it runs."""

_NEVER = -1.0


def wants_html(accept: str) -> bool:
    """Whether this `Accept` header (RFC 9110) names HTML and likes it better than JSON."""
    liked = dict(_ranges(accept))
    as_html = liked.get("text/html", 0.0)
    others = (liked.get(name, _NEVER) for name in ("application/json", "application/*", "*/*"))
    as_json = next((quality for quality in others if quality != _NEVER), _NEVER)
    return as_html > 0 and (as_html > as_json or (as_html == as_json and "application/json" not in liked))


def wants_page(accept: str) -> bool:
    """Whether it is a browser's that goes to the address (Fetch, section 2.2.2), and not a program's."""
    return wants_html(accept) and "application/xhtml+xml" in dict(_ranges(accept))


def _ranges(accept: str) -> Iterator[tuple[str, float]]:
    for part in accept.lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        given = next((text[2:] for text in parameters if text.startswith("q=")), "1")
        try:
            yield name, min(1.0, max(0.0, float(given)))
        except ValueError:
            yield name, 0.0


async def picture(feed: Feed, task: Task) -> str:
    """The task with the last lines of its present attempt's log."""
    upto = Cursor.parse(task.cursor).offset if task.cursor else 0
    past = await read_back(feed, task.id, upto, TAIL_LINES, ["log"])
    return html(task, last_lines(_texts(past.events, task.attempt)))


def page(task: Task, drawn: str) -> str:
    """The picture as a page of its own."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="color-scheme" '
        'content="light dark"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(to_single_line(task.name) or 'task')}</title></head><body>{drawn}</body></html>"
    )


def _texts(events: list[StoredEvent], attempt: int) -> Iterator[str]:
    """What the logs of this attempt print."""
    for stored in events:
        try:
            event = decode_event(stored.encoded)
            data = decode_data(event)
        except UNREADABLE:  # which says nothing that could be shown
            continue
        if isinstance(data, Log) and event.attempt == attempt:
            yield log_text(data.stream, data.text)
