"""Real Jupyter servers with the extension, each in folders of its own, and requests to them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from typing import Any

from jupyter_agent.system.files import read_json
from jupyter_agent.system.paths import DataPaths
from tests.support.builders import PACKAGE_ROOT, until

COLLABORATION = ("jupyter_server_ydoc", "jupyter_server_fileid")
"""The server's extensions of jupyter-collaboration, on wherever it is installed."""
PAGES = ("jupyterlab", "notebook", "notebook_shim", "nbclassic")
QUIET = (*PAGES, "jupyter_lsp", "jupyter_server_terminals", *COLLABORATION)
TOKEN = "a-token-of-tests"


@dataclass(frozen=True)
class Answer:
    """The answer to one request."""

    status: int
    headers: Message[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def environment(home: Path, agent: Path | None = None) -> dict[str, str]:
    """An environment whose every folder lies below *home*."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "JPY_"))}
    (home / "tmp").mkdir(parents=True, exist_ok=True)
    return kept | {
        "HOME": str(home),
        "TMPDIR": str(home / "tmp"),
        "JUPYTER_AGENT_DIR": str(agent or home / "agent"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "IPYTHONDIR": str(home / "ipython"),
        "PYTHONPATH": str(PACKAGE_ROOT),
        "PYTHONUNBUFFERED": "1",
    }


@dataclass
class Server:
    """One `python -m jupyter_server`; `restart` starts it anew in the same folders."""

    home: Path
    name: str
    agent: Path
    token: str = TOKEN
    base_url: str = "/"
    extra_args: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    config: str = ""
    ip: str = "127.0.0.1"
    sock: str = ""
    """The Unix socket on which it listens, instead of a port."""

    process: subprocess.Popen[bytes] = field(init=False)
    url: str = ""

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def paths(self) -> DataPaths:
        return DataPaths(self.agent)

    @property
    def log_path(self) -> Path:
        return self.home / f"{self.name}.log"

    def log_text(self) -> str:
        return self.log_path.read_text(errors="replace")

    def start(self, *, wait: bool = True) -> Server:
        """Start it and, with *wait*, return when it answers."""
        config = self.home / f"config-{self.name}"
        config.mkdir(parents=True, exist_ok=True)
        extensions = dict.fromkeys(QUIET, False) | {"jupyter_agent": True}
        settings = {"ServerApp": {"jpserver_extensions": extensions}}
        (config / "jupyter_server_config.json").write_text(json.dumps(settings))
        if self.config:
            (config / "jupyter_server_config.py").write_text(self.config)
        environ = environment(self.home, self.agent) | {"JUPYTER_CONFIG_DIR": str(config)} | self.env
        listen = [f"--ServerApp.sock={self.sock}"] if self.sock else ["--ServerApp.port=0"]
        command = [sys.executable, "-m", "jupyter_server", *listen, f"--ServerApp.ip={self.ip}"]
        command += [
            "--no-browser",
            f"--ServerApp.base_url={self.base_url}",
            f"--ServerApp.root_dir={self.home}",
        ]
        command += [f"--IdentityProvider.token={self.token}", *self.extra_args]
        if hasattr(os, "getuid") and os.getuid() == 0:
            command.append("--allow-root")
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                command, env=environ, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        if wait:
            self.wait_until_up()
        return self

    def wait_until_up(self) -> None:
        """Return when it listens and, unless the extension is off, holds a journal."""
        info = self.home / "runtime" / f"jpserver-{self.pid}.json"

        def up() -> bool:
            assert self.process.poll() is None, self.log_text()
            found, holds = read_json(info), self.slot is not None
            self.url = found["url"].replace("localhost", "127.0.0.1") if found else ""
            if holds and self.url.endswith(f":0{self.base_url}"):  # of an old jupyter-server
                self.url = self.held["url"]
            return bool(found) and (holds or "jupyter_agent is off" in self.log_text())

        until(up, 30)

    def wait_until_listening(self) -> None:
        """Return when Jupyter answers, even if the extension failed to load."""
        info = self.home / "runtime" / f"jpserver-{self.pid}.json"
        found = until(lambda: read_json(info), 30)
        self.url = found["url"].replace("localhost", "127.0.0.1")

        def answers() -> bool:
            try:
                return self.api("status").status == 200
            except urllib.error.URLError:
                return False

        until(answers, 30)

    @property
    def slot(self) -> str | None:
        """The journal that this server holds."""
        for path in self.agent.glob("journals/*/holder.json"):
            holder = read_json(path)
            if holder and holder["pid"] == self.pid:
                return path.parent.name
        return None

    @property
    def key(self) -> str:
        """The key in this server's address file."""
        return str(self.held["key"])

    @property
    def held(self) -> dict[str, Any]:
        """This server's address file."""
        holder = read_json(self.agent / "journals" / (self.slot or "") / "holder.json")
        assert holder is not None
        return holder

    def stop(self) -> int:
        """SIGTERM, and its exit status; a server that is gone already is nothing."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait(10)

    def restart(self) -> Server:
        """Start again in the same folders; the old process must be gone."""
        assert self.process.poll() is not None
        return self.start()

    def ask(
        self,
        path: str,
        *,
        method: str = "GET",
        body: object = None,
        token: str | None = "",
        headers: dict[str, str] | None = None,
        root: str = "jupyter-agent/",
    ) -> Answer:
        """One HTTP request below ``jupyter-agent/``. *token*: ``""`` this server's own, ``None`` none."""
        sent = dict(headers or {})
        if token is not None:
            sent["Authorization"] = f"token {token or self.token}"
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + root + path, data=data, method=method, headers=sent)
        try:
            with _no_proxy.open(request, timeout=20) as response:
                return Answer(response.status, response.headers, response.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.headers, error.read())

    def api(self, path: str, method: str = "GET", body: object = None) -> Answer:
        """One request to Jupyter's own ``api/``."""
        return self.ask(path, method=method, body=body, root="api/")

    def task(self, task_id: str) -> Any:
        """The snapshot of a task."""
        answer = self.ask(f"tasks/{task_id}")
        return answer.json if answer.status == 200 else None

    def events(self, task_id: str, types: str | None = None) -> list[Any]:
        """Every event of a task."""
        found: list[Any] = []
        after = ""
        while True:
            query = f"?limit=10000{f'&types={types}' if types else ''}{f'&after={after}' if after else ''}"
            page = self.ask(f"tasks/{task_id}/events{query}").json
            found += page["events"]
            after = page["cursor"]
            if not page["more"]:
                return found

    def lines(self, task_id: str) -> list[str]:
        """The text of every log event of a task."""
        return [event["data"]["text"] for event in self.events(task_id, "log")]

    def start_kernel(self) -> str:
        """A kernel of this server; its id."""
        return str(self.api("kernels", "POST", {"name": "python3"}).json["id"])


