"""How a process finds the journal it belongs to, and that journal's holder.

A producer belongs to one journal for life: its server's, or the default one. A server with this
extension holds a journal and says so in ``journals/<slot>/holder.json`` (for this user only), with its
process id, which is what a kernel knows of its server (`JPY_PARENT_PID`), its address and a key that
also opens servers that have only a password. That the address is right is proven by connecting.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs, urlsplit

import msgspec
from msgspec import Struct

from ..errors import ServerUnreachable
from ..system.files import read_json
from ..system.host import host
from ..system.locks import is_locked
from ..system.paths import DataPaths

DEFAULT = "default"
KEY_HEADER = "Jupyter-Agent-Key"
REMOTE = "remote"


class HolderFile(Struct, frozen=True):
    """``holder.json``: who holds a journal. A ``server`` has a ``url`` and a ``key``; a ``moment``
    (a command line) has neither. ``started`` is Unix seconds."""

    kind: Literal["server", "moment"]
    pid: int
    host: str
    url: str = ""
    key: str = ""
    cert: str | None = None
    started: float = 0.0


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is: its base URL (ending in ``/``) and the headers that open it.

    ``cert`` is a file with the certificate to trust, for a server that made its own.
    """

    url: str
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    cert: str | None = None

    @property
    def websocket(self) -> str:
        """The address of the WebSocket door. Raises `ServerUnreachable` for what is no server's address."""
        return "ws" + self._base().removeprefix("http") + "jupyter-agent/ws"

    def api(self, path: str) -> str:
        """The address of *path* below ``jupyter-agent/``. Raises as `websocket` does."""
        return f"{self._base()}jupyter-agent/{path}"

    def _base(self) -> str:
        if not self.url.startswith(("http://", "https://")):
            raise ServerUnreachable(f"{self.url!r} is no http or https address", url=self.url)
        return self.url


def find_journal(paths: DataPaths) -> str:
    """The slot that this process belongs to.

    ``JUPYTER_AGENT_JOURNAL`` names it for processes that a task starts; else it is the slot held by
    the server that started this kernel; else the default one.
    """
    named = os.environ.get("JUPYTER_AGENT_JOURNAL")
    if named:
        return named
    if os.environ.get("JUPYTER_AGENT_URL"):
        return REMOTE
    parent = os.environ.get("JPY_PARENT_PID", "")
    for folder in _slots(paths):
        holder = read_holder(folder)
        if holder is not None and holder.kind == "server" and _is(holder, parent):
            return folder.name
    return DEFAULT


def find_address(paths: DataPaths, journal: str) -> Address | None:
    """The address of *journal*'s holder now; ``None`` when no server holds it.

    A journal whose folder is gone was taken in by the default one. ``JUPYTER_AGENT_URL`` and
    ``JUPYTER_AGENT_TOKEN`` name a server on another machine. The address that a dead server left behind,
    and another machine's loopback address, may be any stranger's here, who would be given the key and
    the events: neither is an answer.
    """
    url = os.environ.get("JUPYTER_AGENT_URL")
    if url:
        return remote_address(url, os.environ.get("JUPYTER_AGENT_TOKEN"))
    folder = paths.journals / journal
    folder = folder if folder.is_dir() else paths.journals / DEFAULT
    holder = read_holder(folder)
    if holder is None or holder.kind != "server" or not holder.url:
        return None
    if not (_holds(folder) if holder.host == host() else _reaches_far(holder.url)):
        return None
    return Address(holder.url, {KEY_HEADER: holder.key}, holder.cert)


def remote_address(url: str, token: str | None = None) -> Address:
    """The address of a Jupyter server by its URL and token, which may be in the URL as Jupyter prints it."""
    url, _, query = url.partition("?")
    token = token or "".join(parse_qs(query).get("token", []))
    headers = {"Authorization": f"token {token}"} if token else {}
    return Address(url if url.endswith("/") else url + "/", headers)


def read_holder(folder: Path) -> HolderFile | None:
    """Who says they hold the journal in *folder*."""
    value = read_json(folder / "holder.json")
    try:
        return msgspec.convert(value, HolderFile) if value is not None else None
    except msgspec.ValidationError:
        return None


def _holds(folder: Path) -> bool:
    try:
        return is_locked(folder / "lock")
    except OSError:  # it cannot be told, and so not be trusted
        return False


def _reaches_far(url: str) -> bool:
    """Whether *url* means the same server on every machine."""
    name = urlsplit(url).hostname or ""
    return name not in ("localhost", "::1", "0.0.0.0", "::") and not name.startswith("127.")  # noqa: S104


def _slots(paths: DataPaths) -> list[Path]:
    if not paths.journals.is_dir():
        return []
    return sorted(path for path in paths.journals.iterdir() if path.is_dir())


def _is(holder: HolderFile, parent: str) -> bool:
    return holder.host == host() and str(holder.pid) == parent
