"""``on="process"``: an attempt in a worker process of its own, and what its parent knows of it.

The worker emits through its own spool. Towards its parent it sends its snapshot whenever that
changes, and its output; it gets the work first, then commands, through its standard input, whose end
means that the parent is gone.
"""

from __future__ import annotations

import codecs
import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import IO, Any

import msgspec

from ...core.events import Data, Error, TaskState
from ...core.task import Task
from ...producer.producer import adopt_spool
from ...system.graces import ATTEMPT_GRACE
from ..attempt import Attempt
from ..capture import untee
from ..context import set_current
from ..outcome import Outcome
from .base import BaseEngine, Work

POLL_INTERVAL = 0.1
"""Seconds between two looks at whether the worker lives, while it is silent."""


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """What a worker is told before the work itself."""

    task: str
    attempt: int
    name: str
    timeout: float | None
    report: int
    parent: int
    size: int

    def encode(self) -> bytes:
        return json.dumps(asdict(self)).encode() + b"\n"


class ProcessEngine(BaseEngine):
    """Starts the worker, passes its output on, and says how it ended when it could not."""

    def __init__(self, attempt: Attempt, work: Work) -> None:
        super().__init__(attempt)
        self._work = work
        self._process: subprocess.Popen[bytes] | None = None
        self._input = threading.Lock()
        self._early: list[bytes] = []
        self._forced = 0
        self._killed = False
        self._ended_there = False
        self._overdue_at: float | None = None

    def start(self) -> None:
        import cloudpickle

        content = cloudpickle.dumps((self._work.function, self._work.args, self._work.kwargs))
        name = f"jupyter-agent-process-{self._attempt.task.options.name}"
        # This thread starts the worker and waits for it: the worker dies with the thread that made it.
        threading.Thread(target=self._main, args=(content,), name=name, daemon=True).start()

    def cancel(self) -> None:
        process = self._process
        if self._attempt.task.is_finished(self._attempt):  # cancelled while queued
            self._kill()
        elif process is not None and process.poll() is None:
            process.send_signal(signal.SIGTERM)

    def force(self) -> None:
        """The worker stops itself after the same grace; only where it cannot is it killed."""
        self._forced += 1
        if self._forced > 1:
            self._kill()

    def poll(self) -> None:
        if self._overdue_at is not None and time.monotonic() > self._overdue_at:
            self._kill()

    def abandon(self) -> None:
        self._kill()

    def answer(self, text: str, prompt_id: str | None) -> bool:
        self._tell({"command": "input", "text": text, "prompt_id": prompt_id})
        return True

    def _kill(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._killed = True
            self._process.kill()

    def _tell(self, message: dict[str, Any]) -> None:
        line = json.dumps(message).encode() + b"\n"
        with self._input:
            if self._process is None or self._process.stdin is None:
                self._early.append(line)
            else:
                _write(self._process.stdin, line)

    def _main(self, content: bytes) -> None:
        self._attempt.variables.run(self._run, content)

    def _run(self, content: bytes) -> None:
        set_current(None)
        try:
            process, report = self._spawn(content)
        except OSError as error:
            self._attempt.raised(error)
            return
        try:
            self._follow(process, report)
        finally:
            os.close(report)
            _close(process)
        self._settle(process.wait())

    def _spawn(self, content: bytes) -> tuple[subprocess.Popen[bytes], int]:
        attempt = self._attempt
        report, child_end = os.pipe()
        try:
            process = subprocess.Popen(
                [sys.executable, "-m", "jupyter_agent.worker.child"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=(child_end,),
                env=_environment(attempt),
                start_new_session=True,  # a notebook's stop button is for the notebook
            )
        except OSError:
            os.close(report)
            raise
        finally:
            os.close(child_end)
        options = attempt.task.options
        order = ChildSpec(
            task=attempt.task.id,
            attempt=attempt.number,
            name=options.name,
            timeout=options.timeout,
            report=child_end,
            parent=os.getpid(),
            size=len(content),
        )
        assert process.stdin is not None
        with self._input:
            self._process = process
            _write(process.stdin, order.encode() + content + b"".join(self._early))
        if attempt.context.cancelled:
            self.cancel()
        return process, report

    def _follow(self, process: subprocess.Popen[bytes], report: int) -> None:
        """Pass on output and snapshots until the worker has ended and is read out."""
        with selectors.DefaultSelector() as selector:
            selector.register(report, selectors.EVENT_READ, _Lines(self._reported))
            for stream, name in ((process.stdout, "stdout"), (process.stderr, "stderr")):
                assert stream is not None
                selector.register(stream, selectors.EVENT_READ, _Text(untee(getattr(sys, name))))
            while selector.get_map():
                ended = process.poll() is not None
                ready = selector.select(POLL_INTERVAL)
                for key, _ in ready:
                    if not key.data(os.read(key.fd, 1 << 16)):
                        selector.unregister(key.fileobj)
                if ended and not ready:
                    return  # something that the worker started holds its output open

    def _reported(self, line: bytes) -> None:
        seen = msgspec.json.decode(line, type=Task)
        limit = self._attempt.task.options.timeout
        if limit is not None and self._overdue_at is None and seen.state is TaskState.RUNNING:
            self._overdue_at = time.monotonic() + limit + 2 * ATTEMPT_GRACE
        self._ended_there |= self._attempt.task.mirror(self._attempt, seen) and seen.state.ended

    def _settle(self, status: int) -> None:
        attempt, task = self._attempt, self._attempt.task
        if self._ended_there:
            task.on_attempt_ended(attempt, task.fold.state)
        if task.is_finished(attempt):
            return
        outcome = self._death(status)
        spool = adopt_spool(task.producer.paths, attempt.worker or "")
        if spool is not None:
            attempt.write = spool.append
        elif outcome.state is TaskState.INTERRUPTED and task.fold.state is TaskState.RUNNING:
            attempt.write = _told_already
        try:
            task.record_outcome(attempt, outcome)
        finally:
            attempt.write = task.producer.emit
            if spool is not None:
                spool.close()

    def _death(self, status: int) -> Outcome:
        """How a worker ended that could not say so itself."""
        if self._attempt.context.cancelled and self._killed:
            return Outcome(TaskState.CANCELLED, reason="its process had to be killed")
        if self._overdue_at is not None and self._killed:
            limit = self._attempt.task.options.timeout
            message = f"it ran longer than its timeout of {limit:g} s and had to be killed"
            return Outcome(TaskState.FAILED, error=Error("TaskTimeout", message))
        killed = f"was killed by {signal.Signals(-status).name}" if status < 0 else ""
        how = killed or f"exited with status {status}"
        return Outcome(TaskState.INTERRUPTED, reason=f"its process {how}")


def _told_already(_task: str, _attempt: int, _kind: str, _data: Data) -> int:
    """Whoever has the spool of a worker that was running says the same: one end is enough."""
    return 0


class _Lines:
    """Calls *take* with each whole line of what it is given; false at the end."""

    def __init__(self, take: Callable[[bytes], None]) -> None:
        self._take = take
        self._rest = b""

    def __call__(self, data: bytes) -> bool:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._take(line)
        return bool(data)


class _Text:
    """Writes what it is given to a text stream; false at the end."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode

    def __call__(self, data: bytes) -> bool:
        text = self._decode(data, not data)
        if text and self._stream is not None:
            self._stream.write(text)
            self._stream.flush()
        return bool(data)


def worker_environment(producer: str, journal: str) -> dict[str, str]:
    """The environment of a process that is to be *producer* of *journal* and imports what this one can."""
    path = os.pathsep.join(entry for entry in sys.path if entry)
    names = {"JUPYTER_AGENT_PRODUCER": producer, "JUPYTER_AGENT_JOURNAL": journal, "PYTHONPATH": path}
    return os.environ | names | {"PYTHONUNBUFFERED": "1"}


def _environment(attempt: Attempt) -> dict[str, str]:
    return worker_environment(attempt.worker or "", attempt.task.producer.journal)


def _write(stream: IO[bytes], data: bytes) -> None:
    try:
        stream.write(data)
        stream.flush()
    except BrokenPipeError:
        return  # it has died; how is seen by who waits for it


def _close(process: subprocess.Popen[bytes]) -> None:
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()
    if process.stdin is not None:
        try:
            process.stdin.close()
        except BrokenPipeError:
            return
