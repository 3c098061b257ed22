"""The command line's own server counts as started when it accepts connections, and not before."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_agent.cli.jupyter import server_process
from jupyter_agent.errors import ServerUnreachable

Sleeper = tuple[subprocess.Popen[bytes], socket.socket, str]


@pytest.fixture
def sleeper(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Sleeper]:
    """A process that wrote its runtime file, a bound socket that does not listen yet, and its URL."""
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    process = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}/"
        (tmp_path / f"jpserver-{process.pid}.json").write_text(json.dumps({"url": url}))
        yield process, bound, url
    process.communicate()


def test_a_server_that_does_not_listen_yet_is_waited_for(
    sleeper: Sleeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    process, bound, url = sleeper
    refused = asyncio.Event()
    listens = server_process._listens

    async def watched(address: str) -> bool:
        answer = await listens(address)
        if not answer:
            refused.set()
        return answer

    monkeypatch.setattr(server_process, "_listens", watched)

    async def main() -> str:
        with tempfile.TemporaryFile() as output:
            found = asyncio.create_task(server_process._url(process, output))
            await asyncio.wait_for(refused.wait(), 10)
            assert not found.done()
            bound.listen()
            return await asyncio.wait_for(found, 10)

    assert asyncio.run(main()) == url


def test_a_server_that_ends_before_it_listens_is_reported_at_once(sleeper: Sleeper) -> None:
    process, _, _ = sleeper
    process.communicate()

    async def main() -> None:
        with tempfile.TemporaryFile() as output:
            output.write(b"no such option\n")
            await server_process._url(process, output)

    with pytest.raises(ServerUnreachable, match="did not start: no such option"):
        asyncio.run(main())
