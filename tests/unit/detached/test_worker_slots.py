"""Worker slots: how many workers run at once."""

from __future__ import annotations

import pytest

from jupyter_agent.detached.worker_slots import (
    WorkerLimits,
    acquire_worker_slot,
    free_worker_slots,
    load_limits,
    save_limits,
)
from jupyter_agent.system.paths import DataPaths
from tests.support.runtime import own_producer  # noqa: F401


def test_there_are_as_many_as_were_asked_for(paths: DataPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_AGENT_WORKERS", "2")
    first, second = acquire_worker_slot(paths), acquire_worker_slot(paths)
    assert first is not None
    assert second is not None
    assert acquire_worker_slot(paths) is None
    assert free_worker_slots(paths) == 0
    first.release()
    assert free_worker_slots(paths) == 1
    second.release()


def test_the_environment_overrides_the_limit_that_a_server_saved(
    paths: DataPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_limits(paths, WorkerLimits(3, 1 << 30))
    assert load_limits(paths) == WorkerLimits(3, 1 << 30)
    monkeypatch.setenv("JUPYTER_AGENT_WORKERS", "5")
    assert load_limits(paths) == WorkerLimits(5, 1 << 30)
    for nonsense in ("0", "many", "-1", "²", "99999999"):
        monkeypatch.setenv("JUPYTER_AGENT_WORKERS", nonsense)
        assert load_limits(paths).workers == 3
