"""The handler of the built front-end's files. They need no login, as Jupyter's own: they hold no user data.

Browsers may cache them but must revalidate each time (``no-cache`` and an ETag), so that a page never runs
the files of a previous version.
"""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from jupyter_server.auth.decorator import allow_unauthenticated

from ...errors import RequestRefused
from ..interface.operation import operation
from .base import ApiHandler

ROOT = Path(__file__).parents[2] / "static"
"""Built by ``make frontend``; missing in a source tree until then."""

_KINDS = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}
"""Suffixes that may be served, and their types; the machine's own table may call a script anything."""

_PART = r"[A-Za-z0-9_-][A-Za-z0-9._-]*"
_NAME = re.compile(f"(?=.{{1,200}}$){_PART}(/{_PART})*")


def is_built() -> bool:
    """Return True if there is a front-end to send."""
    return (ROOT / "page.js").is_file()


def read(name: str) -> bytes | None:
    """Return the content of the regular file *name* in the folder; ``None`` when it is none, or outside."""
    if _NAME.fullmatch(name) is None:
        return None
    root, path = ROOT.resolve(), (ROOT / name).resolve()
    return path.read_bytes() if path.is_relative_to(root) and path.is_file() else None


class StaticHandler(ApiHandler):
    """``static/{name}``."""

    @allow_unauthenticated
    @operation({200: None}, others=("*/*",))
    async def get(self, name: str) -> None:
        """Return a file of the built front-end."""
        kind = _KINDS.get(Path(name).suffix)
        content = await asyncio.to_thread(read, name) if kind else None
        if kind is None or content is None:
            raise RequestRefused(_missing(name), status=404, code="not_found")
        self.set_header("Content-Type", kind)
        self.set_header("Cache-Control", "no-cache")
        self.finish(content)


def _missing(name: str) -> str:
    if is_built():
        return f"there is no {name[:80]!r} here"
    return "the front-end is not built; `make frontend` builds it"
