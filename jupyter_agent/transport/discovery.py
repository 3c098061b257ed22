"""Discovery: which journal a process belongs to, and where that journal's holder is.

A producer belongs to one journal for life: its server's, or the default one. A server with this extension
holds a journal and writes ``journals/<slot>/holder.json`` (for this user only): its process id, which is
what a kernel knows of its server (`JPY_PARENT_PID`), its address, and a key that also authenticates at
servers that have only a password. Connecting proves that the address is right.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import parse_qs, urlsplit

import msgspec
from msgspec import Struct

from ..errors import ServerUnreachable
from ..system.files import read_json
from ..system.host import boot, host, is_this_host, network_namespace, process_namespace
from ..system.locks import is_locked
from ..system.paths import DataPaths
from ..system.process_table import has_ended
from .unix_address import HOST, http_url, is_unix_url

DEFAULT = "default"
KEY_HEADER = "Jupyter-Agent-Key"
REMOTE = "remote"
ONE_SHOT: Final = "moment"
"""Kind of a holder that runs one job and then releases the journal. The word is on disk: it cannot change."""


class HolderFile(Struct, frozen=True):
    """``holder.json``: the process that holds a journal. ``started`` is Unix seconds.

    A ``server`` has a ``url``, or a ``unix_url`` if it listens on a Unix socket (see `unix_address`), and a
    ``key``; a process that runs one job (`ONE_SHOT`) has none of them. ``boot`` and the namespaces say in
    which container it is; empty in files of earlier versions.
    """

    kind: Literal["server", "moment"]
    pid: int
    host: str
    url: str = ""
    key: str = ""
    cert: str | None = None
    started: float = 0.0
    boot: str = ""
    process_namespace: str = ""
    network_namespace: str = ""
    unix_url: str = ""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is: its base URL (ending in ``/``) and the headers that authenticate there.

    The URL of a server on a Unix socket is as `unix_address` says. ``cert`` is a file with the certificate to
    trust, for a server with a self-signed one.
    """

    url: str
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    cert: str | None = None

    @property
    def websocket(self) -> str:
        """The URL of the WebSocket. Raises `ServerUnreachable` when the base URL is no HTTP address."""
        return "ws" + self._base().removeprefix("http") + "jupyter-agent/ws"

    def api(self, path: str) -> str:
        """Return the URL of *path* below ``jupyter-agent/``. Raises as `websocket` does."""
        return f"{self._base()}jupyter-agent/{path}"

    @property
    def request_headers(self) -> dict[str, str]:
        """The headers of every request: ``headers``, and on a Unix socket a host that Jupyter accepts."""
        return {"Host": HOST} | self.headers if is_unix_url(self.url) else self.headers

    def _base(self) -> str:
        if is_unix_url(self.url):
            return http_url(self.url)
        if not self.url.startswith(("http://", "https://")):
            raise ServerUnreachable(f"{self.url!r} is not an http or https address", url=self.url)
        return self.url


def find_journal(paths: DataPaths) -> str:
    """Return the slot that this process belongs to.

    ``JUPYTER_AGENT_JOURNAL`` names it for processes that a task starts; else it is the slot held by
    the server that started this kernel; else the default one, or, when no server holds that, another one that
    a server holds.
    """
    named = os.environ.get("JUPYTER_AGENT_JOURNAL")
    if named:
        return named
    if os.environ.get("JUPYTER_AGENT_URL"):
        return REMOTE
    parent = os.environ.get("JPY_PARENT_PID", "")
    for folder in _slots(paths):
        holder = read_holder(folder)
        if holder is not None and holder.kind == "server" and _is_process(holder, parent):
            return folder.name
    return find_served(paths) or DEFAULT


def find_served(paths: DataPaths) -> str | None:
    """Return a journal that a server holds now, the default one first; ``None`` when no server runs."""
    return next((folder.name for folder in _slots(paths) if find_address(paths, folder.name)), None)


