"""A forward: where events go to, which ones, and how far they have got.

Its headers, and the user, password and query of its address, open somebody's door: they are kept to be
sent there, and are in no listing, repr or error.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from ..core.events import DATA_TYPES
from ..core.ids import is_ulid

Format = Literal["json", "cloudevents"]
ForwardState = Literal["connected", "waiting", "refused", "done"]

FORMATS: tuple[str, ...] = get_args(Format)
MAX_URL = 4096
MAX_HEADERS = 32
MAX_HEADER = 8192
MAX_TASKS = 500
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}\Z")
_QUERY = re.compile(r"[?#]")
_OURS = frozenset(("connection", "content-length", "host", "transfer-encoding", "upgrade"))
_OURS_TOO = "sec-websocket-"
"""Headers that the handshake itself needs."""


class ForwardSpec(Struct, frozen=True, repr_omit_defaults=True):
    """What somebody asked to be forwarded; ``None`` for tasks and types means all.

    It begins with the first event of the named tasks, else now; ``from_start``: with the oldest there is.
    """

    url: str
    tasks: tuple[str, ...] | None = None
    types: tuple[str, ...] | None = None
    headers: dict[str, str] = {}
    format: Format = "json"
    from_start: bool = False

    def __repr__(self) -> str:
        return f"Wanted({shown_url(self.url)!r})"

    @property
    def from_first(self) -> bool:
        """Whether it begins before now."""
        return self.from_start or self.tasks is not None


class ForwardRecord(Struct, frozen=True, omit_defaults=True):
    """A forward as a journal keeps it. ``cursor``: the peer has everything before it.

    ``delivered`` counts events that the peer has answered for. ``marks`` are numbers of producers up to
    which it had everything when this journal took in the one that the forward was in.
    """

    id: str
    url: str
    cursor: str
    created: float
    tasks: tuple[str, ...] | None = None
    types: tuple[str, ...] | None = None
    headers: dict[str, str] = {}
    format: Format = "json"
    delivered: int = 0
    marks: dict[str, int] = {}

    def __repr__(self) -> str:
        return f"<forward {self.id} to {shown_url(self.url)}>"

    def is_of(self, other: ForwardSpec | ForwardRecord) -> bool:
        """Whether both send the same to the same place; then there need not be two."""
        return _sort(self) == _sort(other)


class ForwardStatus(Struct, frozen=True):
    """A forward as HTTP and the command line give it: of headers the names only.

    ``state``: ``connected``; ``waiting`` for the peer (or for a server that runs it); ``refused``: it is
    tried again seldom; ``done``: its tasks have ended and everything has arrived. ``lag`` counts places in
    the journal, of which some may be nobody's. ``error`` is a sentence.
    """

    id: str
    url: str
    tasks: tuple[str, ...] | None
    types: tuple[str, ...] | None
    headers: tuple[str, ...]
    format: Format
    cursor: str
    created: float
    state: ForwardState
    delivered: int
    lag: int
    error: str | None = None


def _sort(one: ForwardSpec | ForwardRecord) -> tuple[object, ...]:
    names = (None if names is None else sorted(names) for names in (one.tasks, one.types))
    return (one.url, one.format, *names)


def shown(record: ForwardRecord, state: ForwardState, lag: int, error: str | None = None) -> ForwardStatus:
    """*record* without what is secret in it."""
    return ForwardStatus(
        record.id,
        shown_url(record.url),
        record.tasks,
        record.types,
        tuple(record.headers),
        record.format,
        record.cursor,
        record.created,
        state,
        record.delivered,
        lag,
        error,
    )


def shown_url(url: str) -> str:
    """*url* without user, password and query."""
    scheme, _, rest = url.partition("://")
    rest = _QUERY.split(rest, maxsplit=1)[0]
    authority, slash, path = rest.partition("/")
    return f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"


def read_forward_spec(given: Mapping[str, Any]) -> ForwardSpec:
    """What was asked for, from a JSON object or arguments.

    Raises `ValueError` with one sentence, whatever is wrong: it is what somebody typed.
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
        from_start=_truth(fields.get("from_start", False)),
    )


def _url(url: object) -> str:
    if not isinstance(url, str) or not url:
        raise ValueError('give the address to send to, as in {"url": "wss://example.org/events"}')
    said = _repeatable(url)
    if not url.lower().startswith(("ws://", "wss://")):
        raise ValueError(f"{said} is no WebSocket address; it begins with ws:// or wss://")
    if len(url) > MAX_URL or not (url.isascii() and url.isprintable()) or " " in url:
        raise ValueError(f"{said} is longer than {MAX_URL} characters, or has some that no address can have")
    if not _has_host(url):
        raise ValueError(f"{said} names no host and port; an address is like wss://example.org:8443/events")
    return url


def _repeatable(url: str) -> str:
    """What an error repeats of an address that is none: nothing where there may be a password in it."""
    return "the address given" if "@" in url else repr(_QUERY.split(url, maxsplit=1)[0][:80])


def _has_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    return bool(parts.hostname) and port != 0 and (parts.username is None or parts.password is not None)


def _names(value: object, what: str, most: int) -> tuple[str, ...] | None:
    if value is None:
        return None
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list | tuple | set | frozenset):
        raise ValueError(f"{what} must be a list of names")  # noqa: TRY004
    if not all(isinstance(name, str) for name in names):
        raise ValueError(f"{what} must be a list of names")
    if not 1 <= len(names) <= most:
        raise ValueError(f"name 1 to {most} {what}, or leave them out for all")
    return tuple(dict.fromkeys(names))


def _tasks(value: object) -> tuple[str, ...] | None:
    tasks = _names(value, "tasks", MAX_TASKS)
    for task in tasks or ():
        if not is_ulid(task):
            raise ValueError(f"{task[:80]!r} is no task id (26 letters and digits)")
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
    """The value is not repeated: it may be a password."""
    if not isinstance(name, str) or not _TOKEN.match(name):
        raise ValueError(f"{str(name)[:40]!r} cannot be the name of a header")
    if name.lower() in _OURS or name.lower().startswith(_OURS_TOO):
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


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"from_start must be true or false, not {str(value)[:40]!r}")  # noqa: TRY004
    return value


def encode_record(record: ForwardRecord) -> bytes:
    """For `decode_record`."""
    return msgspec.json.encode(record)


def decode_record(body: bytes) -> ForwardRecord:
    """Raises `msgspec.MsgspecError` for what no version of this one wrote."""
    return msgspec.json.decode(body, type=ForwardRecord)
