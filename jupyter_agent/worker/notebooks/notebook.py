"""Notebook targets: run in a kernel of their own, saved beside the task."""

from __future__ import annotations

import asyncio
import html
import os
import tempfile
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import nbformat
from jupyter_client.client import KernelClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbclient.util import ensure_async

from ...detached.targets import NotebookTarget
from ...errors import TargetFailed
from ...runtime.context import TaskContext
from ...system.files import make_private, write_private
from ...system.graces import KERNEL_GRACE
from ...system.paths import data_paths, ensure_temporary_folder
from ...system.process_table import STARTED_BY
from ...system.processes import Session, kill_all
from ...transport.discovery import REMOTE, find_address, find_journal
from ..environment import kernel_environment
from ..exit_status import describe_exit
from .client import ReportingNotebookClient, plain
from .kernel_place import KernelPlace
from .load import find_kernel, read_notebook
from .loop_thread import LoopThread
from .parameters import inject

MAX_LAST_OUTPUT = 20_000
"""Bytes of a dead kernel's own output that are kept."""


def run(target: NotebookTarget, context: TaskContext) -> dict[str, str]:
    """Run the notebook to its end and return where the executed one is saved.

    Raises `TargetFailed` for a cell that raised and for a kernel that died, and `BadTarget` for a file
    that is not a notebook. A cell that takes too long has the attempt stopped.
    """
    ensure_temporary_folder(data_paths())
    with tempfile.TemporaryFile() as output:
        notebook_run = NotebookRun(target, context, output)
        try:
            notebook_run.prepare()
            notebook_run.execute()
        finally:
            notebook_run.kill_session()
            notebook_run.close()
    return {"notebook": str(notebook_run.saved_at)}


class NotebookRun:
    """One attempt to run a notebook. *output* gets what the kernel's process writes outside cells."""

    def __init__(self, target: NotebookTarget, context: TaskContext, output: IO[bytes]) -> None:
        self._target = target
        self._context = context
        self._path = Path(target.path)
        self._notebook = read_notebook(self._path)
        results = make_private(data_paths().results)
        self.saved_at = results / f"{context.id}-{context.attempt}.ipynb"
        self._client: ReportingNotebookClient | None = None
        self._output = output
        self._place = KernelPlace(self._notebook)

    def prepare(self) -> None:
        """Inject the parameters, and save the notebook as it is before it runs."""
        spec = find_kernel(self._notebook, self._target.kernel)
        self._language = spec.language
        values = self._target.parameters
        if values and not inject(self._notebook, values, spec.language, self._path.name):
            self._context.log(
                f"{self._path.name} has no cell tagged 'parameters': they are set at the top, and what the "
                "notebook itself assigns comes after them",
                "warning",
            )
        self._client = self._make_client()
        self.save()
        self._context.record_display(_link(self._context, self.saved_at), {}, "executed-notebook")

    def save(self) -> None:
        """Write the notebook as it is now."""
        text: str = nbformat.v4.writes(self._notebook)
        write_private(self.saved_at, text.encode())

    def execute(self) -> None:
        """Run all cells. An exception raised into this thread meanwhile interrupts the kernel and ends it."""
        try:
            LoopThread(self._execute, self._stop).run()
        except CellExecutionError as error:
            raise self._failed(error.ename, error.evalue, self._running_client.traceback) from None
        except DeadKernelError as error:
            raise self._died(error) from None

    def close(self) -> None:
        """Forget where the kernel was."""
        self._context.place = None
        self._place.close()

    def _on_kernel(self, client: KernelClient) -> None:
        process = self._running_client.process
        self._place.register(client, process, self._language)
        self._context.place = self._place

    def kill_session(self) -> None:
        """Kill what is left of the kernel's session, on platforms with /proc."""
        process = self._client.process if self._client else None
        if process is None:
            return
        if process.poll() is None:
            kill_all(Session(process.pid))
        elif worker := os.environ.get(STARTED_BY):
            # The kernel is reaped, so that another session may have its number.
            kill_all(Session(process.pid, worker))

    @property
    def _running_client(self) -> ReportingNotebookClient:
        assert self._client is not None
        return self._client

    def _make_client(self) -> ReportingNotebookClient:
        options: dict[str, Any] = {"resources": {"metadata": {"path": str(self._path.parent)}}}
        if self._target.kernel:
            options["kernel_name"] = self._target.kernel
        seconds = self._target.cell_timeout
        return ReportingNotebookClient(
            self._notebook,
            self._context,
            self.save,
            self._on_kernel,
            timeout_func=lambda _: seconds,
            allow_errors=self._target.allow_errors,
            **options,
        )

    async def _execute(self) -> None:
        client = self._running_client
        try:
            await client.async_execute(env=kernel_environment(), stdout=self._output, stderr=self._output)
        finally:
            self.save()
            km = client.km
            if km is not None and km.has_kernel:  # it was stopped before nbclient's own cleanup was in place
                await ensure_async(km.shutdown_kernel(now=True))
            client.forget()

    async def _stop(self, running: asyncio.Task[None]) -> None:
        """Interrupt the cell and wait for its clean-up, until the grace of the attempt is over."""
        client, km = self._running_client, self._running_client.km
        try:
            if km is not None and km.has_kernel:
                client.stopping = True
                km.shutdown_wait_time = KERNEL_GRACE
                await ensure_async(km.interrupt_kernel())
                await asyncio.wait({running})
        finally:
            client.shutdown_kernel = "immediate"

    def _failed(self, kind: str, message: str, traceback: str = "") -> TargetFailed:
        return TargetFailed(f"in {self._running_client.where}: {message}", type=kind, traceback=traceback)

    def _died(self, error: DeadKernelError) -> TargetFailed:
        """Return an error with how the kernel's process ended and what it wrote outside cells."""
        self._output.seek(max(0, self._output.seek(0, os.SEEK_END) - MAX_LAST_OUTPUT))
        output = plain(self._output.read().decode(errors="replace"))
        status = self._running_client.process.poll() if self._running_client.process else None
        how = "died" if status is None else describe_exit(status)
        if str(error) != "Kernel died":  # nbclient's message when it says no more
            return TargetFailed(f"{error}; it {how}", type="DeadKernelError", traceback=output)
        return self._failed("DeadKernelError", f"the kernel {how}", output)


def _link(context: TaskContext, path: Path) -> dict[str, Any]:
    """Return a display that links to the saved notebook, through the server where there is one."""
    shown = {"text/plain": f"executed notebook: {path}"}
    paths = data_paths()
    journal = find_journal(paths)
    address = find_address(paths, journal) if journal != REMOTE else None
    if address is not None:
        base = urlsplit(address.url).path
        where = f"{base}jupyter-agent/tasks/{context.id}/notebook?attempt={context.attempt}"
        shown["text/html"] = f'<a href="{html.escape(where)}" download>executed notebook</a>'
    return shown
