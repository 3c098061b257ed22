"""Sizes so small that a short run passes every seam, and files replaced by the model's."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator

import pytest
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants

from jupyter_agent.journal.operations import interruption, journal_merge, pace, spool_recovery
from jupyter_agent.server import services
from jupyter_agent.server.background import liveness
from jupyter_agent.server.delivery import feed, resume

from . import holding


@pytest.fixture(autouse=True)
def small_world(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A frame holds about three events, what is at hand about ten, a chunk two."""
    monkeypatch.setattr(feed, "FRAME_BYTES", 700)
    monkeypatch.setattr(resume, "FRAME_BYTES", 700)
    monkeypatch.setattr(feed, "RECENT_BYTES", 2000)
    monkeypatch.setattr(spool_recovery, "CHUNK", 2)
    monkeypatch.setattr(journal_merge, "CHUNK", 2)
    monkeypatch.setattr(pace, "STEP_SECONDS", math.inf)  # no run may depend on how quick the machine is
    # Nor on the numbers in those modules that other tests have imported, which Hypothesis would try as well.
    monkeypatch.setattr(providers, "_get_local_constants", Constants)
    providers.CONSTANTS_CACHE.cache.clear()
    monkeypatch.setattr(liveness, "recover_all", holding.recover_all)
    monkeypatch.setattr(services, "read_spools_of", holding.read_spools_of)
    monkeypatch.setattr(interruption, "_has_spool", holding.has_spool)
    forwarder = logging.getLogger("jupyter_agent.producer.forwarder")
    forwarder.setLevel(logging.CRITICAL)
    yield
    forwarder.setLevel(logging.NOTSET)
