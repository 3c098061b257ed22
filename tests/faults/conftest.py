"""Real servers for the tests: one for all that do not harm it, and as many others as asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from servers import Server, Servers, servers


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Servers]:
    """``fresh.start(extra_args, env, config)`` starts a server; those of one test are one user's."""
    with servers(tmp_path / "servers") as factory:
        yield factory


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for tests that neither stop it nor count what others did on it."""
    with servers(tmp_path_factory.mktemp("shared")) as factory:
        yield factory.start(
            extra_args=["--JupyterAgent.hello_seconds=0.5", "--JupyterAgent.heartbeat_seconds=0.5"],
            base_url="/x/",
        )
