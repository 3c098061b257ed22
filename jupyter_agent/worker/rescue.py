"""Helper process of a detached worker, which takes its output while the worker cannot read it itself.

It is forked before the worker has threads, which takes about a millisecond, and ends after it. The system is
its parent, so that a task that waits for its children does not wait for the helper. It leads a session of its
own, so that a cancel, which ends what the worker has started, leaves it alone.

When the worker is gone, and may leave no processes, the helper ends those of its session. The worker itself
cannot end what its own threads, such as that of a `multiprocessing.Pool`, start until then.
"""

from __future__ import annotations

import mmap
import os
import select
import signal
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from ..runtime.engines.child_output import ChildOutput
from ..runtime.engines.overflow import LOOK_INTERVAL, TAKE_INTERVAL
from ..system.process_table import has_ended
from ..system.processes import end_children


class Helper:
    """The helper of this process, the worker *producer*, and the *output* that both share.

    Without a helper where none can start.
    """

    def __init__(self, producer: str) -> None:
        self.output = ChildOutput()
        self._may_leave = mmap.mmap(-1, 1)  # shared, too: one byte, 0 or 1
        worker = os.getpid()
        self._between = -1
        with suppress(OSError):  # no more processes: the task needs no helper to run
            self._between = os.fork()
        if self._between == 0:
            _fork_and_exit(self.output, worker, partial(self._end_what_is_left, worker, producer))

    def may_leave_processes(self) -> None:
        """Let what this process has started go on after it."""
        self._may_leave[0] = 1

    def _end_what_is_left(self, worker: int, producer: str) -> None:
        if not self._may_leave[0]:
            end_children(worker, started_by=producer)

    def started(self) -> None:
        """Forget the process between this one and the helper. Once."""
        if self._between > 0:
            with suppress(ChildProcessError):  # SIGCHLD is ignored: the system has forgotten it
                os.waitpid(self._between, 0)


def _fork_and_exit(output: ChildOutput, worker: int, at_end: Callable[[], None]) -> None:
    """Let a child look after *output* until *worker* ends, then call *at_end*. Never returns."""
    try:
        if os.fork() == 0:
            os.setsid()
            _keep_only(output)
            _look_until(_ends(worker), output)
            at_end()
    finally:
        os._exit(0)


def _keep_only(output: ChildOutput) -> None:
    """Close what belongs to the worker, so that its streams and locks end with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    output.started()
    for fd in {int(file.name) for file in Path("/dev/fd").iterdir()}.difference(output.kept):
        with suppress(OSError):  # that of the folder itself
            os.close(fd)


def _look_until(has_ended: Callable[[float], bool], output: ChildOutput) -> None:
    is_stuck = False
    while not has_ended(TAKE_INTERVAL if is_stuck else LOOK_INTERVAL):
        is_stuck = output.rescuer.look()


def _ends(pid: int) -> Callable[[float], bool]:
    """Return what waits some seconds for the end of the process *pid*, and returns whether it has ended."""
    if hasattr(os, "pidfd_open"):
        try:
            poll = select.poll()
            poll.register(os.pidfd_open(pid), select.POLLIN)
        except OSError:  # it has ended, or the system is too old
            pass
        else:
            return lambda seconds: bool(poll.poll(seconds * 1000))
    return lambda seconds: not select.select([], [], [], seconds)[0] and has_ended(pid)
