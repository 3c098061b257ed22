"""The list of targets, and each one's share of the inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from . import clients, endpoints, folds, journals, sessions, spools
from .harness import Feed, Target, quiet


def _pure(feed: Feed) -> Callable[[Path], AbstractContextManager[Feed]]:
    @contextmanager
    def opened(_folder: Path) -> Iterator[Feed]:
        with quiet():
            yield feed

    return opened


TARGETS = (
    Target("server session", _pure(sessions.server_session), 20),
    Target("subscriber session", _pure(sessions.subscriber_session), 12),
    Target("producer session", _pure(sessions.producer_session), 8),
    Target("forwarder", sessions.forwarding, 2),
    Target("client", clients.clients, 0.5),
    Target("events", _pure(folds.decoding), 12),
    Target("folds", _pure(folds.folding), 10),
    Target("ids and cursors", _pure(folds.identifying), 8),
    Target("drawing", _pure(folds.drawing), 2),
    Target("numbers and text", _pure(folds.speaking), 4),
    Target("segments", spools.segments, 8),
    Target("spools", spools.spools, 3),
    Target("databases", journals.databases, 2),
    Target("addresses", journals.addresses, 1.5),
    Target("results", journals.results, 1.5),
    Target("sockets", endpoints.sockets, 3.5, needs_server=True),
    Target("requests", endpoints.requests, 2, needs_server=True),
)
PURE = tuple(target for target in TARGETS if target.opened.__qualname__.startswith("_pure"))


def named(name: str) -> Target:
    """The target called *name*. Raises `KeyError`."""
    return {target.name: target for target in TARGETS}[name]
