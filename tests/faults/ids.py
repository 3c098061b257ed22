"""Servers that restart while each id is asked for, everywhere, as soon as its ``submit`` has returned."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from threading import Thread
from time import monotonic, sleep

from jupyter_agent.cli.backends.journals import Journals
from jupyter_agent.client import Client
from jupyter_agent.core.query import EventQuery
from jupyter_agent.errors import JournalError, NotNow, RequestRefused, ServerUnreachable
from jupyter_agent.protocol.subscriber import Restart
from jupyter_agent.system.paths import DataPaths
from jupyter_agent.transport.blocking_api import BlockingApi
from jupyter_agent.transport.blocking_http import fetch
from jupyter_agent.transport.discovery import DEFAULT, Address, find_address
from tests.faults.tally import Say, Tally, attempt
from tests.support.builders import until
from tests.support.servers import Server, Servers, environment

MODES = ("thread", "process", "detached")
SUBMITTER = """
import sys
import jupyter_agent as ja

def quick():
    ja.current().log("said")

if __name__ == "__main__":
    quick = ja.task(quick, on=sys.argv[1], show=False)
    while sys.stdin.readline():
        print(quick.submit().id, flush=True)
"""
ANSWER_WITHIN = 30.0
"""Seconds in which some server of a user must answer, restarts and all."""


class Submitter:
    """A script that submits a task whenever it is told to."""

    def __init__(self, home: Path, mode: str) -> None:
        program = home / "submitter.py"
        program.write_text(SUBMITTER)
        self._process = subprocess.Popen(
            [sys.executable, "-X", "faulthandler", str(program), mode],
            env=environment(home),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def submit(self) -> str:
        """The id that ``submit`` returned just now."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line.endswith("\n"), f"the script ended with {self._process.wait(10)} after {line!r}"
        return line.strip()

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()


@contextmanager
def submitters(home: Path) -> Iterator[dict[str, Submitter]]:
    found = {mode: Submitter(home, mode) for mode in MODES}
    try:
        yield found
    finally:
        for one in found.values():
            one.end()


def ask_everywhere(paths: DataPaths, task: str) -> int:
    """Ask for *task* by every way there is; how many. `UnknownTask` from any of them is what must not be."""
    ways: list[Callable[[Address], object]] = [
        lambda address: BlockingApi(address).task(task),
        lambda address: BlockingApi(address).events(task, EventQuery()),
        lambda address: _command(address, task),
        lambda address: _notebook(address, task),
        lambda address: _subscribe(address, task),
        lambda _: asyncio.run(Journals(paths).find(task)),
    ]
    for way in ways:
        _answered(paths, way)
    return len(ways)


def _answered(paths: DataPaths, way: Callable[[Address], object]) -> None:
    deadline = monotonic() + ANSWER_WITHIN
    while True:
        address = find_address(paths, DEFAULT)
        if address is not None:
            try:
                way(address)
            except (ServerUnreachable, JournalError):  # between two servers
                pass
            except RequestRefused as error:
                if error.status not in (403, 503):  # the key is another server's; it stops now
                    raise
            else:
                return
        assert monotonic() < deadline, "no server answers"
        sleep(0.02)


def _command(address: Address, task: str) -> None:
    with suppress(NotNow):
        BlockingApi(address).command(task, "cancel")


def _notebook(address: Address, task: str) -> None:
    try:
        fetch(address, "GET", f"tasks/{task}/notebook", task_id=task)
    except RequestRefused as error:
        if error.code != "no_notebook":
            raise


def _subscribe(address: Address, task: str) -> None:
    with Client(address) as client:
        first = next(client.follow([task], patience=1.0))
        assert isinstance(first, Restart)
        assert [one.id for one in first.tasks] == [task], "the subscription does not know it"


def ids(factory: Servers, seeds: list[int], say: Say, _: Path) -> Tally:
    """Restart a server for each seed, while tasks are submitted and asked for."""
    tally = Tally("ids")
    begun = monotonic()
    server = factory.start()
    with submitters(server.home) as some:
        for seed in seeds:
            attempt(tally, seed, say, lambda: restart_and_ask(server, some, seed, tally))  # noqa: B023
    tally.seconds = monotonic() - begun
    return tally


def restart_and_ask(server: Server, some: dict[str, Submitter], seed: int, tally: Tally) -> None:
    """Restart the server once; meanwhile submit tasks and ask for each of them."""
    chance = Random(seed)
    how = chance.choice(("SIGTERM", "SIGKILL"))
    restarting = Thread(target=_restart, args=(server, how, chance.random() * 0.5))
    restarting.start()
    submitted = 0
    asked = 0
    try:
        while restarting.is_alive() or submitted < len(MODES):
            task = some[MODES[submitted % len(MODES)]].submit()
            submitted += 1
            asked += ask_everywhere(server.paths, task)
    finally:
        restarting.join()
    tally.saw(how)
    tally.ran(seed, submitted, asked)


def _restart(server: Server, how: str, after: float) -> None:
    deadline = monotonic() + after
    until(lambda: monotonic() > deadline)
    if how == "SIGTERM":
        server.stop()
    else:
        server.kill()
    server.restart()
