"""``python -m jupyter_agent.worker.child``: one attempt of ``on="process"``.

It reads what to run from its standard input, then commands; the end of that input means that its parent is
dead, and then it ends too. It runs the work in its main thread, where a cancel is raised by a signal, and
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
from functools import partial
from typing import Any

import msgspec

from ..core.task import Task
from ..detached.run_spec import Cell
from ..runtime.attempt import Attempt
from ..runtime.bootstrap import ready_producer
from ..runtime.engines.base import run_attempt
from ..runtime.engines.child_spec import STOPPED, ChildSpec
from ..runtime.engines.overflow import Overflow
from ..runtime.interrupt import SignalInterrupter, Stopped
from ..runtime.local_task import LocalTask
from ..runtime.options import Options
from ..runtime.outcome import OutcomeHolder
from ..runtime.output.line_buffer import BELOW
from ..runtime.stopping import sleep
from ..runtime.stopping.cells import learn_cells
from ..system.processes import end_children
from ..system.signals import ignore
from ..system.start import use_caller_path
from .child_engine import ChildEngine
from .fd_capture import FdCapture
from .functions import pool_pickling
from .functions.callables import call as call_here
from .parent_channel import ParentChannel

_PR_SET_PDEATHSIG = 1


def main() -> int:
    """Run the attempt that standard input describes, and return the exit status."""
    channel = ParentChannel()
    spec = ChildSpec(**json.loads(channel.read_line()))
    content = channel.read(spec.size)
    learn_cells(msgspec.convert(spec.cells, list[Cell]))
    die_with_parent(spec.parent)
    for fd in (spec.report, spec.overflow):
        os.set_inheritable(fd, False)
    signal.signal(signal.SIGINT, ignore)

    def write(name: str, text: str) -> None:
        attempt.context.stream(name).write(text, BELOW)

    # First of all streams: what captures the task's own output wraps the one that it finds.
    fd_capture = FdCapture(write, is_shown=True, pipes=spec.output, overflow=Overflow(spec.overflow))
    fd_capture.redirect()
    attempt = _attempt_of(spec)
    fd_capture.start()
    sleep.install()
    interrupter = _interrupter_of(attempt)
    attempt.engine = engine = ChildEngine(attempt, interrupter, spec.report, fd_capture)
    # The interrupter restores this handler when the work has returned. A SIGTERM from then on is ignored:
    # the result is being saved and its end event written.
    signal.signal(signal.SIGTERM, ignore)
    _start_listening(engine, channel)

    run_attempt(attempt, partial(_work, content, engine, fd_capture), interrupter)
    fd_capture.close()
    engine.report()
    was_stopped = attempt.course.why is not None
    if was_stopped:
        end_children()
    attempt.task.producer.close()
    return STOPPED if was_stopped else 0


def _work(content: bytes, engine: ChildEngine, fd_capture: FdCapture) -> Any:
    engine.report()  # before the work begins, which may keep the interpreter's lock
    use_caller_path()
    pool_pickling.install()
    try:
        function, args, kwargs = pickle.loads(content)  # noqa: S301 - our parent's own pipe
        return call_here(function, *args, **kwargs)
    finally:
        fd_capture.finish()


def _start_listening(engine: ChildEngine, channel: ParentChannel) -> None:
    name = "jupyter-agent-commands"
    threading.Thread(target=engine.listen, args=(channel,), name=name, daemon=True).start()


def _interrupter_of(attempt: Attempt) -> SignalInterrupter:
    def on_foreign_signal() -> BaseException:
        attempt.course.begin("cancel")
        return Stopped()

    return SignalInterrupter(signal.SIGTERM, foreign=on_foreign_signal)


def _attempt_of(spec: ChildSpec) -> Attempt:
    producer = ready_producer()
    seen = Task(spec.task, name=spec.name, attempt=spec.attempt, producer=producer.id, events=1)
    task = LocalTask(
        producer, Options(spec.name, timeout=spec.timeout, grace=spec.grace, show=False), None, seen=seen
    )
    return task.resume(OutcomeHolder())


def die_with_parent(parent: int) -> None:
    """On Linux, have the system kill this process when *parent* dies. Exit if it is dead already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the call above
        os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
