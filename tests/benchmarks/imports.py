"""The time that an import adds to the start of a kernel."""

from __future__ import annotations

import subprocess
import sys

from .harness import isolated
from .rows import Row, at_most

TIMES = 9
_CODE = """
import IPython, ipykernel.ipkernel, time
start = time.perf_counter()
{}
print((time.perf_counter() - start) * 1e3)
"""


def measure() -> list[Row]:
    """In a process that has what a kernel has already."""
    with isolated():
        ours = _import("import jupyter_agent; jupyter_agent.task")
        peers = {
            "ipywidgets": _import("import ipywidgets"),
            "tqdm.auto": _import("import tqdm.auto"),
            "rich.progress": _import("import rich.progress"),
            "dask": _import("import distributed"),
        }
    found = {name: value for name, value in peers.items() if value is not None}
    assert ours is not None
    note = "`import jupyter_agent` and the first use of `task`"
    return [Row("`import jupyter_agent` over IPython", ours, "ms", at_most(80), found, note)]


def _import(code: str) -> float | None:
    """The fastest of several processes, in ms; ``None`` when it is not installed."""
    times = []
    for _ in range(TIMES):
        done = subprocess.run(
            [sys.executable, "-c", _CODE.format(code)], capture_output=True, text=True, check=False
        )
        if "ModuleNotFoundError" in done.stderr:
            print(f"(left out, not installed: {code})", flush=True)
            return None
        times.append(float(done.stdout))
    return min(times)
