"""What killed processes leave on the disk does not stay there for ever."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from jupyter_agent.journal.holder import Holder
from jupyter_agent.journal.operations import spool_recovery
from jupyter_agent.journal.operations.spool_recovery import recover_spools
from jupyter_agent.journal.slots import try_slot
from jupyter_agent.system.locks import FileLock
from jupyter_agent.system.paths import DataPaths

HOUR = 3600.0


def _newborn(paths: DataPaths, name: str, age: float) -> Path:
    """A spool whose producer got no further than this, so many seconds ago."""
    folder = paths.spools / f".new-{name}"
    folder.mkdir(parents=True)
    (folder / "lock").touch()
    (folder / "spool.json").write_text("{}")
    os.utime(folder, (time.time() - age, time.time() - age))
    return folder


def _look(paths: DataPaths) -> None:
    slot = try_slot(paths, "default")
    assert slot is not None
    with Holder(slot) as holder:
        holder.call(lambda session: recover_spools(session, paths, "default")).result(20)


@pytest.mark.timeout(30)
def test_a_spool_that_a_killed_process_never_finished_goes_after_a_while(
    paths: DataPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    left, held = _newborn(paths, "left", 2 * HOUR), _newborn(paths, "held", 2 * HOUR)
    lock = FileLock.acquire(held / "lock")
    assert lock is not None
    _look(paths)
    assert left.exists(), "this process has not seen it for long, whatever the clock of the file says"
    monkeypatch.setattr(spool_recovery, "UNFINISHED_TIMEOUT", -1.0)
    _look(paths)
    assert not left.exists()
    assert held.exists()
    lock.release()
