"""The servers in `peers`, started, and one publisher that talks to them."""

from __future__ import annotations

import importlib.util
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .audience import greet
from .frames import Endpoint, Wire, dial
from .harness import LINE, Process


@dataclass(frozen=True)
class Rival:
    """A way to fan out: its name, its module in `peers`, what it needs, and how its socket is opened."""

    name: str
    module: str
    needs: tuple[str, ...]
    kind: str = "plain"
    path: str = "/ws"
    publish: str = "/publish"


RIVALS = (
    Rival("FastAPI loop", "fastapi_loop", ("fastapi", "uvicorn")),
    Rival(
        "Socket.IO room",
        "socketio_room",
        ("socketio", "uvicorn"),
        "socket.io",
        "/socket.io/?EIO=4&transport=websocket",
        "/socket.io/?EIO=4&transport=websocket&publisher=1",
    ),
    Rival("Tornado loop", "tornado_loop", ("tornado",)),
)


def present() -> list[Rival]:
    """Return those whose packages are installed; print the names of the others."""
    found = []
    for rival in RIVALS:
        missing = [name for name in rival.needs if importlib.util.find_spec(name) is None]
        if not missing:
            found.append(rival)
        else:
            print(f"({rival.name} is left out: not installed: {', '.join(missing)})", flush=True)
    return found


class Running(Process):
    """A rival's server; `say` publishes one event."""

    def __init__(self, rival: Rival, base: Path) -> None:
        super().__init__(["-m", f"tests.benchmarks.peers.{rival.module}"], base / f"{rival.module}.log")
        assert self.popen.stdout is not None
        port = int(self.popen.stdout.readline())
        self.kind = rival.kind
        self.endpoint = Endpoint(rival.kind, f"ws://127.0.0.1:{port}{rival.path}")
        self._publisher = self._connect(rival)

    def _connect(self, rival: Rival) -> Wire:
        wire = dial(self.endpoint, rival.publish)
        greet(wire, rival.kind)
        return wire

    def say(self) -> None:
        """Publish one event, with the time of now."""
        event = {"offset": 1, "task": "01", "time": time.time(), "type": "log", "data": {"text": LINE}}
        text = json.dumps(event, separators=(",", ":"))
        self._publisher.send(f'42["publish",{text}]' if self.kind == "socket.io" else text)

    def close(self) -> None:
        self._publisher.close()
        super().close()


@contextmanager
def running(rival: Rival, base: Path) -> Iterator[Running]:
    """A rival's server, ended at the end."""
    found = Running(rival, base)
    try:
        yield found
    finally:
        found.close()
