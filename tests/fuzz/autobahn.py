"""The Autobahn test suite against the WebSocket: ``python -m tests.fuzz.autobahn PYTHON2 [CASES]``.

The suite (``autobahntestsuite`` on PyPI) runs on Python 2.7 only, so PYTHON2 is such an interpreter that has
it. It wants every message back; so the server's own socket class is asked to send back what it gets, by its
own way of writing. CASES is a list such as ``1.*,2.*``; without it all but compression, which we do not have.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2]))

from tests.support.servers import Server, loud, servers

ALL = "1.*,2.*,3.*,4.*,5.*,6.*,7.*,9.*,10.*"
KNOWN = "7.9."
"""Close codes that no peer may send: Tornado sends them back where 1002 is wanted. The connection ends."""

ECHO = """
from jupyter_agent.server.handlers.websocket import AgentSocket

async def echo(self, message):
    if isinstance(message, bytes):
        await self.write_message(message, binary=True)
    else:
        self._connection.writer.post(message.encode())
        await self._connection.writer.drain()

AgentSocket.on_message = echo
"""
SETTINGS = ["--JupyterAgent.hello_seconds=3600", "--JupyterAgent.heartbeat_seconds=3600"]


def main(python2: str, cases: str = ALL) -> int:
    """Print what became of the cases; 1 when one failed that is not known to."""
    with tempfile.TemporaryDirectory() as folder, servers(Path(folder) / "server") as factory:
        server = factory.start(SETTINGS, config=ECHO)
        found = _run(python2, cases, server, Path(folder))
        said = loud(server.log_text())
    failed = sorted(case for case, outcome in found.items() if outcome in ("FAILED", "WRONG CODE", "UNCLEAN"))
    print(dict(Counter(found.values())), "failed:", *failed, "log:", *said)
    return int(bool(said) or not found or not all(case.startswith(KNOWN) for case in failed))


def _run(python2: str, cases: str, server: Server, folder: Path) -> dict[str, str]:
    url = "ws" + server.url.removeprefix("http") + f"jupyter-agent/ws?token={server.token}"
    spec = {
        "outdir": str(folder / "reports"),
        "servers": [{"agent": "jupyter_agent", "url": url}],
        "cases": cases.split(","),
        "exclude-cases": [],
        "exclude-agent-cases": {},
    }
    (folder / "spec.json").write_text(json.dumps(spec))
    suite = "from autobahntestsuite.wstest import run; run()"
    command = [python2, "-c", suite, "-m", "fuzzingclient", "-s", str(folder / "spec.json")]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    index = json.loads((folder / "reports" / "index.json").read_text())
    return {case: result["behavior"] for case, result in index["jupyter_agent"].items()}


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
