"""Commands: output as the log, bars as progress, exit status as the outcome."""

from __future__ import annotations

import codecs
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from ...detached.targets import CommandTarget
from ...errors import BadTarget, TargetFailed
from ...runtime.context import TaskContext
from ...runtime.engines.pipes import LAST_OUTPUT, LastOutput
from ...system.graces import MAX_GRACE
from ...system.process_table import is_group_alive
from ...system.processes import is_over, terminate
from ..environment import program_environment
from ..exit_status import describe_exit
from .deferred_signals import DeferredSignals
from .progress_parser import BarReader

POLL_INTERVAL = 0.1
"""Seconds between two checks whether the program is alive, while it is silent."""

FAULT_GRACE = 1.5
"""Seconds that a program has to end when recording its output has failed."""

CHUNK = 1 << 16
"""Bytes that are read at once."""


def run(target: CommandTarget, context: TaskContext) -> int:
    """Run the program to its end and return its exit status, 0.

    Raises `TargetFailed` for any other exit status, and `BadTarget` where it cannot be started. An exception
    that is raised into this thread meanwhile ends the program and its children.
    """
    name = os.path.basename(target.argv[0])  # noqa: PTH119 - as the program sees it
    # No signal may raise between the fork and the `try` that stops the program: it would be left running,
    # unknown to this process. `release` is inside that `try`, and raises what came meanwhile.
    deferred = DeferredSignals()
    try:
        program = Program(_start(target.argv), context)
    except BaseException:
        deferred.release()
        raise
    try:
        deferred.release()
        status = program.follow()
    except BaseException as error:
        # What stops an attempt is no `Exception`, and its grace ends by raising once more.
        program.stop(FAULT_GRACE if isinstance(error, Exception) else MAX_GRACE)
        raise
    finally:
        program.close()
    if status:
        raise TargetFailed(f"{name} {describe_exit(status)}", type="CommandFailed")
    return status


def _start(argv: list[str]) -> subprocess.Popen[bytes]:
    try:
        with _default_interrupts():
            return subprocess.Popen(  # noqa: S603 - this is what the user wants
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=program_environment(),
                process_group=0,
            )
    except FileNotFoundError as error:
        raise BadTarget(f"there is no program {argv[0]!r}") from error
    except OSError as error:
        raise BadTarget(f"{argv[0]} cannot be run: {error.strerror or error}") from error


@contextmanager
def _default_interrupts() -> Iterator[None]:
    """Let a program start with SIGINT at its default.

    A worker ignores SIGINT. A program inherits that, and a shell could not even trap it then.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.SIG_IGN:
        yield
        return
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class Program:
    """A program in a process group of its own, and its output."""

    def __init__(self, process: subprocess.Popen[bytes], context: TaskContext) -> None:
        self._process = process
        self._selector = selectors.DefaultSelector()
        for pipe, name in ((process.stdout, "stdout"), (process.stderr, "stderr")):
            assert pipe is not None
            self._selector.register(pipe, selectors.EVENT_READ, Output(context, name))

    def follow(self) -> int:
        """Record its output until it has ended, and return its exit status.

        A child of it that is still running and holds its output open is not waited for.
        """
        last = LastOutput()
        while self._selector.get_map():
            ended = is_over(self._process)
            if last.is_read(has_ended=ended, has_more=self._read(POLL_INTERVAL)):
                break
        return self._process.wait()

    def stop(self, grace: float) -> None:
        """End it and its children within *grace* seconds, or when this is interrupted; record its output."""
        try:
            terminate(self, grace, pause=lambda: self._read(POLL_INTERVAL / 5))
        except BaseException:  # the signal that forces an attempt raises here too
            self.send(signal.SIGKILL)
            raise
        finally:
            self._process.wait()
        deadline = time.monotonic() + LAST_OUTPUT
        while self._read(0.0) and time.monotonic() < deadline:
            continue

    def close(self) -> None:
        """Close its output."""
        for key in list(self._selector.get_map().values()):
            self._close(key)
        self._selector.close()

    def is_alive(self) -> bool:
        """Return True while the program, or a child in its group, has not ended."""
        return not is_over(self._process) or is_group_alive(self._process.pid)

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the program and its children."""
        # Until it is reaped, its number is no other group's; after that, only while a child of it is left.
        if self._process.returncode is not None and not is_group_alive(self._process.pid):
            return
        with suppress(ProcessLookupError, PermissionError):  # all have ended; the second on macOS
            os.killpg(self._process.pid, number)

    def _read(self, seconds: float) -> bool:
        """Wait for output and record it; false when there was none."""
        if not self._selector.get_map():
            time.sleep(seconds)
            return False
        ready = self._selector.select(seconds)
        for key, _ in ready:
            if not key.data(os.read(key.fd, CHUNK)):
                self._close(key)
        return bool(ready)

    def _close(self, key: selectors.SelectorKey) -> None:
        self._selector.unregister(key.fileobj)
        pipe: Any = key.fileobj
        pipe.close()


class Output:
    """Records what comes through one pipe; called with the data, it returns false at the end."""

    def __init__(self, context: TaskContext, name: str) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._lines = context.stream(name)
        self._bars = BarReader(context.progress)

    def __call__(self, data: bytes) -> bool:
        text = self._decode(data, not data)
        if text:
            self._bars.write(text)
            self._lines.write(text)
        return bool(data)
