"""Two servers for the whole run: one with a full log and an open umask, one with an authorizer."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import servers

from .endpoints import published

GATE = """
from pathlib import Path
from jupyter_server.auth import Authorizer, User
from jupyter_server.auth.identity import PasswordIdentityProvider

gate = Path({folder!r})

class Guard(Authorizer):
    def is_authorized(self, handler, user, action, resource):
        with (gate / "asked").open("a") as file:
            file.write(f"{{resource}} {{action}}\\n")
        return resource != "jupyter_agent" or not (gate / f"no-{{action}}").exists()

class Register(PasswordIdentityProvider):
    def generate_anonymous_user(self, handler):
        return User("eve", display_name="Eve\\n[E 2026-01-01] forged\\x1b[2J")

    async def get_user(self, handler):
        if hasattr(handler, "_jupyterhub_user"):  # as JupyterHub's does
            return handler._jupyterhub_user
        handler._jupyterhub_user = await super().get_user(handler)
        return handler._jupyterhub_user

    async def get_user_token(self, handler):
        return None if (gate / "gone").exists() else await super().get_user_token(handler)

    def get_user_cookie(self, handler):
        return None if (gate / "gone").exists() else super().get_user_cookie(handler)

c.ServerApp.authorizer_class = Guard
c.ServerApp.identity_provider_class = Register
"""


@dataclass(frozen=True)
class Gate:
    """A server whose authorizer denies what ``no-<action>`` names, and that accepts no user once ``gone`` is
    there."""

    server: servers.Server
    folder: Path

    def deny(self, *actions: str) -> None:
        for action in actions:
            (self.folder / f"no-{action}").touch()

    def log_everybody_out(self) -> None:
        (self.folder / "gone").touch()

    def open(self) -> None:
        for path in self.folder.iterdir():
            path.unlink()

    @property
    def asked(self) -> set[str]:
        """Return the questions about tasks that the authorizer got since `open`."""
        path = self.folder / "asked"
        lines = path.read_text().splitlines() if path.exists() else []
        return {action for resource, action in map(str.split, lines) if resource == "jupyter_agent"}


@pytest.fixture(scope="session")
def gated_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    folder = tmp_path_factory.mktemp("gate")
    with servers.servers(tmp_path_factory.mktemp("gated")) as factory:
        config = GATE.format(folder=str(folder))
        yield Gate(factory.start(["--JupyterAgent.heartbeat_seconds=0.3"], config=config), folder)


@pytest.fixture
def gate(gated_server: Gate) -> Iterator[Gate]:
    gated_server.open()
    yield gated_server
    gated_server.open()


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    """A server below a base URL that logs at DEBUG and was started under umask 000."""
    before = os.umask(0)
    try:
        with servers.servers(tmp_path_factory.mktemp("shared")) as factory:
            server = factory.start(
                ["--debug", "--JupyterAgent.heartbeat_seconds=0.5"],
                env={"JUPYTER_AGENT_DIR": str(factory.home / "agent")},
                base_url="/x/",
            )
            os.umask(before)
            yield server
    finally:
        os.umask(before)


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[servers.Servers]:
    """``fresh.start(extra_args, env, config)`` starts servers of a user that only this test has."""
    with servers.servers(tmp_path / "servers") as factory:
        yield factory


@pytest.fixture(scope="session")
def running_task(shared: servers.Server) -> str:
    return published(shared, ["queued", "running"])


@pytest.fixture(scope="session")
def ended_task(shared: servers.Server) -> str:
    return published(shared, ["queued", "running", "completed"])
