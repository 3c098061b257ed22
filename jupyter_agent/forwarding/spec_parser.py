"""Parser of forwards: what a user typed, checked field by field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from ..core.events import DATA_TYPES
from ..core.ids import is_ulid
from .spec import FORMATS, Format, ForwardSpec

MAX_URL = 4096
"""Characters of an address."""

MAX_HEADERS = 32
MAX_HEADER = 8192
"""Characters of a header's value."""

MAX_TASKS = 500
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}\Z")
_RESERVED = frozenset(("connection", "content-length", "host", "transfer-encoding", "upgrade"))
_RESERVED_PREFIX = "sec-websocket-"
"""Headers that the handshake itself needs."""


def read_forward_spec(given: Mapping[str, Any]) -> ForwardSpec:
    """Return the spec in a JSON object or in keyword arguments.

    Raises `ValueError` with one sentence for the user, whatever is wrong.
    """
    fields = {name: value for name, value in given.items() if value is not None}
    if "task" in fields:
        if "tasks" in fields:
            raise ValueError("give task or tasks, not both")
        fields["tasks"] = [fields.pop("task")]
    unknown = sorted(fields.keys() - set(ForwardSpec.__struct_fields__))
    if unknown:
        names = ", ".join(("task", *ForwardSpec.__struct_fields__))
        raise ValueError(f"a forward has no {unknown[0][:40]!r}; it has {names}")
    return ForwardSpec(
        url=_url(fields.get("url")),
        tasks=_tasks(fields.get("tasks")),
        types=_types(fields.get("types")),
        headers=_headers(fields.get("headers", {})),
        format=_format(fields.get("format", "json")),
        from_start=_bool(fields.get("from_start", False)),
    )


def _url(url: object) -> str:
    if not isinstance(url, str) or not url:
        raise ValueError('give the address to send to, as in {"url": "wss://example.org/events"}')
    shown = _repeatable(url)
    if not url.lower().startswith(("ws://", "wss://")):
        raise ValueError(f"{shown} is not a WebSocket address; it begins with ws:// or wss://")
    if len(url) > MAX_URL or not (url.isascii() and url.isprintable()) or " " in url:
        raise ValueError(f"{shown} is longer than {MAX_URL} characters, or has some that no address can have")
    if not _has_host(url):
        raise ValueError(f"{shown} names no host and port; an address is like wss://example.org:8443/events")
    return url


def _repeatable(url: str) -> str:
    """Return what an error may repeat of a wrong address: nothing when it may contain a password."""
    return "the address given" if "@" in url else repr(re.split(r"[?#]", url, maxsplit=1)[0][:80])


def _has_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    return bool(parts.hostname) and port != 0 and (parts.username is None or parts.password is not None)


def _names(value: object, what: str, limit: int) -> tuple[str, ...] | None:
    if value is None:
        return None
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list | tuple | set | frozenset):
        raise ValueError(f"{what} must be a list of names")  # noqa: TRY004
    if not all(isinstance(name, str) for name in names):
        raise ValueError(f"{what} must be a list of names")
    if not 1 <= len(names) <= limit:
        raise ValueError(f"name 1 to {limit} {what}, or leave them out for all")
    return tuple(dict.fromkeys(names))


def _tasks(value: object) -> tuple[str, ...] | None:
    tasks = _names(value, "tasks", MAX_TASKS)
    for task in tasks or ():
        if not is_ulid(task):
            raise ValueError(f"{task[:80]!r} is not a task id (26 letters and digits)")
    return tasks


def _types(value: object) -> tuple[str, ...] | None:
    types = _names(value, "types", len(DATA_TYPES))
    for kind in types or ():
        if kind not in DATA_TYPES:
            raise ValueError(f"there is no event type {kind[:40]!r}; there are {', '.join(DATA_TYPES)}")
    return types


def _headers(value: object) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise ValueError('headers must be an object of names and values, as in {"Authorization": "Bearer …"}')  # noqa: TRY004
    if len(value) > MAX_HEADERS:
        raise ValueError(f"a forward sends at most {MAX_HEADERS} headers, not {len(value)}")
    for name, text in value.items():
        _check_header(name, text)
    return dict(value)


def _check_header(name: object, text: object) -> None:
    """Raise `ValueError` for a header that cannot be sent, without its value, which may be a password."""
    if not isinstance(name, str) or not _TOKEN.match(name):
        raise ValueError(f"{str(name)[:40]!r} cannot be the name of a header")
    if name.lower() in _RESERVED or name.lower().startswith(_RESERVED_PREFIX):
        raise ValueError(f"the header {name} belongs to the handshake; leave it out")
    good = isinstance(text, str) and len(text) <= MAX_HEADER and text.isascii() and text.isprintable()
    if not good:
        raise ValueError(
            f"the value of the header {name} must be text of one line, at most {MAX_HEADER} ASCII characters"
        )


def _format(value: object) -> Format:
    if value == "json":
        return "json"
    if value == "cloudevents":
        return "cloudevents"
    raise ValueError(f"there is no format {str(value)[:40]!r}; use one of {', '.join(FORMATS)}")


def _bool(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"from_start must be true or false, not {str(value)[:40]!r}")  # noqa: TRY004
    return value