_LOUD = re.compile(
    r"^\[(W|E|C) |^Traceback|Error\b|Exception|never (retrieved|awaited)|was destroyed", re.MULTILINE
)
_EXPECTED = re.compile(
    r"\[C .* received signal 15, stopping"
    r"|\[W .* ServerApp\] 4\d\d (GET|HEAD|POST|PUT|PATCH|DELETE) "  # Jupyter's own line for a refused request
)


def loud(log: str) -> list[str]:
    """The lines of a server's log that a quiet life does not have (refused requests are part of one)."""
    return [line for line in log.splitlines() if _LOUD.search(line) and not _EXPECTED.search(line)]


_OURS = re.compile(r'^\[(W|E|C) .*(JupyterAgent|jupyter.agent)|^\s+File ".*/jupyter_agent/|agent-journal')


def loud_of_ours(log: str) -> list[str]:
    """The same, of this package only, for logs in which kernels that die leave words of their own."""
    return [line for line in log.splitlines() if _OURS.search(line) and not _EXPECTED.search(line)]


def assert_problem(answer: Answer, status: int, code: str | None = None) -> None:
    """Assert that *answer* is a problem detail (RFC 9457) without a traceback."""
    assert answer.status == status, answer.body
    assert answer.headers["Content-Type"] == "application/problem+json"
    body = answer.json
    assert set(body) == {"type", "title", "status", "detail", "code"}
    assert body["status"] == status
    assert body["detail"]
    if code is not None:
        assert body["code"] == code
    assert b"Traceback" not in answer.body
    assert not re.search(rb"\.py(:\d|\W+line)", answer.body)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


_no_proxy = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)


class Servers:
    """Starts servers below one folder and stops what is left at the end."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.started: list[Server] = []

    def start(
        self,
        extra_args: tuple[str, ...] | list[str] = (),
        env: dict[str, str] | None = None,
        config: str = "",
        *,
        base_url: str = "/",
        token: str = TOKEN,
        wait: bool = True,
        ip: str = "127.0.0.1",
        sock: str = "",
    ) -> Server:
        """A server; a second one belongs to the same user. *config* is Python for Jupyter's config file."""
        env = env or {}
        agent = Path(env.get("JUPYTER_AGENT_DIR", self.home / "agent"))
        name = f"server-{len(self.started) + 1}"
        server = Server(self.home, name, agent, token, base_url, tuple(extra_args), env, config, ip, sock)
        self.started.append(server)
        return server.start(wait=wait)

    __call__ = start

    def close(self) -> None:
        """Stop every server that still runs."""
        for server in self.started:
            if server.process.poll() is None:
                server.process.send_signal(signal.SIGCONT)
                server.process.terminate()
        for server in self.started:
            try:
                server.process.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()


@contextmanager
def servers(home: Path) -> Iterator[Servers]:
    """Servers that are gone at the end."""
    home.mkdir(parents=True, exist_ok=True)
    some = Servers(home)
    try:
        yield some
    finally:
        some.close()
