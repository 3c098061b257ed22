"""Place of a notebook's run: the line of a cell that its kernel is in, which a busy kernel does not tell.

A Python kernel is told at its start to write its traceback to a file when it gets a signal. That is done by
`faulthandler`, in C, so it works while C code runs. Nothing is sent unless the task is cancelled, and nothing
before the kernel has written an empty line: by default, the signal ends a process.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tempfile
import time
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
    "import faulthandler as _f, os as _o; _p = open({path!r}, 'a'); "
    "_f.register({number}, _p, all_threads=False, chain=False); _o.write(_p.fileno(), b'\\n'); "
    "del _f, _o, _p"
)


class KernelPlace:
    """Where the kernel of a run of *notebook* is. `close` deletes its file."""

    def __init__(self, notebook: NotebookNode) -> None:
        self._notebook = notebook
        self._file: IO[bytes] = tempfile.NamedTemporaryFile(prefix="jupyter-agent-place-")  # noqa: SIM115
        self._process: subprocess.Popen[bytes] | None = None

    def register(self, client: KernelClient, process: subprocess.Popen[bytes] | None, language: str) -> None:
        """Have the kernel listen to the signal. Its answer is not waited for."""
        if SIGNAL is None or process is None or language != "python":
            return
        code = _REGISTER.format(number=int(SIGNAL), path=self._file.name)
        client.execute(code, silent=True, store_history=False, stop_on_error=False)
        self._process = process

    def __call__(self) -> str | None:
        """Return where it is, as "in `requests.get`, cell [3], line 7"; ``None`` where that is unknown."""
        before, process = self._file.seek(0, os.SEEK_END), self._process
        if process is None or SIGNAL is None or not before:
            return None
        process.send_signal(SIGNAL)  # unless it has ended: another process may have its number then
        deadline = time.monotonic() + WRITE_TIMEOUT
        while self._file.seek(0, os.SEEK_END) == before and time.monotonic() < deadline:
            time.sleep(0.01)
        self._file.seek(before)
        return self._described(self._file.read().decode(errors="replace"))

    def close(self) -> None:
        self._process = None
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
