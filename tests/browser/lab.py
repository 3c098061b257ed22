"""A real JupyterLab in folders of its own, and helpers that operate its notebooks."""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from playwright.sync_api import Page, Route, expect

from tests.support.servers import COLLABORATION

START = 60.0
"""Seconds to wait for anything that a server, a kernel or a page does, on a busy machine too."""

STOP = 15.0
RECORD = re.compile(r"^(?=\[[DIWEC] |\[IPKernelApp\])", re.MULTILINE)
LOUD = re.compile(r"^\[[WEC] |\b(WARNING|ERROR|CRITICAL)\b|Traceback")
"""Matches a record at WARNING or above in the server's log."""

JUPYTERS_OWN = re.compile(
    "is not trusted"  # the test wrote the notebook
    "|Nudge: attempt|Timeout waiting for kernel_info"  # a kernel that takes its time to start
    "|Kernel is running over TCP without encryption"
    "|websocket_ping_timeout"
    # a page went away while its kernel's socket was being opened
    r"|no attribute 'kernel_ws_protocol'|500 GET /api/kernels/\S+/channels|\"User-Agent\":"
    r"|\.~\w+\.ipynb doesn't exist"  # and while its notebook was being saved
    # a page that was open when its server was stopped asks the next one for its kernel
    r"|Kernel does not exist: |404 GET /api/kernels/[-\w]+\?\d+ "
    "|received signal 15, stopping"
    "|Parent appears to have exited"  # a kernel of a server that was killed
)

EXTENSION = "jupyter-agent-tasks"
COLLABORATION_PAGES = {"@jupyter/collaboration-extension", "@jupyter/docprovider-extension"}
"""JupyterLab's extensions of jupyter-collaboration, on wherever it is installed."""
SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
}

SEARCH = {
    # What is linked in a server's folders comes before what is installed.
    "JUPYTER_PLATFORM_DIRS": "1",
    "JUPYTER_PREFER_ENV_PATH": "0",
    "PYTHONPATH": str(Path(__file__).parents[2]),
}


