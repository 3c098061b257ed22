"""Containers that share host name, process numbers and home: real PID and UTS namespaces."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from jupyter_agent.system.locks import is_locked
from jupyter_agent.system.paths import DataPaths
from jupyter_agent.transport.discovery import find_address
from tests.support.servers import environment

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(sys.platform != "linux", reason="containers are a matter of Linux"),
]
NAMESPACES = ["unshare", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc"]
if sys.platform == "linux" and os.getuid() != 0:
    NAMESPACES += ["--user", "--map-root-user"]

PARTY = """
import json, os, subprocess, sys
from jupyter_agent.journal.slots import take_server_slot
from jupyter_agent.system.host import host
from jupyter_agent.system.paths import data_paths
from jupyter_agent.transport.discovery import this_holder

KERNEL = '''
import json
from jupyter_agent.producer.producer import current_producer
from jupyter_agent.core.events import Log
producer = current_producer()
address = producer.locate()
print(json.dumps({"journal": producer.journal, "url": address and address.url}))
'''
slot = take_server_slot(data_paths(), lambda slot: slot)
slot.announce(this_holder("server", url=sys.argv[1], key="key"))
print(json.dumps({"pid": os.getpid(), "host": host(), "slot": slot.name}), flush=True)
for line in sys.stdin:
    kernel = subprocess.run(
        [sys.executable, "-c", KERNEL],
        env=os.environ | {"JPY_PARENT_PID": str(os.getpid())}, stdout=subprocess.PIPE, text=True, check=True,
    )
    print(kernel.stdout.strip(), flush=True)
"""
"""A server's part: it holds a journal, and starts a kernel for each line of its input."""


class Container:
    """One process that is number 1 of its namespace, on a host called ``same``."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.server = self._read()

    def start_kernel(self) -> Any:
        """What a kernel of this server finds."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())


@contextmanager
def container(home: Path, url: str, *more: str) -> Iterator[Container]:
    script = 'hostname same; exec "$0" -c "$1" "$2"'
    process = subprocess.Popen(
        [*NAMESPACES, *more, "sh", "-c", script, sys.executable, PARTY, url],
        env=environment(home),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Container(process)
    finally:
        process.kill()
        process.communicate()


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
