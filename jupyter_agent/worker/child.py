"""``python -m jupyter_agent.worker.child``: one attempt of a task in a process of its own.

It is told what to do through its standard input, then gets commands there; the end of that input
means that its parent is gone, and then it ends too. It runs the work in its main thread, where SIGTERM
raises `TaskCancelled`, and emits through its own spool and forwarder.
"""

from __future__ import annotations

import ctypes
import json
import os
import pickle
import signal
import sys
import threading
from typing import Any

import msgspec

from ..core.task import Task
from ..errors import TaskCancelled
from ..runtime.attempt import Attempt, OutcomeHolder
from ..runtime.bootstrap import ready_producer
from ..runtime.engines.base import BaseEngine, run_attempt
from ..runtime.engines.executor import RemoteCall
from ..runtime.engines.process import ChildSpec
from ..runtime.interrupt import SignalInterrupter, Stopped
from ..runtime.local_task import LocalTask
from ..runtime.options import Options
from ..system.graces import FLUSH_TIMEOUT

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Run what standard input says, to its end."""
    orders = ParentChannel()
    order = ChildSpec(**json.loads(orders.line()))
    content = orders.take(order.size)
    die_with_parent(order.parent)
    os.set_inheritable(order.report, False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    producer = ready_producer()
    seen = Task(order.task, name=order.name, attempt=order.attempt, producer=producer.id, events=1)
    task = LocalTask(producer, Options(order.name, timeout=order.timeout, show=False), None, seen=seen)
    attempt = task.resume(OutcomeHolder())
    stop = SignalInterrupter(signal.SIGTERM, foreign=Stopped)
    attempt.engine = engine = ChildEngine(attempt, order.report)
    threading.Thread(target=engine.listen, args=(orders,), name="jupyter-agent-orders", daemon=True).start()

    def call() -> Any:
        engine.report()  # now: the work may keep the interpreter's lock
        work = RemoteCall(*pickle.loads(content))  # noqa: S301 - our parent's own pipe
        return work()

    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # what `stop` gives back: a result is being kept then
    run_attempt(attempt, call, stop)
    engine.report()
    producer.close()


class ParentChannel:
    """What the parent says. It takes the place of standard input, which is empty for the work, and has no
    lock that would be held when the interpreter ends."""

    def __init__(self) -> None:
        self._fd = os.dup(0)
        self._rest = b""
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)

    def line(self) -> bytes:
        """The next line; empty when the parent is gone."""
        while b"\n" not in self._rest and self._read():
            pass
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def take(self, size: int) -> bytes:
        """The next *size* bytes, or fewer when the parent is gone."""
        while len(self._rest) < size and self._read():
            pass
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken

    def _read(self) -> bool:
        data = os.read(self._fd, 1 << 20)
        self._rest += data
        return bool(data)


class ChildEngine(BaseEngine):
    """Stops the work by SIGTERM, which also ends a blocking call, and tells the parent what is new."""

    def __init__(self, attempt: Attempt, report: int) -> None:
        super().__init__(attempt)
        self._report = report
        self._told = 0
        self._writing = threading.Lock()

    def start(self) -> None:
        """It runs already."""

    def cancel(self) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    def force(self) -> None:
        """It is in code that never returns to Python: say that it ended, and go."""
        threading.Thread(target=self._go, name="jupyter-agent-stop", daemon=True).start()

    def poll(self) -> None:
        self.report()

    def report(self) -> None:
        """Send the snapshot to the parent, if it is news."""
        with self._writing:
            fold = self._attempt.task.fold
            if fold.events != self._told:
                self._told = fold.events
                _write_all(self._report, msgspec.json.encode(fold) + b"\n")

    def listen(self, orders: ParentChannel) -> None:
        """Carry out what the parent says, until it is gone."""
        while line := orders.line():
            message: dict[str, Any] = json.loads(line)
            if message["command"] == "input":
                self.answer(message["text"], message["prompt_id"])
        self._attempt.task.interrupt("the process that started it ended")
        self._leave(1)

    def _go(self) -> None:
        self._attempt.raised(TaskCancelled("stopped"))
        self.report()
        self._leave(0)

    def _leave(self, status: int) -> None:
        self._attempt.task.producer.close(FLUSH_TIMEOUT)
        os._exit(status)


def die_with_parent(parent: int) -> None:
    """Have the system kill this process when the one that started it dies, where that can be had."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _write_all(fd: int, data: bytes) -> None:
    try:
        while data:
            data = data[os.write(fd, data) :]
    except BrokenPipeError:
        return  # the parent is gone, and soon so are we


if __name__ == "__main__":
    main()
