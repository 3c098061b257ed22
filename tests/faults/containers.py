"""Containers that share host name, process numbers and home: real PID and UTS namespaces.

In each a server's part holds a journal, and starts kernels that have to find it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any

from jupyter_agent.system.paths import DataPaths
from jupyter_agent.transport.discovery import find_served
from tests.faults.tally import Say, Tally, attempt
from tests.support.servers import Servers, environment

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


def containers(_: Servers, seeds: list[int], say: Say, folder: Path) -> Tally:
    """For each seed, containers of one home come, start kernels and go, in any order."""
    tally = Tally("containers")
    begun = monotonic()
    for seed in seeds:
        attempt(tally, seed, say, lambda: _come_and_go(seed, folder / str(seed), tally))  # noqa: B023
    tally.seconds = monotonic() - begun
    return tally


def _come_and_go(seed: int, home: Path, tally: Tally) -> None:
    chance = Random(seed)
    ports = range(1, chance.choice((3, 4)))
    kernels = 0
    with ExitStack() as stack:
        alive = {port: ExitStack() for port in ports}
        servers = {}
        for port in ports:
            stack.push(alive[port])
            servers[port] = alive[port].enter_context(container(home, _url(port)))
        assert {(one.server["pid"], one.server["host"]) for one in servers.values()} == {(1, "same")}
        for port in chance.sample(ports, len(ports)):
            for left in chance.sample(sorted(servers), len(servers)):
                found = servers[left].start_kernel()
                assert found == {"journal": servers[left].server["slot"], "url": _url(left)}
                kernels += 1
            slots = sorted(one.server["slot"] for one in servers.values())
            assert find_served(DataPaths(home / "agent")) == slots[0], "a script finds none, or a dead one"
            alive[port].close()
            del servers[port]
            tally.saw("a container ends")
    assert find_served(DataPaths(home / "agent")) is None
    tally.ran(seed, kernels, kernels)


def _url(port: int) -> str:
    return f"http://127.0.0.1:{port}/"
