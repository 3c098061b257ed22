"""URLs of servers on a Unix socket: ``http+unix://`` and the percent-encoded path, as Jupyter prints them.

The HTTP clients get a host name that stands for the path, which `unix_socket` knows; it is never looked up.
"""

from __future__ import annotations

import os
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from ..errors import ServerUnreachable

SCHEMES: Final = ("http+unix", "https+unix")
HOST: Final = "127.0.0.1"
"""What the ``Host`` header says: Jupyter refuses names that it does not know."""

MAX_PATH_BYTES = 103
"""Maximum length of a socket's path: Linux allows 107, macOS 103."""

_SUFFIX = ".unix-socket"
_LABEL = 60
"""Maximum number of characters between two dots of a host name is 63."""


def unix_url(path: str, base_url: str, *, tls: bool = False) -> str:
    """Return the URL of the server on the socket at the absolute *path*; *base_url* begins with ``/``."""
    return f"{SCHEMES[tls]}://{quote(os.fsencode(path), safe='')}{base_url}"


def is_unix_url(url: str) -> bool:
    return url.startswith(tuple(f"{scheme}://" for scheme in SCHEMES))


def http_url(url: str) -> str:
    """Return *url* with a scheme and a host name as the HTTP clients want them.

    Raises `ServerUnreachable` when it names no absolute path.
    """
    try:
        scheme, netloc, base_path, _, _ = urlsplit(url)
    except ValueError:  # brackets
        scheme = netloc = base_path = ""
    path = os.fsencode(unquote(netloc, errors="surrogateescape"))
    if not path.startswith(b"/") or b"\0" in path:
        raise ServerUnreachable(f"{url!r} names no socket; write http+unix://%2Fpath%2Fof%2Fsocket/", url=url)
    code = path.hex()
    labels = (code[start : start + _LABEL] for start in range(0, len(code), _LABEL))
    return f"{scheme.removesuffix('+unix')}://{'.'.join(labels)}{_SUFFIX}{base_path or '/'}"


def socket_path(host: str) -> bytes | None:
    """Return the path that a host name of `http_url` stands for; ``None`` for any other host name."""
    code, suffix, rest = host.partition(_SUFFIX)
    return bytes.fromhex(code.replace(".", "")) if suffix and not rest else None
