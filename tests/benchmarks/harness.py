"""Shared parts of every measurement: isolated folders, a real server, peers, a producer."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import psutil

from jupyter_agent.producer.producer import Producer
from jupyter_agent.transport.discovery import read_holder
from tests.support.producers import close_current, wait_until_up

if TYPE_CHECKING:
    from .frames import Endpoint

ROOT = Path(__file__).parents[2]
TOKEN = "bench"
LINE = "one line of ordinary length, as people write them"
START_TIMEOUT = 60.0
_OTHERS = (
    *("jupyterlab", "notebook", "notebook_shim", "jupyter_lsp", "jupyter_server_terminals"),
    *("jupyter_server_ydoc", "jupyter_server_fileid"),
)
_FOLDERS = {
    "HOME": ".",
    "TMPDIR": "tmp",
    "JUPYTER_AGENT_DIR": "agent",
    "JUPYTER_DATA_DIR": "data",
    "JUPYTER_RUNTIME_DIR": "runtime",
    "JUPYTER_CONFIG_DIR": "config",
    "IPYTHONDIR": "ipython",
    "JUPYTER_PLATFORM_DIRS": "",
}


@contextmanager
def isolated() -> Iterator[Path]:
    """A home of its own for this process and its children: nothing of the user's is read or written."""
    before = dict(os.environ)
    base = Path(tempfile.mkdtemp(prefix="ja-bench-"))
    (base / "tmp").mkdir()
    os.environ.update({name: str(base / folder) if folder else "1" for name, folder in _FOLDERS.items()})
    try:
        yield base
    finally:
        close_current()
        os.environ.clear()
        os.environ.update(before)
        shutil.rmtree(base, ignore_errors=True)


class Process:
    """A server process of any kind and what it used."""

    def __init__(self, command: Sequence[str], log: Path) -> None:
        self._log = log.open("wb")
        self.popen = subprocess.Popen(
            [sys.executable, *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._log,
            cwd=ROOT,
        )
        self._watched = psutil.Process(self.popen.pid)

    @property
    def cpu(self) -> float:
        """Seconds of processor time used so far."""
        times = self._watched.cpu_times()
        return float(times.user + times.system)

    @property
    def rss(self) -> int:
        """Bytes resident now."""
        return int(self._watched.memory_info().rss)

    def close(self) -> None:
        """End it, and wait."""
        self.popen.terminate()
        try:
            self.popen.wait(20)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
        assert self.popen.stdout is not None
        self.popen.stdout.close()
        self._log.close()


class Server(Process):
    """A real Jupyter server with this extension and no other; *settings* are the extension's."""

    def __init__(self, base: Path, settings: dict[str, object] | None = None) -> None:
        self.base = base
        extensions = dict.fromkeys(_OTHERS, False) | {"jupyter_agent": True}
        config = base / "config" / "jupyter_server_config.json"
        config.parent.mkdir(exist_ok=True)
        config.write_text(
            json.dumps({"ServerApp": {"jpserver_extensions": extensions}, "JupyterAgent": settings or {}})
        )
        started = time.perf_counter()
        super().__init__(
            [
                *("-m", "jupyter_server", "--ServerApp.port=0", "--ServerApp.ip=127.0.0.1"),
                *("--allow-root", "--no-browser", f"--IdentityProvider.token={TOKEN}"),
                f"--ServerApp.root_dir={base}",
            ],
            base / "server.log",
        )
        self.url = self._wait()
        self.start_up = time.perf_counter() - started

    def _wait(self) -> str:
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline and self.popen.poll() is None:
            holder = read_holder(self.base / "agent" / "journals" / "default")
            if holder is not None and holder.pid == self.popen.pid:
                return holder.url
            time.sleep(0.01)
        self.close()
        raise TimeoutError(f"the server did not start: {(self.base / 'server.log').read_text()[-2000:]}")

    @property
    def endpoint(self) -> Endpoint:
        """Its WebSocket."""
        from .frames import Endpoint

        headers = {
            "Authorization": f"token {TOKEN}",
            "Sec-WebSocket-Protocol": "v1.events.jupyter-agent",
        }
        return Endpoint("ours", "ws" + self.url.removeprefix("http") + "jupyter-agent/ws", headers)


@contextmanager
def server() -> Iterator[Server]:
    """A server in an isolated home."""
    with isolated() as base:
        running = Server(base)
        try:
            yield running
        finally:
            close_current()
            running.close()


@contextmanager
def kernel() -> Iterator[Producer]:
    """This process as a kernel of the server: its producer, connected."""
    producer = Producer()
    try:
        if not wait_until_up(producer.forwarder, 20):
            raise TimeoutError("no connection to the server within 20 s")
        producer.add_sampler("running", lambda: None)  # as while a task runs
        yield producer
    finally:
        producer.close()


def paced(count: int, rate: float, act: Callable[[], object]) -> None:
    """Call *act* *count* times, *rate* times a second; one that is late is not waited for."""
    due = time.perf_counter()
    for _ in range(count):
        act()
        due += 1 / rate
        time.sleep(max(0.0, due - time.perf_counter()))


def timed(run: Callable[[], object], times: int = 3) -> float:
    """The median of several timed calls, in seconds."""
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return median(seconds)


def percentile(values: Sequence[float], q: float) -> float:
    """The value that the part *q* (0 to 1) of *values* does not pass (nearest rank)."""
    if not values:
        raise ValueError("there is no percentile of nothing")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(q * len(ordered)) - 1)]