class Lab:
    """One server at a port of its own; `stop` ends it and all that it started, and it can `start` again.

    With *extension* its pages have this package's JupyterLab extension, as it was built; without *agent* the
    server does not have this package's. With *collaboration* several pages edit a notebook together.
    """

    def __init__(
        self, folder: Path, *, extension: bool = False, agent: bool = True, collaboration: bool = False
    ) -> None:
        self.root = folder / "notebooks"
        self.root.mkdir(parents=True)
        self._servers = {"jupyter_agent": agent, **dict.fromkeys(COLLABORATION, collaboration)}
        disabled = set() if collaboration else set(COLLABORATION_PAGES)
        if extension:
            link_extension(folder / "data")
        else:
            disabled.add(EXTENSION)
        disable_extensions(folder / "config", disabled)
        self.token = secrets.token_hex(16)
        self.folder = folder
        self.log = folder / "server.log"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        write_settings(folder / "config" / "lab" / "user-settings")
        self.start()

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                self._command(),
                stdout=output,
                stderr=output,
                start_new_session=True,
                env=environment(self.folder),
            )
        self._wait()

    def loud(self) -> list[str]:
        """The records of the server's log at WARNING or above, but for those that Jupyter makes anyway."""
        records = RECORD.split(self.log.read_text())
        return [record for record in records if LOUD.search(record) and not JUPYTERS_OWN.search(record)]

    def api(self, path: str) -> Any:
        """Return the answer to GET *path*."""
        return self.ask(path)

    def ask(self, path: str, method: str = "GET", body: Any = None) -> Any:
        """Return the server's answer."""
        headers = {"Authorization": f"token {self.token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=START) as response:
            return json.load(response)

    def open(self, page: Page, name: str, *cells: str, url: str = "") -> None:
        """Write a notebook of these cells, show it, and wait for its kernel."""
        write_notebook(self.root / name, cells)
        self._start_kernel(name)
        self.visit(page, name, url)
        wait_for_kernel(page)

    def visit(self, page: Page, name: str, url: str = "") -> None:
        """Show a notebook that is there; *url* is another way to the server."""
        workspace = Path(name).stem  # of its own, or JupyterLab opens the last test's notebooks too
        page.goto(f"{url or self.url}lab/workspaces/{workspace}/tree/{name}?token={self.token}")

    def visit_classic(self, page: Page, name: str) -> None:
        """Show a notebook that is there in Notebook 7."""
        page.goto(f"{self.url}notebooks/{name}?token={self.token}")

    def outputs(self, name: str, cell: int = 0) -> list[dict[str, Any]]:
        """The outputs of a cell in the notebook's file."""
        notebook = json.loads((self.root / name).read_text())
        found: list[dict[str, Any]] = notebook["cells"][cell]["outputs"]
        return found

    def kill(self) -> None:
        """End the server as a crash does; its kernels find that out themselves."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()

    def _command(self) -> list[str]:
        options = {
            "ServerApp.ip": "127.0.0.1",
            "ServerApp.port": str(self.port),
            "ServerApp.port_retries": "0",
            "ServerApp.open_browser": "False",
            "ServerApp.allow_root": "True",
            "ServerApp.root_dir": str(self.root),
            "ServerApp.jpserver_extensions": str(self._servers),
            "SQLiteYStore.db_path": str(self.folder / "ystore.db"),
            "IdentityProvider.token": self.token,
            "LanguageServerManager.autodetect": "False",  # basedpyright has one, which a page starts
            "LabApp.expose_app_in_browser": "True",
            "JupyterNotebookApp.expose_app_in_browser": "True",
        }
        arguments = [f"--{name}={value}" for name, value in options.items()]
        return [sys.executable, "-m", "jupyterlab", *arguments]

    def _start_kernel(self, name: str) -> None:
        """Start a session as the page would, so that the kernel starts while the page loads."""
        kernel = {"path": name, "name": name, "type": "notebook", "kernel": {"name": "python3"}}
        self.ask("api/sessions", "POST", kernel)

    def _wait(self) -> None:
        deadline = monotonic() + START
        while not self._answers():
            if monotonic() > deadline or self.process.poll() is not None:
                raise AssertionError(f"JupyterLab did not start:\n{self.log.read_text()}")
            sleep(0.05)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}api", timeout=5) as response:
                return bool(response.status == 200)
        except (urllib.error.URLError, OSError):
            return False


def free_port() -> int:
    """A port that no process listens on now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def link_extension(data: Path) -> None:
    """Let a server whose data folder is *data* find this package's JupyterLab extension."""
    built = Path(__file__).parents[2] / "jupyter_agent" / "labextension"
    assert (built / "package.json").exists(), "the front-end is not built: make frontend"
    (data / "labextensions").mkdir(parents=True)
    (data / "labextensions" / EXTENSION).symlink_to(built)


def disable_extensions(config: Path, names: set[str]) -> None:
    """Let pages of a server whose configuration is in *config* do without, also where they are installed."""
    page = config / "labconfig" / "page_config.json"
    page.parent.mkdir(parents=True)
    page.write_text(json.dumps({"disabledExtensions": dict.fromkeys(sorted(names), True)}))


def environment(folder: Path) -> dict[str, str]:
    """An environment whose folders all lie in *folder*, where they are made."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "JPY_"))}
    places = folders(folder)
    for place in places.values():
        Path(place).mkdir(parents=True, exist_ok=True)
    return {**kept, **places, **SEARCH}


def folders(folder: Path) -> dict[str, str]:
    """The folders of a server and its kernels below *folder*, by the variables that name them."""
    names = {
        "HOME": "home",
        "JUPYTER_AGENT_DIR": "agent",
        "JUPYTER_DATA_DIR": "data",
        "IPYTHONDIR": "ipython",
    }
    more = {"JUPYTER_RUNTIME_DIR": "runtime", "JUPYTER_CONFIG_DIR": "config"}
    return {name: str(folder / place) for name, place in {**names, **more}.items()}


def write_settings(folder: Path) -> None:
    """Write `SETTINGS` into the folder of a user's settings."""
    for name, values in SETTINGS.items():
        package, plugin = name.split(":")
        path = folder / package / f"{plugin}.jupyterlab-settings"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(values))


