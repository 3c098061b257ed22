"""Real servers for the tests: one for all that do not harm it, and as many others as asked for."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.support.servers import Server, Servers, servers


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Servers]:
    """``fresh.start(extra_args, env, config)`` starts a server; those of one test are one user's."""
    with servers(tmp_path / "servers") as factory:
        yield factory


_MEMORY = Path("/dev/shm")


@pytest.fixture
def no_disk(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Variables for ``fresh.start(env=no_disk)``: its journal lies in memory, where there is such a folder.

    For tests that time what a server does: a disk that is busy with others was seen to take 2 s for a
    sync, which every commit waits for.
    """
    there = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ENOUGH
    with TemporaryDirectory(dir=_MEMORY if there else tmp_path, prefix="jupyter-agent-") as folder:
        yield {"JUPYTER_AGENT_DIR": folder}


_ENOUGH = 48 << 20
"""Bytes for a minute of a thousand events a second, and what SQLite writes before it; Docker gives 64 MiB."""


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for tests that neither stop it nor count what others did on it."""
    with servers(tmp_path_factory.mktemp("shared")) as factory:
        yield factory.start(
            extra_args=["--JupyterAgent.hello_seconds=0.5", "--JupyterAgent.heartbeat_seconds=0.5"],
            base_url="/x/",
        )