def find_address(paths: DataPaths, journal: str) -> Address | None:
    """Return the address of *journal*'s present holder; ``None`` when no server holds it.

    A journal whose folder is gone was merged into the default one. ``JUPYTER_AGENT_URL`` and
    ``JUPYTER_AGENT_TOKEN`` name a server on another machine. The address that a dead server left, and
    another machine's loopback address, may be another program's here, which would get the key and the
    events: neither is returned.
    """
    url = os.environ.get("JUPYTER_AGENT_URL")
    if url:
        return remote_address(url, os.environ.get("JUPYTER_AGENT_TOKEN"))
    folder = paths.journals / journal
    folder = folder if folder.is_dir() else paths.journals / DEFAULT
    holder = read_living_holder(folder)
    if holder is None or holder.kind != "server":
        return None
    url = holder.url or holder.unix_url
    if not url or not _is_reachable(folder, holder):
        return None
    return Address(url, {KEY_HEADER: holder.key}, holder.cert)


def remote_address(url: str, token: str | None = None) -> Address:
    """Return the address of a Jupyter server from its URL and token.

    The token may be in the URL, as Jupyter prints it.
    """
    url, _, query = url.partition("?")
    token = token or "".join(parse_qs(query).get("token", []))
    headers = {"Authorization": f"token {token}"} if token else {}
    return Address(url if url.endswith("/") else url + "/", headers)


def read_holder(folder: Path) -> HolderFile | None:
    """Return what ``holder.json`` in *folder* says; ``None`` when it is missing or unreadable."""
    value = read_json(folder / "holder.json")
    try:
        return msgspec.convert(value, HolderFile) if value is not None else None
    except (msgspec.ValidationError, UnicodeEncodeError):  # the latter for half a surrogate pair
        return None


def read_living_holder(folder: Path) -> HolderFile | None:
    """As `read_holder`, but ``None`` for a holder of this machine whose process has ended.

    Its lock may be held still: a child that it forked just before it was killed has it until it executes
    its program.
    """
    holder = read_holder(folder)
    return None if holder is None or _has_ended(holder) else holder


def _has_ended(holder: HolderFile) -> bool:
    # The number of a process means nothing in another namespace.
    same = is_this_host(holder.host, holder.boot) and holder.process_namespace == process_namespace()
    return same and has_ended(holder.pid)


def _is_held(folder: Path) -> bool:
    try:
        return is_locked(folder / "lock")
    except OSError:  # unknown, and so not trusted
        return False


def _is_reachable(folder: Path, holder: HolderFile) -> bool:
    # A holder of this machine is trusted only while it has the lock: a dead server's port may be reused.
    here = is_this_host(holder.host, holder.boot)
    if here and not _is_held(folder):
        return False
    same_network = holder.network_namespace in ("", network_namespace()) if here else False
    return same_network or _is_same_everywhere(holder.url)


def _is_same_everywhere(url: str) -> bool:
    """Return whether *url* means the same server on every machine; empty for one on a Unix socket."""
    try:
        name = urlsplit(url).hostname or ""
    except ValueError:  # a damaged file
        return False
    return name not in ("", "localhost", "::1", "0.0.0.0", "::") and not name.startswith("127.")  # noqa: S104


def _slots(paths: DataPaths) -> list[Path]:
    if not paths.journals.is_dir():
        return []
    return sorted(path for path in paths.journals.iterdir() if path.is_dir())


def _is_process(holder: HolderFile, pid: str) -> bool:
    same_ids = holder.process_namespace in ("", process_namespace())
    return holder.host == host() and same_ids and str(holder.pid) == pid


def this_holder(kind: Literal["server", "moment"], **about: Any) -> HolderFile:
    """Return what ``holder.json`` says about this process."""
    return HolderFile(
        kind,
        os.getpid(),
        host(),
        started=time.time(),
        boot=boot(),
        process_namespace=process_namespace(),
        network_namespace=network_namespace(),
        **about,
    )
