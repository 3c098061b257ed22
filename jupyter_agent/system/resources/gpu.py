"""GPU of some processes, as ``nvidia-smi`` tells it; nothing where there is no such program."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from typing import NamedTuple

TIMEOUT = 3.0
"""Seconds in which ``nvidia-smi`` must have answered."""

PAUSE = 60.0
"""Seconds for which it is not asked after it did not answer in time."""

VALID = 1.0
"""Seconds for which an answer serves all tasks."""

_APPS = "--query-compute-apps=pid,gpu_uuid,used_memory"
_GPUS = "--query-gpu=uuid,utilization.gpu"
_MIB = 1 << 20

Rows = list[list[str]]


class GpuUse(NamedTuple):
    """``percent``: the mean utilization of the GPUs that are used, by whatever process; ``memory``: bytes.

    ``percent`` is ``None`` where the driver does not tell it, as for the instances of a divided GPU (MIG).
    """

    percent: float | None
    memory: int


class NvidiaSmi:
    """The program, which one thread at a time asks.

    With a driver that hangs it may never end, not even when it is killed. Then no second one is started.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._answers: dict[str, tuple[float, Rows]] = {}
        self._paused_until = 0.0
        self._hanging: subprocess.Popen[bytes] | None = None

    def rows(self, query: str) -> Rows:
        """Return the answer to a query; no rows where the program is not there, fails, or hangs."""
        with self._lock:
            when, rows = self._answers.get(query, (-VALID, []))
            if self._clock() - when < VALID:
                return rows
            program = shutil.which("nvidia-smi")
            rows = [] if program is None or self._is_paused() else _rows(self._output(program, query))
            self._answers[query] = (self._clock(), rows)
            return rows

    def _is_paused(self) -> bool:
        if self._hanging is not None and self._hanging.poll() is None:
            return True
        self._hanging = None
        return self._clock() < self._paused_until

    def _output(self, program: str, query: str) -> bytes:
        try:
            process = subprocess.Popen(  # noqa: S603 - the system's own program
                [program, query, "--format=csv,noheader,nounits"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        except OSError:
            return b""
        try:
            output, _ = process.communicate(timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            self._give_up(process)
            return b""
        return output if process.returncode == 0 else b""

    def _give_up(self, process: subprocess.Popen[bytes]) -> None:
        process.kill()
        if process.stdout is not None:
            process.stdout.close()  # a program that it has started may keep the other end
        self._hanging, self._paused_until = process, self._clock() + PAUSE


_nvidia_smi = NvidiaSmi()


def gpu_use(pids: AbstractSet[int], program: NvidiaSmi = _nvidia_smi) -> GpuUse | None:
    """Return what *pids* use of GPUs; ``None`` when they use none, or it cannot be had."""
    memory, devices = 0, set[str]()
    for row in program.rows(_APPS):
        if len(row) == 3 and row[0].isdecimal() and int(row[0]) in pids:
            memory += int(row[2]) * _MIB if row[2].isdecimal() else 0
            devices.add(row[1])
    if not devices:
        return None
    rows = [row for row in program.rows(_GPUS) if row[0] in devices]
    loads = [float(row[1]) for row in rows if len(row) == 2 and row[1].isdecimal()]
    return GpuUse(sum(loads) / len(loads) if loads else None, memory)


def _rows(output: bytes) -> Rows:
    lines = output.decode(errors="replace").splitlines()
    return [[word.strip() for word in line.split(",")] for line in lines if line.strip()]
