"""Engine that runs an attempt in a child process: ``on="process"``.

The child emits through its own spool. It sends its parent a snapshot whenever that changes, and its output;
through its standard input it gets the work, then commands. The end of that input means that the parent is
gone.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import threading
import time
from contextlib import ExitStack
from functools import partial
from typing import Any

import msgspec

from ...core.events import Error, State, TaskState
from ...core.task import Task
from ...detached.function_pickle import dumps
from ...producer.spool_folder import write_ending
from ...system.graces import FORCE_INTERVAL
from ...system.interpreter import program_command
from ...system.processes import end_children
from ..attempt import Attempt
from ..capture.streams import shown_to
from ..context import set_current
from ..exit_reason import ENDED, exit_reason
from ..outcome import Outcome
from ..stopping.cells import cells_of
from .base import BaseEngine, Work
from .child_output import ChildOutput, OutputPart
from .child_spec import PARENT_ENDED, STOPPED, ChildSpec, child_environment
from .death import record_death
from .overflow import TAKE_INTERVAL, Rescuer
from .pipes import LastOutput, LineReader, TextRelay, close_pipes, write_to_child

POLL_INTERVAL = 0.1
"""Seconds between two checks whether a silent child is alive."""


class ProcessEngine(BaseEngine):
    """Starts the child, relays its output, and records how it ended if the child could not."""

    kills = True
    reports = False  # the child does

    def __init__(self, attempt: Attempt, work: Work) -> None:
        super().__init__(attempt)
        self._work = work
        self._process: subprocess.Popen[bytes] | None = None
        self._input = threading.Lock()
        self._early: list[bytes] = []
        self._forced = 0
        self._killed_as: Outcome | None = None
        self._abandoned = False
        self._withdrawn = False
        self._ended_there = False
        self._overdue_at: float | None = None
        self._relays = {
            name: TextRelay(partial(shown_to, attempt.context, name)) for name in ("stdout", "stderr")
        }

    def start(self) -> None:
        content = dumps((self._work.function, self._work.args, self._work.kwargs))
        name = f"jupyter-agent-process-{self._attempt.task.options.name}"
        # The thread that starts the child must also wait for it: the child asks the system to kill it when
        # the thread that made it ends (PR_SET_PDEATHSIG).
        threading.Thread(target=self._main, args=(content,), name=name, daemon=True).start()

    def withdraw(self) -> bool:
        """Give the work to no child any more; false when one has it: its report may be on the way."""
        with self._input:
            self._withdrawn = self._withdrawn or self._process is None
            return self._withdrawn

    def cancel(self) -> None:
        if self._attempt.task.is_finished(self._attempt):  # cancelled while queued
            self._kill()
        else:
            self._send({"command": "cancel", "now": False})

    def hasten(self) -> None:
        self._send({"command": "cancel", "now": True})

    def force(self) -> None:
        """The child stops itself after the same grace; kill it only if it did not by the third call."""
        self._forced += 1
        if self._forced > 2:
            reason = self._attempt.course.how_it_ended(kills=True)
            self._kill_as(Outcome(TaskState.CANCELLED, reason=reason))

    def poll(self) -> None:
        if self._overdue_at is not None and time.monotonic() > self._overdue_at:
            limit, grace = self._attempt.task.options.timeout, self._attempt.course.grace
            message = f"it ran longer than its timeout of {limit:g} s and did not stop in {grace:g} s, killed"
            self._kill_as(Outcome(TaskState.FAILED, error=Error("TaskTimeout", message)))

    def abandon(self) -> None:
        """Kill the child, and leave its end to the holder: this process may not live until it is recorded."""
        self._abandoned = True
        if not self._ended_there and self._process is not None:
            why = exit_reason()
            reason = PARENT_ENDED if why == ENDED else why
            self._write_ending(State(TaskState.INTERRUPTED, reason=reason))
            self._kill()
            end_children(self._process.pid, started_by=self._attempt.worker)
        self._kill()

    def answer(self, text: str, prompt_id: str | None) -> bool:
        self._send({"command": "input", "text": text, "prompt_id": prompt_id})
        return True

    def _kill_as(self, outcome: Outcome) -> None:
        """Kill the child, whose *outcome* this process records, or a holder that finds it dead before."""
        if self._killed_as is None and self._process is not None and self._process.poll() is None:
            self._killed_as = outcome
            self._write_ending(State(outcome.state, reason=outcome.reason, error=outcome.error))
        self._kill()

    def _kill(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()

    def _write_ending(self, end: State) -> None:
        attempt = self._attempt
        write_ending(attempt.task.producer.paths.spools / (attempt.worker or ""), end)

    def _send(self, message: dict[str, Any]) -> None:
        line = json.dumps(message).encode() + b"\n"
        with self._input:
            if self._process is None or self._process.stdin is None:
                self._early.append(line)
            else:
                write_to_child(self._process.stdin, line)

    def _main(self, content: bytes) -> None:
        self._attempt.variables.run(self._run, content)

    def _run(self, content: bytes) -> None:
        set_current(None)  # this thread is not the task: what it logs is not captured
        try:
            process, report, output = self._spawn(content)
        except OSError as error:
            self._attempt.raised(error)
            return
        try:
            self._relay(process, report, output.rescuer)
        finally:
            os.close(report)
            close_pipes(process)
        status = process.wait()
        rest = output.rest()
        output.close()
        self._show(rest)
        self._settle(status, rest)
        if self._leaves_nothing(status):
            end_children(process.pid, started_by=self._attempt.worker)

    def _leaves_nothing(self, status: int) -> bool:
        """Return True if what the child has started ends with it: it was stopped, or did not end by itself.

        One that was stopped has ended what it saw, but not what its threads started meanwhile.
        """
        if self._killed_as or not self._ended_there:
            return True
        return status == STOPPED or (status != 0 and self._attempt.course.why is not None)

    def _spawn(self, content: bytes) -> tuple[subprocess.Popen[bytes], int, ChildOutput]:
        attempt = self._attempt
        with ExitStack() as failed:
            output = ChildOutput()
            failed.callback(output.close)
            report, child_end = os.pipe()
            failed.callback(os.close, report)
            try:
                process = subprocess.Popen(  # noqa: S603 - our own program
                    program_command("jupyter_agent.worker.child"),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    pass_fds=(child_end, *output.fds),
                    env=child_environment(attempt.worker or "", attempt.task.producer.journal),
                    start_new_session=True,  # a notebook's stop button interrupts the notebook only
                )
            finally:
                os.close(child_end)
            failed.pop_all()
        output.started()
        assert process.stdin is not None
        spec = self._spec(child_end, len(content), output)
        # Under the lock: an answer that comes meanwhile is written after the work, or is in `_early`.
        with self._input:
            self._process = process
            if not self._withdrawn:
                write_to_child(process.stdin, spec.encode() + content + b"".join(self._early))
        if self._withdrawn or attempt.task.is_finished(attempt):
            self._kill()
        return process, report, output

    def _spec(self, report: int, size: int, output: ChildOutput) -> ChildSpec:
        attempt, options = self._attempt, self._attempt.task.options
        return ChildSpec(
            task=attempt.task.id,
            attempt=attempt.number,
            name=options.name,
            timeout=options.timeout,
            grace=attempt.course.grace,
            report=report,
            parent=os.getpid(),
            size=size,
            cells=msgspec.to_builtins(cells_of(self._work.function)),
            output=output.pipes,
            overflow=output.overflow.fd,
        )

    def _relay(self, process: subprocess.Popen[bytes], report: int, rescuer: Rescuer) -> None:
        """Relay output and snapshots until the child has ended and its pipes are empty."""
        with selectors.DefaultSelector() as selector:
            selector.register(report, selectors.EVENT_READ, LineReader(self._on_report))
            for stream, name in ((process.stdout, "stdout"), (process.stderr, "stderr")):
                assert stream is not None
                selector.register(stream, selectors.EVENT_READ, self._relays[name])
            last = LastOutput()
            while selector.get_map():
                ended = process.poll() is not None
                ready = selector.select(TAKE_INTERVAL if rescuer.look() else POLL_INTERVAL)
                for key, _ in ready:
                    if not key.data(os.read(key.fd, 1 << 16)):
                        selector.unregister(key.fileobj)
                if last.is_read(has_ended=ended, has_more=bool(ready)):
                    return  # a process that the child started holds its output open

    def _show(self, rest: list[OutputPart]) -> None:
        for name, text in rest:
            self._relays[name](text.encode())

    def _on_report(self, line: bytes) -> None:
        seen = msgspec.json.decode(line, type=Task)
        limit = self._attempt.task.options.timeout
        if limit is not None and self._overdue_at is None and seen.state is TaskState.RUNNING:
            self._overdue_at = time.monotonic() + limit + self._attempt.course.grace + 2 * FORCE_INTERVAL
        self._follow_cancel(seen)
        self._ended_there |= self._attempt.task.mirror(self._attempt, seen) and seen.state.ended

    def _follow_cancel(self, seen: Task) -> None:
        """Kill a child in time that was cancelled through its own connection."""
        course, stopping = self._attempt.course, seen.stopping
        if stopping is None or stopping.why != "cancel" or seen.state.ended:
            return
        if course.why is None or (stopping.again and not course.again):
            course.begin("cancel")

    def _settle(self, status: int, rest: list[OutputPart]) -> None:
        """Record the end, where the child could not, and before it the *rest* of its output."""
        attempt, task = self._attempt, self._attempt.task
        if self._ended_there:
            task.on_attempt_ended(attempt, task.fold.state)
        if self._abandoned or task.is_finished(attempt):
            return
        outcome = self._killed_as or self._death(status)
        record_death(attempt, outcome, rest)

    def _death(self, status: int) -> Outcome:
        """Return the outcome for a child that ended by itself without recording one."""
        killed = f"was killed by {signal.Signals(-status).name}" if status < 0 else ""
        how = killed or f"exited with status {status}"
        return Outcome(TaskState.INTERRUPTED, reason=f"its process {how}")