def write_notebook(path: Path, cells: tuple[str, ...]) -> None:
    """A notebook file of these code cells."""
    made: list[dict[str, Any]] = [
        {
            "cell_type": "code",
            "id": f"cell-{n}",
            "metadata": {},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        for n, source in enumerate(cells)
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path.write_text(
        json.dumps({"cells": made, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5})
    )


def wait_for_kernel(page: Page) -> None:
    """Wait until the notebook in front has a kernel that is idle.

    On a busy machine JupyterLab may miss what its kernel says of itself while it restarts: it is asked again.
    """
    page.wait_for_function(
        """() => {
          const panel = window.jupyterapp?.shell.currentWidget;
          const kernel = panel?.sessionContext?.session?.kernel;
          if (kernel && kernel.status !== "idle" && Date.now() > (window.askAgain ??= Date.now() + 10000)) {
            window.askAgain = undefined;
            kernel.requestKernelInfo().catch(() => null);
          }
          return kernel?.status === "idle" && panel.content?.widgets?.length > 0;
        }""",
        timeout=START * 1000,
    )


def run_cell(page: Page, index: int) -> None:
    """Run one cell of the notebook in front, as soon as it has its kernel again; does not wait for it.

    JupyterLab starts a new kernel, and shuts the old one down, for a cell run earlier after a refresh.
    """
    page.wait_for_function(
        "window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel", timeout=START * 1000
    )
    page.evaluate(
        """(index) => {
          const app = window.jupyterapp;
          app.shell.currentWidget.content.activeCellIndex = index;
          app.commands.execute("notebook:run-cell");
        }""",
        index,
    )


def save(page: Page) -> None:
    """Save the notebook in front."""
    page.evaluate("window.jupyterapp.shell.currentWidget.context.save()")


def is_dirty(page: Page) -> bool:
    """Return True if the notebook in front has unsaved changes."""
    return bool(page.evaluate("window.jupyterapp.shell.currentWidget.content.model.dirty"))


def command(page: Page, name: str, **args: Any) -> None:
    """Execute a command of the application; waits for what it gives."""
    page.evaluate(
        "([name, args]) => window.jupyterapp.commands.execute(name, args).then(() => null)", [name, args]
    )


@contextmanager
def held(page: Page, path: str) -> Iterator[None]:
    """Hold a page's requests for *path* back until the end, as a slow machine may; there must be one."""
    address, routes = re.compile(rf"/{re.escape(path)}([?]|$)"), list[Route]()
    page.route(address, lambda route: routes.append(route))
    yield
    assert routes != []
    for route in routes:
        route.continue_()
    page.unroute(address)


def block(stop: Path) -> str:
    """A cell that blocks its kernel until the file *stop* is there."""
    return f"import pathlib, time\nwhile not pathlib.Path({str(stop)!r}).exists():\n    time.sleep(0.05)"


def restart_kernel(page: Page) -> None:
    """Restart the kernel of the notebook in front, without a dialog."""
    page.evaluate("window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")


def view(page: Page, index: int = 0) -> Any:
    """The view of a task on the page."""
    return page.locator(".jupyter-agent-task").nth(index)


def wait_for_state(page: Page, state: str, index: int = 0, seconds: float = START) -> None:
    """Wait until a view says *state*."""
    expect(view(page, index)).to_have_attribute("data-state", state, timeout=seconds * 1000)
