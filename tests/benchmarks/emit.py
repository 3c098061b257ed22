"""What one call costs inside a task, and how long until it is committed."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from typing import Self

import jupyter_agent as ja
from jupyter_agent.core.events import Log
from jupyter_agent.places import new_id
from jupyter_agent.producer.producer import Producer

from .harness import Row, isolated, percentiles, server

CALLS = 100_000


class Busy:
    """A thread that computes in Python all the time."""

    def __enter__(self) -> Self:
        self._stop = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def _run(self) -> None:
        n = 0
        while not self._stop:
            n += 1

    def __exit__(self, *_: object) -> None:
        self._stop = True
        self._thread.join()


def _per_call(calls: int) -> tuple[float, float]:
    def body() -> tuple[float, float]:
        ctx = ja.current()
        start = time.perf_counter()
        for _ in range(calls):
            ctx.log("one line of ordinary length, as people write them")
        middle = time.perf_counter()
        for done in range(calls):
            ctx.progress(done, calls)
        return (middle - start) / calls * 1e6, (time.perf_counter() - middle) / calls * 1e6

    result = ja.task(body, show=False).submit().result()
    assert isinstance(result, tuple)
    return result


def _print_per_call(path: Path) -> float:
    with path.open("w", buffering=1) as file:
        start = time.perf_counter()
        for _ in range(CALLS):
            print("one line of ordinary length, as people write them", file=file)
        return (time.perf_counter() - start) / CALLS * 1e6


def calls() -> list[Row]:
    with isolated() as base:
        log, progress = _per_call(CALLS)
        plain = _print_per_call(base / "plain.log")
        with Busy():
            busy_log, _ = _per_call(CALLS // 10)
    beside = {"print to a line-buffered file": plain}
    note = "half of the processor belongs to the other thread"
    return [
        Row("`ctx.log`, kernel idle", log, "us", "<= 4", beside),
        Row("`ctx.log` beside a busy Python thread", busy_log, "us (wall)", "<= 4", {}, note),
        Row("`ctx.progress`", progress, "us", "<= 0.5"),
    ]


def _latencies(producer: Producer, seconds: float) -> list[float]:
    """Emit 200 events a second; how long each took until its acknowledgement, in ms."""
    task, found = new_id(), []
    for _ in range(int(seconds * 200)):
        start = time.perf_counter()
        n = producer.emit(task, 1, "log", Log("stdout", "x"))
        while producer.forwarder.acked < n:
            if time.perf_counter() - start > 5:
                raise TimeoutError("no acknowledgement within 5 s")
            time.sleep(0.0002)
        found.append((time.perf_counter() - start) * 1e3)
        time.sleep(max(0.0, 0.005 - (time.perf_counter() - start)))
    return found


def acks() -> list[Row]:
    with server():
        producer = Producer()
        assert producer.forwarder.wait_until_up(10)
        producer.add_sampler("bench", lambda: None)
        _latencies(producer, 0.5)
        idle = percentiles(_latencies(producer, 4))
        with Busy():
            busy = percentiles(_latencies(producer, 4))
        producer.close()
    note = f"sync of this disk {_sync_time():.2g} ms (median)"
    return [
        Row("emit -> committed ack, p99, idle", idle[1], "ms", "<= 25", {"p50": idle[0]}, note),
        Row("emit -> committed ack, p99, beside a busy cell", busy[1], "ms", "<= 50", {"p50": busy[0]}, note),
    ]


def _sync_time() -> float:
    import os
    import tempfile

    with tempfile.NamedTemporaryFile() as file:
        times = []
        for _ in range(50):
            file.write(b"x" * 4096)
            file.flush()
            start = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append((time.perf_counter() - start) * 1e3)
    return sorted(times)[25]


def imports() -> list[Row]:
    import subprocess

    def run(code: str) -> float:
        times = []
        for _ in range(7):
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True)
            times.append(time.perf_counter() - start)
        return sorted(times)[3] * 1e3

    with isolated():
        base = run("import IPython, ipykernel.ipkernel")
        ours = run("import IPython, ipykernel.ipkernel, jupyter_agent; jupyter_agent.task")
        widgets = run("import IPython, ipykernel.ipkernel, ipywidgets")
    return [
        Row("`import jupyter_agent` over IPython", ours - base, "ms", "<= 80", {"ipywidgets": widgets - base})
    ]
