"""A real JupyterHub with configurable-http-proxy: the servers of its users, and their logins."""

from __future__ import annotations

import json
import secrets
import signal
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from playwright.sync_api import Page

from tests.support.builders import PACKAGE_ROOT, until
from tests.support.servers import COLLABORATION

from .lab import (
    COLLABORATION_PAGES,
    SEARCH,
    START,
    disable_extensions,
    environment,
    folders,
    free_port,
    link_extension,
    write_settings,
)

PROXY = PACKAGE_ROOT / "tools" / "hub_proxy.py"
PROMPT = ("--HubAuth.cache_max_age=1", "--JupyterAgent.heartbeat_seconds=1")
"""Options with which a server notices within a second that a login has ended."""

NO_LANGUAGE_SERVER = "--LanguageServerManager.autodetect=False"
"""The tests' environment has one, which each page would start."""

CONFIG = """\
c.JupyterHub.bind_url = {url!r}
c.JupyterHub.hub_bind_url = "http://127.0.0.1:{hub_port}"
c.JupyterHub.subdomain_host = {domain!r}
c.JupyterHub.ssl_key, c.JupyterHub.ssl_cert = {tls!r}
c.JupyterHub.db_url = "sqlite:///{folder}/hub.sqlite"
c.JupyterHub.cookie_secret_file = "{folder}/cookie_secret"
c.JupyterHub.authenticator_class = "dummy"
c.JupyterHub.spawner_class = "simple"
c.JupyterHub.services = [{{"name": "tests", "api_token": {token!r}}}]
c.JupyterHub.load_roles = [
    {{"name": "tests", "services": ["tests"], "scopes": ["admin:users", "admin:servers", "tokens"]}}
]
c.JupyterHub.activity_resolution = 1
c.JupyterHub.last_activity_interval = 1
c.ConfigurableHTTPProxy.command = {proxy!r}
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{proxy_port}"
c.ConfigurableHTTPProxy.auth_token = {token!r}
c.ConfigurableHTTPProxy.pid_file = "{folder}/proxy.pid"
c.Authenticator.allow_all = True
c.Spawner.cmd = {cmd!r}
c.Spawner.args = {args!r}
c.Spawner.default_url = "/lab"
c.SimpleLocalProcessSpawner.home_dir_template = "{folder}/homes/{{username}}/home"
c.Spawner.pre_spawn_hook = lambda spawner: spawner.environment.update(
    {{name: value.replace("USER", spawner.user.name) for name, value in {environment!r}.items()}}
)
"""


