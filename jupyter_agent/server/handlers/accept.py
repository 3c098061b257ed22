"""The Accept header (RFC 9110): whether a request wants HTML, and whether a browser navigates."""

from __future__ import annotations

from collections.abc import Iterator

_ABSENT = -1.0


def wants_html(accept: str) -> bool:
    """Return True if this header names HTML and prefers it to JSON."""
    quality = dict(_ranges(accept))
    html = quality.get("text/html", 0.0)
    others = (quality.get(name, _ABSENT) for name in ("application/json", "application/*", "*/*"))
    json = next((found for found in others if found != _ABSENT), _ABSENT)
    return html > 0 and (html > json or (html == json and "application/json" not in quality))


def wants_page(accept: str) -> bool:
    """Return True if a browser navigates to the address (Fetch, section 2.2.2); False for a program."""
    return wants_html(accept) and "application/xhtml+xml" in dict(_ranges(accept))


def _ranges(accept: str) -> Iterator[tuple[str, float]]:
    for part in accept.lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        given = next((text[2:] for text in parameters if text.startswith("q=")), "1")
        try:
            yield name, min(1.0, max(0.0, float(given)))
        except ValueError:
            yield name, 0.0
