"""Fixtures of every test: folders of its own, and an environment that points nowhere else."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).parents[1]))  # for `tests.support`, in every import mode

from jupyter_agent.core.ids import ulid
from jupyter_agent.system import paths as paths_module
from jupyter_agent.system.paths import DataPaths

settings.register_profile(
    "quick", max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
settings.register_profile("long", parent=settings.get_profile("quick"), max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's background job hands that down to programs
    signal.signal(signal.SIGINT, signal.default_int_handler)

_FOREIGN = ("JUPYTER", "JPY_", "HYPOTHESIS_")


@pytest.fixture(autouse=True)
def own_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """HOME and Jupyter's folders lie in the test's own folder; nothing of the caller's leaks in."""
    for name in list(os.environ):
        if name.startswith(_FOREIGN):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("JUPYTER_AGENT_DIR", str(tmp_path / "agent"))
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(home / "data"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(home / "runtime"))
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(home / "config"))
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    monkeypatch.setenv("IPYTHONDIR", str(home / "ipython"))
    paths_module._probed.cache_clear()
    return home


@pytest.fixture
def paths(tmp_path: Path) -> DataPaths:
    """The folders that `data_paths` gives in this test, already made."""
    root = tmp_path / "agent"
    root.mkdir(mode=0o700, exist_ok=True)
    return DataPaths(root)


@pytest.fixture
def new_id() -> Callable[[], str]:
    """Makes ULIDs that grow, the same ones in every run."""
    count = iter(range(1, 1 << 30))
    return lambda: ulid(1_700_000_000.0 + next(count), bytes(10))
