"""Place of a notebook's run: the line of a cell that its kernel is in, which a busy kernel does not tell.

A Python kernel is told at its start to write its traceback to a file when it gets a signal. That is done by
`faulthandler`, in C, so it works while C code runs. Nothing is sent unless the task is cancelled.
"""

from __future__ import annotations

import os
import re
import signal
import tempfile
import time
from contextlib import suppress
from importlib import import_module
from typing import IO, Any

from jupyter_client.client import KernelClient
from nbformat import NotebookNode

from ...runtime.stopping.place import callee_in

SIGNAL = signal.SIGUSR2 if hasattr(signal, "SIGUSR2") else None
WRITE_TIMEOUT = 0.2
"""Seconds for the kernel to write where it is."""

_FRAME = re.compile(r'File "(?:.*[/\\])?ipykernel_\d+[/\\](\d+)\.py", line (\d+)')
_REGISTER = (
    "import faulthandler as _f; "
    "_f.register({number}, open({path!r}, 'a'), all_threads=False, chain=False); del _f"
)


class KernelPlace:
    """Where the kernel *pid* of a run of *notebook* is. `close` deletes its file."""

    def __init__(self, notebook: NotebookNode) -> None:
        self._notebook = notebook
        self._file: IO[bytes] = tempfile.NamedTemporaryFile(prefix="jupyter-agent-place-")  # noqa: SIM115
        self.pid: int | None = None

    def register(self, client: KernelClient, pid: int | None, language: str) -> None:
        """Have the kernel listen to the signal. Its answer is not waited for."""
        if SIGNAL is None or pid is None or language != "python":
            return
        code = _REGISTER.format(number=int(SIGNAL), path=self._file.name)
        client.execute(code, silent=True, store_history=False)
        self.pid = pid

    def __call__(self) -> str | None:
        """Return where it is, as "in `requests.get`, cell [3], line 7"; ``None`` where that is unknown."""
        if self.pid is None or SIGNAL is None:
            return None
        before = self._file.seek(0, os.SEEK_END)
        with suppress(ProcessLookupError):
            os.kill(self.pid, SIGNAL)
        deadline = time.monotonic() + WRITE_TIMEOUT
        while self._file.seek(0, os.SEEK_END) == before and time.monotonic() < deadline:
            time.sleep(0.01)
        self._file.seek(before)
        return self._described(self._file.read().decode(errors="replace"))

    def close(self) -> None:
        self.pid = None
        self._file.close()

    def _described(self, traceback: str) -> str | None:
        frame = _FRAME.search(traceback)  # the innermost of a cell's frames comes first
        cells = {} if frame is None else {hash_of(cell.source): cell for cell in self._code_cells()}
        if frame is None or frame[1] not in cells:
            return None
        cell, line = cells[frame[1]], int(frame[2])
        number = self._code_cells().index(cell) + 1
        call = callee_in(cell.source, line)
        return f"{f'in `{call}`, ' if call else ''}cell [{number}], line {line}"

    def _code_cells(self) -> list[NotebookNode]:
        return [cell for cell in self._notebook.cells if cell.cell_type == "code" and cell.source.strip()]


def hash_of(source: str) -> str | None:
    """Return the name that ipykernel gives to a cell's code; ``None`` where it is not installed."""
    try:
        compiler: Any = import_module("ipykernel.compiler")
    except ImportError:
        return None
    return str(compiler.murmur2_x86(source, compiler.get_tmp_hash_seed()))
