"""Why the tasks of a kernel were interrupted: what ended it, and who."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from jupyter_server.auth import User
from jupyter_server.base.call_context import CallContext

from jupyter_agent.server.background import kernel_ends
from tests.support.builders import until
from tests.support.kernels import execute
from tests.support.servers import Server, servers

pytestmark = pytest.mark.timeout(90)
CONFIG = """
from jupyter_server.auth.identity import PasswordIdentityProvider, User

class Named(PasswordIdentityProvider):
    def generate_anonymous_user(self, handler):
        return User("ada", display_name="Ada")

c.ServerApp.identity_provider_class = Named
c.KernelManager.shutdown_wait_time = 1.0
"""
TASK = """
import ctypes, os, time
import jupyter_agent as ja

def work(path):
    with open(path, "x") as file:
        file.write(f"{os.getpid()} {ja.current().id} ")
    time.sleep(600)

ja.task(work, on=ON, show=False).submit(PATH)
while not os.path.exists(PATH):
    time.sleep(0.01)
"""
STUCK = """
from jupyter_agent.producer.producer import current_producer
current_producer().flush(30)  # while it is stuck, not even the forwarder runs
ctypes.PyDLL(None).sleep(60)
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose user has a name."""
    with servers(tmp_path_factory.mktemp("house")) as factory:
        yield factory.start(config=CONFIG)


def begin(server: Server, kernel: str, path: Path, on: str = "thread", then: str = "") -> tuple[int, str]:
    """A task that runs in *kernel*: its process and its id."""
    execute(server, kernel, f"{TASK}\n{then}".replace("PATH", repr(str(path))).replace("ON", repr(on)))
    words = until(lambda: path.exists() and path.read_text().endswith(" ") and path.read_text().split(), 30)
    until(lambda: (server.task(words[1]) or {}).get("state") == "running", 30)
    return int(words[0]), words[1]


def reason(server: Server, task: str) -> str:
    """Why *task* was interrupted, by its only end."""
    until(lambda: (server.task(task) or {}).get("state") == "interrupted", 30)
    ends = [e["data"] for e in server.events(task, "state")][2:]
    assert [end["state"] for end in ends] == ["interrupted"]
    return str(ends[0]["reason"])


@pytest.mark.parametrize("on", ["thread", "process"])
def test_who_shut_a_kernel_down_is_told(house: Server, tmp_path: Path, on: str) -> None:
    kernel = house.start_kernel()
    _, task = begin(house, kernel, tmp_path / "seen", on)
    assert house.api(f"kernels/{kernel}", "DELETE").status == 204
    assert reason(house, task) == "its kernel was shut down by Ada"


def test_a_kernel_that_did_not_answer_and_was_killed_for_it_was_shut_down(
    house: Server, tmp_path: Path
) -> None:
    kernel = house.start_kernel()
    _, task = begin(house, kernel, tmp_path / "seen", then=STUCK)
    assert house.api(f"kernels/{kernel}", "DELETE").status == 204
    assert reason(house, task) == "its kernel was shut down by Ada"


def test_who_restarted_a_kernel_is_told_and_of_the_next_one_that_it_died(
    house: Server, tmp_path: Path
) -> None:
    kernel = house.start_kernel()
    _, task = begin(house, kernel, tmp_path / "first")
    assert house.api(f"kernels/{kernel}/restart", "POST", {}).status == 200
    assert reason(house, task) == "its kernel was restarted by Ada"
    pid, task = begin(house, kernel, tmp_path / "second")
    os.kill(pid, signal.SIGKILL)
    assert reason(house, task) == "its kernel died"
    house.api(f"kernels/{kernel}", "DELETE")


def test_a_child_that_dies_alone_is_not_called_the_death_of_its_kernel(house: Server, tmp_path: Path) -> None:
    kernel = house.start_kernel()
    pid, task = begin(house, kernel, tmp_path / "first", "process")
    os.kill(pid, signal.SIGKILL)
    assert reason(house, task) in ("the process that ran it is gone", "its process was killed by SIGKILL")
    execute(house, kernel, "ballast = b'x' * (300 << 20)")  # takes its time to be freed
    pid, task = begin(house, kernel, tmp_path / "second", "process")
    os.kill(_parent(pid), signal.SIGKILL)
    assert reason(house, task) == "its kernel died"
    house.api(f"kernels/{kernel}", "DELETE")


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


@pytest.mark.parametrize(
    ("name", "finished", "told"),
    [
        ("Ada", False, " by Ada"),
        ("Ada", True, ""),
        ("Anonymous Carme", False, ""),
        ("\x1b[1mA", False, " by A"),
    ],
)
def test_only_a_request_that_is_being_served_tells_who(name: str, finished: bool, told: str) -> None:
    user = User("x", display_name=name)
    before = CallContext.get(CallContext.JUPYTER_HANDLER)
    CallContext.set(CallContext.JUPYTER_HANDLER, SimpleNamespace(current_user=user, _finished=finished))
    try:
        assert kernel_ends._by() == told
    finally:
        CallContext.set(CallContext.JUPYTER_HANDLER, before)
