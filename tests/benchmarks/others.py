"""One event out of a running task, beside Dask's event log where Dask is installed.

Dask runs in a process of its own, which prints its figure; if it does not run it is left out, and that
is said.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import jupyter_agent as ja

from .calls import CALLS, Cost, cost
from .harness import LINE, ROOT, isolated, server
from .rows import Row

_TIMEOUT = 60
_DASK = f"""
import json, logging
from distributed import Client, LocalCluster, get_worker
def work():
    from dataclasses import asdict
    from tests.benchmarks.calls import cost
    worker = get_worker()
    return asdict(cost(lambda: worker.log_event("lines", {{"text": {LINE!r}}}), 20_000))
if __name__ == "__main__":
    logging.disable()
    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None, host="127.0.0.1") as cluster:
        with Client(cluster) as client:
            print(json.dumps(client.submit(work).result()))
"""


def measure() -> list[Row]:
    """CPU and wall time of emitting, a server being there."""
    with server():
        ours = _ours()
    dask = _cost(_DASK)
    cpu, mean = (({"Dask `log_event`": getattr(dask, w)} if dask else {}) for w in ("cpu", "mean"))
    note = "on file when it returns; Dask keeps the newest of a topic in its scheduler's memory"
    return [
        Row("one event emitted in a task, CPU time", ours.cpu, "µs", None, cpu, note),
        Row("one event emitted in a task, mean wall time", ours.mean, "µs", None, mean),
    ]


def _ours() -> Cost:
    def body() -> Cost:
        ctx = ja.current()
        return cost(lambda: ctx.log(LINE), CALLS)

    found = ja.task(body, show=False).submit().result()
    assert isinstance(found, Cost)
    return found


def _cost(code: str) -> Cost | None:
    with isolated() as base:
        script = base / "script.py"
        script.write_text(code)
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        try:
            done = subprocess.run(
                [sys.executable, script], capture_output=True, text=True, env=environment, timeout=_TIMEOUT
            )
            return Cost(**json.loads(done.stdout.splitlines()[-1]))
        except (subprocess.TimeoutExpired, IndexError, ValueError):
            print("(Dask is left out: it is not installed, or does not run here)", flush=True)
            return None
