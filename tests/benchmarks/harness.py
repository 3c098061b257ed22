"""What every measurement shares: isolated folders, a real server, a table of rows."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles

from jupyter_agent.producer.producer import close_current

TOKEN = "bench"


@dataclass
class Row:
    """One figure with what it is compared to, all of one run."""

    what: str
    ours: float
    unit: str
    target: str
    beside: dict[str, float] = field(default_factory=dict)
    note: str = ""

    def __str__(self) -> str:
        others = "; ".join(
            f"{name} {show(value)} ({value / self.ours:.2g} x ours)" for name, value in self.beside.items()
        )
        return (
            f"| {self.what} | {show(self.ours)} {self.unit} | {self.target} | {others or '-'} | {self.note} |"
        )


HEAD = "| what | ours | target | beside it, in the same run | note |\n|---|---|---|---|---|"


def show(value: float) -> str:
    """A figure with three significant digits."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


@contextmanager
def isolated() -> Iterator[Path]:
    """A home of its own: nothing of the user's is read or written."""
    with tempfile.TemporaryDirectory(prefix="ja-bench-", ignore_cleanup_errors=True) as name:
        base = Path(name)
        for variable, folder in (
            ("HOME", "."),
            ("JUPYTER_AGENT_DIR", "agent"),
            ("JUPYTER_DATA_DIR", "data"),
            ("JUPYTER_RUNTIME_DIR", "runtime"),
            ("JUPYTER_CONFIG_DIR", "config"),
        ):
            os.environ[variable] = str(base / folder)
        try:
            yield base
        finally:
            close_current()


class Server:
    """A real Jupyter server with the extension, in a process of its own."""

    def __init__(self, base: Path) -> None:
        self._log = (base / "server.log").open("wb")
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "jupyter_server", "--ServerApp.port=0", "--ServerApp.ip=127.0.0.1"),
                *("--allow-root", "--no-browser", f"--IdentityProvider.token={TOKEN}"),
                *("--ServerApp.allow_remote_access=False", f"--ServerApp.root_dir={base}"),
            ],
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        self.url = self._wait(base)

    def _wait(self, base: Path) -> str:
        from jupyter_agent.discovery import read_holder

        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            holder = read_holder(base / "agent" / "journals" / "default")
            if holder is not None and holder.pid == self.process.pid:
                return holder.url
            time.sleep(0.05)
        raise TimeoutError(f"the server did not start; see {base / 'server.log'}")

    @property
    def websocket(self) -> str:
        return "ws" + self.url.removeprefix("http") + "jupyter-agent/ws"

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(20)
        self._log.close()


@contextmanager
def server() -> Iterator[Server]:
    """A server in an isolated home."""
    with isolated() as base:
        running = Server(base)
        try:
            yield running
        finally:
            running.close()


def best(run: object, times: int = 5) -> float:
    """The median of several timed calls, in seconds."""
    assert callable(run)
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return median(seconds)


def percentiles(values: list[float]) -> tuple[float, float]:
    """The 50th and the 99th percentile."""
    cuts = quantiles(values, n=100)
    return cuts[49], cuts[98]
