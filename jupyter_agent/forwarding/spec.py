"""Forwards: which events go to which address, and which of them have arrived.

The headers, and the user, password and query of the address, are secrets: they are kept to be sent to the
peer, and appear in no listing, repr or error.
"""

from __future__ import annotations

import re
from typing import Literal, get_args

import msgspec
from msgspec import Struct

Format = Literal["json", "cloudevents"]
ForwardState = Literal["connected", "waiting", "refused", "done"]

FORMATS: tuple[str, ...] = get_args(Format)
_QUERY = re.compile(r"[?#]")


class ForwardSpec(Struct, frozen=True, repr_omit_defaults=True):
    """What a user wants forwarded; ``None`` for tasks and types means all.

    It begins with the first event of the named tasks, else now; ``from_start``: with the oldest event.
    """

    url: str
    tasks: tuple[str, ...] | None = None
    types: tuple[str, ...] | None = None
    headers: dict[str, str] = {}
    format: Format = "json"
    from_start: bool = False

    def __repr__(self) -> str:
        return f"ForwardSpec({redacted_url(self.url)!r})"

    @property
    def from_first(self) -> bool:
        """Return True if it begins with events of the past."""
        return self.from_start or self.tasks is not None


class ForwardRecord(Struct, frozen=True, omit_defaults=True):
    """A forward as a journal keeps it. ``cursor``: the peer has everything before it.

    ``delivered`` counts acknowledged events. ``marks`` are numbers of producers up to which the peer had
    everything when this journal merged the one that the forward was in.
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
        return f"<forward {self.id} to {redacted_url(self.url)}>"

    def is_of(self, other: ForwardSpec | ForwardRecord) -> bool:
        """Return True if both send the same events to the same address; then one is enough."""
        return _identity(self) == _identity(other)


class ForwardStatus(Struct, frozen=True):
    """A forward as HTTP and the command line show it: of headers, the names only.

    ``state``: ``connected``; ``waiting`` for the peer (or for a server that runs it); ``refused``: it is
    tried again after long delays; ``done``: its tasks have ended and everything has arrived. ``lag`` counts
    offsets in the journal, some of which may have no event. ``error`` is a sentence.
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


def _identity(one: ForwardSpec | ForwardRecord) -> tuple[object, ...]:
    names = (None if names is None else sorted(names) for names in (one.tasks, one.types))
    return (one.url, one.format, *names)


def status_of(
    record: ForwardRecord, state: ForwardState, lag: int, error: str | None = None
) -> ForwardStatus:
    """Return the status of *record*, without its secrets."""
    return ForwardStatus(
        record.id,
        redacted_url(record.url),
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


def redacted_url(url: str) -> str:
    """Return *url* without user, password and query."""
    scheme, _, rest = url.partition("://")
    rest = _QUERY.split(rest, maxsplit=1)[0]
    authority, slash, path = rest.partition("/")
    return f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"


def encode_record(record: ForwardRecord) -> bytes:
    """Encode for `decode_record`."""
    return msgspec.json.encode(record)


def decode_record(body: bytes) -> ForwardRecord:
    """Decode a record. Raises `msgspec.MsgspecError` for bytes that `encode_record` did not write."""
    return msgspec.json.decode(body, type=ForwardRecord)
