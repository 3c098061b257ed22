"""Processes that are stopped (SIGSTOP): stalled meanwhile, live again afterwards, and nothing lost."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import time

import pytest

from tests.support.builders import until
from tests.support.kernels import assert_story, script, stream_in_kernel
from tests.support.servers import Server, Servers, loud_of_ours

pytestmark = pytest.mark.timeout(90)

CONFIG = """
from jupyter_agent.server.background import liveness
from jupyter_agent.server.delivery import keepalive
liveness.PERIOD, liveness.STALLED_AFTER = 0.2, 0.5
keepalive.PING_INTERVAL, keepalive.MAX_SILENCE = 0.5, {silence}
"""
"""A server's own bounds, some fifty times shorter. Within `silence` the connection is kept."""

PATIENT, IMPATIENT = 600.0, 1.0


def start(fresh: Servers, silence: float) -> Server:
    return fresh.start(["--JupyterAgent.heartbeat_seconds=0.1"], config=CONFIG.format(silence=silence))


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def connected(server: Server) -> int:
    return int(server.ask("health").json["connections"])


@pytest.mark.parametrize("silence", [PATIENT, IMPATIENT])
def test_a_stopped_kernel_is_stalled_and_then_live_again(
    fresh: Servers, tmp_path: Path, silence: float
) -> None:
    server = start(fresh, silence)
    written = stream_in_kernel(server, server.start_kernel(), tmp_path / "written", count=300, pause=0.005)
    written.wait(50)
    until(lambda: server.task(written.task))
    assert server.task(written.task)["stalled_since"] is None
    with stopped(written.pid):
        stalled = until(lambda: server.task(written.task)["stalled_since"])
        task = server.task(written.task)
        assert (task["state"], task["ended"]) == ("running", None)
        assert task["updated"] - 1 <= stalled <= time()
        until(lambda: connected(server) == (1 if silence == PATIENT else 0))
    until(lambda: server.task(written.task)["stalled_since"] is None)
    assert_story(server, written, "completed", 20)
    assert server.task(written.task)["stalled_since"] is None
    assert not loud_of_ours(server.log_text())


def test_a_script_that_is_stopped_again_and_again_loses_nothing(fresh: Servers, tmp_path: Path) -> None:
    server = start(fresh, IMPATIENT)
    with script(server, tmp_path / "written", count=300, pause=0.005) as (process, written):
        for _ in range(2):
            written.wait(len(written.lines) + 20)
            with stopped(process.pid):
                until(lambda: server.task(written.task)["stalled_since"])
            until(lambda: server.task(written.task)["stalled_since"] is None)
        assert_story(server, written, "completed", 20)
