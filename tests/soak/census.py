"""Counts of what a server's process holds, from an endpoint of test servers (``soak/census``).

Counted inside the process, where asyncio's tasks can be seen: names and numbers of tasks and threads,
kinds of descriptors, objects that belong to connections, resident memory. Garbage is collected, and
free memory given back, first.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import os
import re
import sys
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join
from tornado import web

from jupyter_agent.server.delivery.feed import EventFrame

if TYPE_CHECKING:
    from tests.support.servers import Server

PATH = "soak/census"
_NUMBER = re.compile(r"\d+")


class CensusHandler(APIHandler):
    """Answers with counts of this very process; with ``quick`` without what costs time, or changes it."""

    @web.authenticated
    async def get(self) -> None:
        quick = bool(self.get_query_argument("quick", ""))
        if not quick:
            gc.collect()
            _give_back()
        things = [] if quick else gc.get_objects()
        self.finish(
            {
                "tasks": Counter(_NUMBER.sub("N", task.get_name()) for task in asyncio.all_tasks()),
                "threads": Counter(_NUMBER.sub("N", thread.name) for thread in threading.enumerate()),
                "descriptors": Counter(_kind(path) for path in Path("/dev/fd").iterdir()),
                "objects": Counter(filter(None, map(_name, things))),
                "rss": psutil.Process().memory_info().rss,
            }
        )


def _give_back() -> None:
    """Let the C library return what it keeps of freed memory: 24 MiB come and go with it by chance."""
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)


def _kind(descriptor: Path) -> str:
    """``socket``, ``pipe``, a file's suffix; `gone` for the descriptor that listed the folder."""
    try:
        target = os.readlink(descriptor)
    except OSError:
        return "gone"
    return target.split(":")[0] if ":" in target else Path(target).suffix or "file"


def _name(thing: object) -> str:
    """The type's name, of what a connection that is gone might leave behind; of other things nothing."""
    module = str(type(thing).__module__)
    ours = module.startswith(("jupyter_agent.server", "tornado", "asyncio", "_asyncio"))
    if not ours or isinstance(thing, EventFrame):  # some shared frames are kept until the next commit
        return ""
    return f"{module}.{type(thing).__qualname__}"


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "tests.soak.census"}]


def _load_jupyter_server_extension(app: Any) -> None:
    app.web_app.add_handlers(".*$", [(url_path_join(app.base_url, PATH), CensusHandler)])


@dataclass(frozen=True)
class Census:
    """One count. `rss` is in bytes."""

    tasks: dict[str, int]
    threads: dict[str, int]
    descriptors: dict[str, int]
    objects: dict[str, int]
    rss: int

    @property
    def totals(self) -> dict[str, int]:
        """Return the numbers of asyncio tasks, threads, descriptors and objects of connections."""
        parts = {
            "tasks": self.tasks,
            "threads": self.threads,
            "descriptors": self.descriptors,
            "objects": self.objects,
        }
        return {name: sum(counts.values()) for name, counts in parts.items()}

    def above(self, before: Census, room: dict[str, int] | None = None) -> list[str]:
        """Return what grew since *before* by more than *room*, each as a sentence."""
        room = room or {}
        now, then = self.totals, before.totals
        return [f"{now[k]} {k}, before {then[k]}" for k in now if now[k] > then[k] + room.get(k, 0)]


def census(server: Server, *, quick: bool = False) -> Census:
    """Count what *server*, started with `census_options`, holds now; *quick*: without the objects."""
    answer = server.ask(f"{PATH}?quick=1" if quick else PATH, root="")
    assert answer.status == 200, answer.body
    return Census(**answer.json)


def census_options(*more: str) -> dict[str, Any]:
    """Options for ``Servers.start`` that add this endpoint, and the command line arguments *more*."""
    from tests.support.servers import QUIET

    extensions = dict.fromkeys(QUIET, False) | {"jupyter_agent": True, "tests.soak.census": True}
    return {"extra_args": [f"--ServerApp.jpserver_extensions={extensions}", *more]}
