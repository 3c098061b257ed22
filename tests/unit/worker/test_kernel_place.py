"""The line of a cell that a notebook's kernel is in: which signal the kernel gets, and when."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from nbformat.v4 import new_notebook

from jupyter_agent.worker.notebooks.kernel_place import SIGNAL, KernelPlace

pytestmark = pytest.mark.skipif(SIGNAL is None, reason="this system has no such signal")


@pytest.fixture
def kernel() -> Iterator[subprocess.Popen[bytes]]:
    """A process that runs each line it gets as code, and waits."""
    loop = "import sys\nfor line in sys.stdin:\n exec(line)\n print('done', flush=True)"
    with subprocess.Popen(
        [sys.executable, "-c", loop], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        yield process
        process.kill()


def test_a_kernel_that_does_not_listen_yet_gets_no_signal(kernel: subprocess.Popen[bytes]) -> None:
    place, codes = KernelPlace(new_notebook()), list[str]()
    client: Any = SimpleNamespace(execute=lambda code, **_: codes.append(code))
    place.register(client, kernel, "python")
    assert place() is None
    stdin, stdout = cast(Any, kernel.stdin), cast(Any, kernel.stdout)
    stdin.write(f"{codes[0]}\n".encode())
    stdin.flush()
    assert stdout.readline() == b"done\n"  # it lives: the signal would have ended it
    before = os.path.getsize(place._file.name)
    assert place() is None  # in none of the notebook's cells, but it was asked
    assert os.path.getsize(place._file.name) > before
    place.close()
    assert kernel.poll() is None