@dataclass
class Hub:
    """One hub at a port of its own. ``folder/homes/NAME`` has all folders of a user's server.

    ``domain``: where browsers find it, when each user's server is at a host of its own below that.
    ``tls``: at https, with a certificate that it has signed itself.
    """

    folder: Path
    domain: str = ""
    tls: bool = False
    token: str = field(default_factory=lambda: secrets.token_hex(16))

    def start(self) -> Hub:
        """Start it, and return when it answers."""
        self.url = f"{'https' if self.tls else 'http'}://127.0.0.1:{free_port()}/"
        self.port = free_port()  # of the hub itself, behind its proxy
        self.folder.mkdir(parents=True, exist_ok=True)
        config = self.folder / "jupyterhub_config.py"
        config.write_text(self._config())
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "jupyterhub", "-f", str(config)],
                cwd=self.folder,
                env=environment(self.folder),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        until(self._answers, START)
        return self

    def page(self, user: str, path: str) -> str:
        """Return the address of a page of a user's server."""
        host = f"{user}.{self.domain}" if self.domain else "127.0.0.1"
        return f"{self.url.replace('127.0.0.1', host)}user/{escaped(user)}/{path}"

    @property
    def log(self) -> Path:
        return self.folder / "hub.log"

    def home(self, user: str) -> Path:
        return self.folder / "homes" / user

    def api(self, method: str, path: str, body: object = None) -> Any:
        """Return the hub's answer, asked as its administrator."""
        return self._ask(method, f"{self.url}hub/api/{path}", body)

    def ask(self, user: str, path: str, method: str = "GET", body: object = None) -> Any:
        """Return the answer of a user's server, asked with a token of the user's."""
        return self._ask(method, f"{self.url}user/{escaped(user)}/{path}", body, self._token_of(user))

    def start_server(self, user: str) -> None:
        """Start the server of a user, who is made on first use; return when it is ready."""
        if not self.home(user).exists():
            prepare(self.home(user))
            self.api("POST", f"users/{quote(user)}")
        self.api("POST", f"users/{quote(user)}/server")
        until(lambda: self.server(user).get("ready"), START)

    def stop_server(self, user: str) -> None:
        """Stop it, and return when it is gone."""
        self.api("DELETE", f"users/{quote(user)}/server")
        until(lambda: not self.server(user), START)

    def server(self, user: str) -> dict[str, Any]:
        """What the hub knows about the user's server; empty when there is none."""
        found: dict[str, Any] = self.api("GET", f"users/{quote(user)}")["servers"].get("", {})
        return found

    def login(self, page: Page, user: str) -> None:
        """Log in by the form of the page that the hub shows."""
        page.locator("#username_input").fill(user)
        page.locator("#password_input").fill("")
        page.locator("#login_submit").click()

    def stop(self) -> None:
        """Stop the hub, its proxy and its servers."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(START)

    def _token_of(self, user: str) -> str:
        if user not in self._tokens:
            self._tokens[user] = self.api("POST", f"users/{quote(user)}/tokens")["token"]
        return self._tokens[user]

    _tokens: dict[str, str] = field(default_factory=dict)

    def _ask(self, method: str, url: str, body: object, token: str = "") -> Any:
        headers = {"Authorization": f"token {token or self.token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, headers, method=method)
        trust = ssl.create_default_context(cafile=self.folder / "cert.pem") if self.tls else None
        with urllib.request.urlopen(request, timeout=START, context=trust) as response:
            text = response.read()
        return json.loads(text) if text else None

    def _answers(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            return bool(self.api("GET", ""))
        except (urllib.error.URLError, OSError):
            return False

    def _config(self) -> str:
        names = folders(self.folder / "homes" / "USER") | SEARCH
        extensions = {"jupyter_agent": True, **dict.fromkeys(COLLABORATION, False)}
        options = ["--allow-root", f"--ServerApp.jpserver_extensions={extensions}"]
        domain = self.url.rstrip("/").replace("127.0.0.1", self.domain) if self.domain else ""
        return CONFIG.format(
            url=self.url,
            domain=domain,
            tls=certificate(self.folder) if self.tls else ("", ""),
            hub_port=self.port,
            proxy_port=free_port(),
            folder=self.folder,
            token=self.token,
            proxy=[sys.executable, str(PROXY), "run"],
            cmd=[sys.executable, "-m", "jupyterhub.singleuser"],
            args=[*options, "--LabApp.expose_app_in_browser=True", NO_LANGUAGE_SERVER, *PROMPT],
            environment=names | {"JUPYTERHUB_ACTIVITY_INTERVAL": "1"},
        )


def escaped(user: str) -> str:
    """A user's name as the hub has it in addresses."""
    return quote(user, safe="@~")


def certificate(folder: Path) -> tuple[str, str]:
    """Make a key, and a certificate for this machine that it has signed itself."""
    key, certificate = (str(folder / name) for name in ("key.pem", "cert.pem"))
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=hub"]
    more = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate]
    subprocess.run([*command, *more], check=True, capture_output=True)
    return key, certificate


@contextmanager
def idle_culler(hub: Hub, seconds: int) -> Iterator[None]:
    """A jupyterhub-idle-culler that stops servers after so many seconds without activity."""
    command = [sys.executable, "-m", "jupyterhub_idle_culler", f"--url=http://127.0.0.1:{hub.port}/hub/api"]
    options = [f"--timeout={seconds}", "--cull-every=1"]
    env = environment(hub.folder) | {"JUPYTERHUB_API_TOKEN": hub.token}
    with hub.log.open("ab") as output:
        process = subprocess.Popen([*command, *options], env=env, stdout=output, stderr=output)
    try:
        yield
        assert process.poll() is None, hub.log.read_text()
    finally:
        process.terminate()
        process.wait(START)


def prepare(home: Path) -> None:
    """Make the folders of a user's server, with this package's JupyterLab extension."""
    environment(home)
    disable_extensions(home / "config", COLLABORATION_PAGES)
    link_extension(home / "data")
    write_settings(home / "config" / "lab" / "user-settings")
