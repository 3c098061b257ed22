"""Notebook client: nbclient, which also records events of the task."""

from __future__ import annotations

import atexit
import math
import re
import subprocess
import sys
import time
from collections.abc import Callable
from queue import Empty
from typing import Any

from jupyter_client.client import KernelClient
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError
from nbclient.util import ensure_async
from nbformat import NotebookNode

from ...errors import BadTarget
from ...runtime.context import TaskContext
from .headings import headings

POLL_INTERVAL = 1.0
"""Seconds between two checks of a channel that is silent."""

UPDATE_INTERVAL = 0.5
"""Seconds between two recorded updates of a display; the last one of a cell is always recorded."""

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")


class ReportingNotebookClient(NotebookClient):
    """Runs a notebook exactly as nbclient does.

    *save* is called after each cell, and *on_kernel* when the kernel has started.
    """

    def __init__(
        self,
        notebook: NotebookNode,
        context: TaskContext,
        save: Callable[[], None],
        on_kernel: Callable[[KernelClient], None] = lambda _client: None,
        **options: Any,
    ) -> None:
        super().__init__(notebook, **options)
        self.process: subprocess.Popen[bytes] | None = None
        self.failure: dict[str, Any] = {}
        self._context = context
        self._save = save
        self._on_kernel = on_kernel
        self._headings = headings(notebook)
        self._code_cells = [index for index, cell in enumerate(notebook.cells) if self._runs(cell)]
        self._index = 0
        self._updates: dict[str, tuple[float, dict[str, Any] | None]] = {}
        self.on_cell_execute = self._on_begin
        self.on_cell_executed = self._on_end
        self.on_cell_error = self._on_error

    @property
    def where(self) -> str:
        """The cell that is running, for people; all cells are counted, from 1."""
        heading = self._headings[self._index] if self._headings else None
        return f"cell {self._index + 1}" + (f" ({heading})" if heading else "")

    async def async_execute(self, reset_kc: bool = False, **kwargs: Any) -> NotebookNode:
        done = await super().async_execute(reset_kc, **kwargs)
        self._context.record_progress(len(self._code_cells), len(self._code_cells), None)
        return done

    async def async_start_new_kernel(self, **kwargs: Any) -> None:
        self._use_safe_path()
        try:
            await super().async_start_new_kernel(**kwargs)
        except OSError as error:
            why = f"{error.filename}: {error.strerror}"
            raise BadTarget(f"the kernel {self._kernel!r} cannot be started: {why}") from error
        self.process = getattr(getattr(self.km, "provisioner", None), "process", None)

    def _use_safe_path(self) -> None:
        """Keep ``-m ipykernel_launcher`` from executing files of the notebook's folder in its stead.

        Only this interpreter is known to have ``-P``. IPython adds the folder for the notebook's own code.
        """
        spec = self.km.kernel_spec if self.km is not None else None
        if spec is None or spec.argv[1:3] != ["-m", "ipykernel_launcher"]:
            return
        if spec.argv[0] in ("python", "python3", sys.executable):
            spec.argv = [spec.argv[0], "-P", *spec.argv[1:]]

    async def async_start_new_kernel_client(self) -> KernelClient:
        kernel = self._kernel
        try:
            client = await super().async_start_new_kernel_client()
        except RuntimeError as error:
            raise DeadKernelError(f"the kernel {kernel!r} did not start: {error}") from error
        poll_channels(client)
        self._on_kernel(client)
        return client

    def forget(self) -> None:
        """Unregister nbclient's exit handler; the kernel has ended."""
        atexit.unregister(self._cleanup_kernel)

    @property
    def _kernel(self) -> str:
        return str(getattr(self.km, "kernel_name", "") or self.kernel_name)

    def process_message(
        self, msg: dict[str, Any], cell: NotebookNode, cell_index: int
    ) -> NotebookNode | None:
        self._record(msg["msg_type"], msg["content"])
        return super().process_message(msg, cell, cell_index)

    def _runs(self, cell: NotebookNode) -> bool:
        skipped = self.skip_cells_with_tag in cell.metadata.get("tags", [])
        return bool(cell.cell_type == "code" and cell.source.strip() and not skipped)

    def _on_begin(self, *, cell_index: int, **_: object) -> None:
        self._index = cell_index
        done = sum(index < cell_index for index in self._code_cells)
        title = self._headings[cell_index] or f"cell {cell_index + 1}"
        self._context.record_progress(done, len(self._code_cells), title)

    def _on_end(self, **_: object) -> None:
        for ident, (_recorded, pending) in self._updates.items():
            if pending:
                self._show(pending, ident)
        self._updates.clear()
        self._save()

    def _on_error(self, *, cell: NotebookNode, execute_reply: dict[str, Any], **_: object) -> None:
        """Keep the error of a cell; log it when the notebook goes on after it."""
        self.failure = execute_reply["content"]
        if self.allow_errors or "raises-exception" in cell.metadata.get("tags", []):
            self._context.stream("stderr").write(self.traceback + "\n")

    @property
    def traceback(self) -> str:
        """Traceback of the last error, as plain text."""
        return plain("\n".join(self.failure.get("traceback") or []))

    def _record(self, kind: str, content: dict[str, Any]) -> None:
        match kind:
            case "stream":
                self._context.stream(content["name"]).write(content["text"])
            case "display_data" | "execute_result":
                self._show(content, _display_id(content))
            case "update_display_data":
                self._update(content, _display_id(content) or "")

    def _show(self, content: dict[str, Any], display_id: str | None) -> None:
        data = content["data"]
        if set(data) <= {"text/plain"}:
            self._context.stream("stdout").write(data.get("text/plain", "") + "\n")
        else:
            self._context.record_display(data, content["metadata"], display_id)

    def _update(self, content: dict[str, Any], ident: str) -> None:
        now = time.monotonic()
        last, _ = self._updates.get(ident, (now - UPDATE_INTERVAL, None))
        if now - last >= UPDATE_INTERVAL:
            self._show(content, ident)
            self._updates[ident] = now, None
        else:
            self._updates[ident] = last, content


def poll_channels(client: KernelClient) -> None:
    """Check a kernel's channels from time to time, although no event says that a message has arrived.

    A zmq socket signals new messages only once. If an output widget answers the kernel at that moment, the
    signal is consumed, and nbclient would wait for its reply for ever.
    """
    for channel in (client.shell_channel, client.iopub_channel):
        channel.get_msg = _polled(channel.get_msg)


def _polled(get_msg: Callable[..., Any]) -> Callable[..., Any]:
    async def get(timeout: float | None = None) -> Any:  # noqa: ASYNC109 - as the channel has it
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        while True:
            left = max(0.0, deadline - time.monotonic())
            try:
                return await ensure_async(get_msg(timeout=min(POLL_INTERVAL, left)))
            except Empty:
                if left <= POLL_INTERVAL:
                    raise

    return get


def plain(text: str) -> str:
    """Return *text* without escape sequences."""
    return _ESCAPES.sub("", text)


def _display_id(content: dict[str, Any]) -> str | None:
    return (content.get("transient") or {}).get("display_id")
