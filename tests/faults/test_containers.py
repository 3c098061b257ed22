"""Containers that share host name, process numbers and home: real PID and UTS namespaces."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from jupyter_agent.system.locks import is_locked
from jupyter_agent.system.paths import DataPaths
from jupyter_agent.transport.discovery import find_address
from tests.faults.containers import container

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(sys.platform != "linux", reason="containers are a matter of Linux"),
]


def test_a_kernel_finds_the_server_of_its_own_container(tmp_path: Path) -> None:
    with ExitStack() as stack:
        containers = [
            stack.enter_context(container(tmp_path, f"http://127.0.0.1:{port}/")) for port in (1, 2, 3)
        ]
        assert {(one.server["pid"], one.server["host"]) for one in containers} == {(1, "same")}
        assert [one.server["slot"] for one in containers] == ["default", "default-2", "default-3"]
        for port, one in enumerate(containers, 1):
            found = one.start_kernel()
            assert found == {"journal": one.server["slot"], "url": f"http://127.0.0.1:{port}/"}


def test_a_loopback_address_of_another_network_is_not_used(tmp_path: Path) -> None:
    """Something else may listen there, which would get the key."""
    with container(tmp_path, "http://127.0.0.1:1/", "--net") as first:
        assert first.start_kernel()["url"] == "http://127.0.0.1:1/"
        assert is_locked(tmp_path / "agent" / "journals" / "default" / "lock"), "locks work across containers"
        with container(tmp_path, "http://10.0.0.7:1/") as second:
            assert second.server["slot"] == "default-2"
            found = _outside(tmp_path, "default")
            assert found is None
            assert _outside(tmp_path, "default-2") == "http://10.0.0.7:1/"


def test_a_server_of_a_container_that_is_gone_is_not_contacted(tmp_path: Path) -> None:
    with container(tmp_path, "http://10.0.0.7:1/"):
        assert _outside(tmp_path, "default") == "http://10.0.0.7:1/"
    assert (tmp_path / "agent" / "journals" / "default" / "holder.json").exists()
    assert _outside(tmp_path, "default") is None


def _outside(home: Path, journal: str) -> str | None:
    """The address that a process outside of all containers finds."""
    address = find_address(DataPaths(home / "agent"), journal)
    return address.url if address else None
