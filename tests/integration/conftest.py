"""Real Jupyter servers with the extension, as processes of their own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import servers


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Callable[[], servers.Server]]:
    """``server()`` starts one of the user that this process is, so that it finds its journals."""
    with servers.servers(tmp_path / "servers") as factory:
        yield lambda: factory.start(env={"JUPYTER_AGENT_DIR": os.environ["JUPYTER_AGENT_DIR"]})


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[servers.Servers]:
    """``fresh.start(extra_args, env, config)`` starts servers of a user that only this test has."""
    with servers.servers(tmp_path / "servers") as factory:
        yield factory


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    """A server for tests that neither stop it nor count what others did on it."""
    with servers.servers(tmp_path_factory.mktemp("shared")) as factory:
        yield factory.start(
            extra_args=["--JupyterAgent.hello_seconds=0.5", "--JupyterAgent.heartbeat_seconds=0.5"],
            base_url="/x/",
        )
