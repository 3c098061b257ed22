"""Notebook client: nbclient, which also records events of the task."""

from __future__ import annotations

import asyncio
import atexit
import math
import re
import subprocess
import time
from collections.abc import Callable
from functools import partial
from queue import Empty
from typing import Any

from jupyter_client.client import KernelClient
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError
from nbclient.util import ensure_async
from nbformat import NotebookNode

from ...core.events import Error
from ...errors import BadTarget
from ...runtime.context import TaskContext
from ...runtime.output.displays import CELL
from .headings import headings
from .ipython_traceback import in_python_layout
from .safe_path import with_safe_path

POLL_INTERVAL = 1.0
"""Seconds between two checks of a channel that is silent."""

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")


class ReportingNotebookClient(NotebookClient):
    """Runs a notebook exactly as nbclient does.

    *save* is called after each cell, and *on_kernel* when the kernel has started. ``stopping``: no further
    cell begins, even if the one that was interrupted ignored that.
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
        self.stopping = False
        self._watch: asyncio.Future[None] | None = None
        self._context = context
        self._save = save
        self._on_kernel = on_kernel
        self._headings = headings(notebook)
        self._code_cells = [index for index, cell in enumerate(notebook.cells) if self._runs(cell)]
        self._index = 0
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

    async def async_execute_cell(self, *args: Any, **kwargs: Any) -> NotebookNode:
        if self.stopping or self._context.cancellation.overdue is not None:
            raise asyncio.CancelledError
        try:
            return await super().async_execute_cell(*args, **kwargs)
        finally:
            if self._watch is not None:
                self._watch.cancel()

    async def _async_handle_timeout(self, timeout: int, _cell: NotebookNode | None = None) -> None:  # noqa: ASYNC109
        """Have the attempt stopped, which interrupts the cell, and go on waiting for the cell's reply."""
        if not self.stopping and self._context.cancellation.overdue is None:
            message = f"in {self.where}: it ran longer than its timeout of {timeout:g} s"
            self._context.cancellation.overdue = Error("CellTimeoutError", message)
        if self._watch is None:  # nbclient does not look after the kernel any more
            self._watch = asyncio.ensure_future(self._async_poll_kernel_alive())

    async def async_start_new_kernel(self, **kwargs: Any) -> None:
        if self.km is not None and self.km.kernel_spec is not None:
            spec = self.km.kernel_spec
            spec.argv = await asyncio.to_thread(with_safe_path, spec.argv)
        try:
            await super().async_start_new_kernel(**kwargs)
        except OSError as error:
            why = f"{error.filename}: {error.strerror}"
            raise BadTarget(f"the kernel {self._kernel!r} cannot be started: {why}") from error
        self.process = getattr(getattr(self.km, "provisioner", None), "process", None)

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
        self._record(msg["msg_type"], msg["content"], self._area_of(msg))
        return super().process_message(msg, cell, cell_index)

    def _runs(self, cell: NotebookNode) -> bool:
        skipped = self.skip_cells_with_tag in cell.metadata.get("tags", [])
        return bool(cell.cell_type == "code" and cell.source.strip() and not skipped)

    def _on_begin(self, *, cell_index: int, **_: object) -> None:
        self._index = cell_index
        self._context.screen.section = self.where
        done = sum(index < cell_index for index in self._code_cells)
        title = self._headings[cell_index] or f"cell {cell_index + 1}"
        self._context.record_progress(done, len(self._code_cells), title)

    def _on_end(self, **_: object) -> None:
        self._context.screen.settle()  # a later cell clears its own output only
        self._save()

    def _on_error(self, *, cell: NotebookNode, execute_reply: dict[str, Any], **_: object) -> None:
        """Keep the error of a cell; log it when the notebook goes on after it."""
        self.failure = execute_reply["content"]
        if self.allow_errors or "raises-exception" in cell.metadata.get("tags", []):
            self._context.stream("stderr").write(self.traceback + "\n")

    @property
    def traceback(self) -> str:
        """Traceback of the last error, as plain text in Python's layout."""
        return in_python_layout(plain("\n".join(self.failure.get("traceback") or [])))

    def _area_of(self, msg: dict[str, Any]) -> str:
        """Return which output widget gets the output; `CELL` for the cell itself."""
        parent = msg.get("parent_header") or {}
        hooks = self.output_hook_stack.get(str(parent.get("msg_id")))
        return str(hooks[-1].comm_id) if hooks else CELL

    def _record(self, kind: str, content: dict[str, Any], area: str) -> None:
        screen = self._context.screen
        match kind:
            case "stream":
                screen.expect_output()
                screen.stream(content["name"]).write(content["text"])
            case "display_data" | "execute_result":
                screen.expect_output()
                screen.show(content["data"], content["metadata"], _display_id(content), area)
            case "update_display_data":
                screen.show(content["data"], content["metadata"], _display_id(content) or "", area)
            case "clear_output" if content.get("wait"):
                screen.before_output = partial(screen.clear, area)
            case "clear_output":
                screen.clear(area)


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
