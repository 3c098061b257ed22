"""``python -m jupyter_agent.worker.child``: one attempt of ``on="process"``, as a child of its kernel.

It reads what to run from its standard input, then commands; the end of that input means that its parent is
dead, and then it ends too. It runs the work in its main thread, where SIGTERM raises `TaskCancelled`, and
emits through its own spool and forwarder.
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
from ..runtime.attempt import Attempt
from ..runtime.bootstrap import ready_producer
from ..runtime.engines.base import BaseEngine, run_attempt
from ..runtime.engines.child_spec import ChildSpec
from ..runtime.engines.executor import RemoteCall
from ..runtime.interrupt import SignalInterrupter, Stopped
from ..runtime.local_task import LocalTask
from ..runtime.options import Options
from ..runtime.outcome import OutcomeHolder
from ..system.graces import FLUSH_TIMEOUT

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Run the attempt that standard input describes."""
    channel = ParentChannel()
    spec = ChildSpec(**json.loads(channel.read_line()))
    content = channel.read(spec.size)
    die_with_parent(spec.parent)
    os.set_inheritable(spec.report, False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    attempt = _attempt_of(spec)
    interrupter = SignalInterrupter(signal.SIGTERM, foreign=Stopped)
    attempt.engine = engine = ChildEngine(attempt, spec.report)
    threading.Thread(
        target=engine.listen, args=(channel,), name="jupyter-agent-commands", daemon=True
    ).start()

    def call() -> Any:
        engine.report()  # before the work begins, which may keep the interpreter's lock
        work = RemoteCall(*pickle.loads(content))  # noqa: S301 - our parent's own pipe
        return work()

    # The interrupter restores this handler when the work has returned. A SIGTERM from then on is ignored:
    # the result is being saved and its end event written.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    run_attempt(attempt, call, interrupter)
    engine.report()
    attempt.task.producer.close()


def _attempt_of(spec: ChildSpec) -> Attempt:
    producer = ready_producer()
    seen = Task(spec.task, name=spec.name, attempt=spec.attempt, producer=producer.id, events=1)
    task = LocalTask(producer, Options(spec.name, timeout=spec.timeout, show=False), None, seen=seen)
    return task.resume(OutcomeHolder())


class ParentChannel:
    """Reads what the parent writes: standard input, which is replaced by an empty one for the work.

    It reads the descriptor itself: a buffered stream has a lock, which the listening thread would hold when
    the interpreter ends.
    """

    def __init__(self) -> None:
        self._fd = os.dup(0)
        self._rest = b""
        empty = os.open(os.devnull, os.O_RDONLY)
        os.dup2(empty, 0)
        os.close(empty)

    def read_line(self) -> bytes:
        """Return the next line; empty when the parent is dead."""
        while b"\n" not in self._rest and self._fill():
            pass
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def read(self, size: int) -> bytes:
        """Return the next *size* bytes, or fewer when the parent is dead."""
        while len(self._rest) < size and self._fill():
            pass
        content, self._rest = self._rest[:size], self._rest[size:]
        return content

    def _fill(self) -> bool:
        data = os.read(self._fd, 1 << 20)
        self._rest += data
        return bool(data)


class ChildEngine(BaseEngine):
    """Stops the work by SIGTERM, which also ends a blocking call, and sends snapshots to the parent.

    *report* is the descriptor of the pipe for the snapshots.
    """

    def __init__(self, attempt: Attempt, report: int) -> None:
        super().__init__(attempt)
        self._report = report
        self._reported = 0
        self._report_lock = threading.Lock()

    def start(self) -> None:
        """Do nothing: it is running already."""

    def cancel(self) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    def force(self) -> None:
        """Record the end and exit: the work is in code that never returns to Python."""
        threading.Thread(target=self._exit_cancelled, name="jupyter-agent-stop", daemon=True).start()

    def poll(self) -> None:
        self.report()

    def report(self) -> None:
        """Send the snapshot to the parent, if it has changed."""
        with self._report_lock:
            fold = self._attempt.task.fold
            if fold.events != self._reported:
                self._reported = fold.events
                _write_all(self._report, msgspec.json.encode(fold) + b"\n")

    def listen(self, channel: ParentChannel) -> None:
        """Handle the parent's commands; end this process when the parent is dead."""
        while line := channel.read_line():
            message: dict[str, Any] = json.loads(line)
            if message["command"] == "input":
                self.answer(message["text"], message["prompt_id"])
        self._attempt.task.interrupt("the process that started it ended")
        self._exit(1)

    def _exit_cancelled(self) -> None:
        self._attempt.raised(TaskCancelled("stopped"))
        self.report()
        self._exit(0)

    def _exit(self, status: int) -> None:
        self._attempt.task.producer.close(FLUSH_TIMEOUT)
        os._exit(status)


def die_with_parent(parent: int) -> None:
    """On Linux, have the system kill this process when *parent* dies. Exit if it is dead already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the call above
        os._exit(1)


def _write_all(fd: int, data: bytes) -> None:
    try:
        while data:
            data = data[os.write(fd, data) :]
    except BrokenPipeError:
        return  # the parent is dead; `listen` ends this process


if __name__ == "__main__":
    main()
