"""Start and end: makes the producer of this process on first need; ends a process whose tasks still run."""

from __future__ import annotations

import atexit
import logging
import sys

from ..core.sanitize import to_single_line
from ..producer.producer import Producer, current_producer, existing_producer
from .capture.install import install_capture
from .capture.recording import expect_finalization
from .capture.streams import untee
from .exit_reason import exit_reason
from .local_task import LocalTask, local_tasks
from .origin import kernel_shell

log = logging.getLogger(__name__)


def ready_producer() -> Producer:
    """Return this process's producer, with output capture and the exit handler installed."""
    producer = current_producer()
    install_capture()
    # Registered anew each time, so that it runs before the producer's own exit handler (last in, first out).
    atexit.unregister(_at_exit)
    atexit.register(_at_exit)
    return producer


def _at_exit() -> None:
    producer = existing_producer()
    expect_finalization()
    running = local_tasks.abandon_all()
    if producer is None or not running:
        return
    # No end is recorded here. Daemon threads run until the interpreter stops them, which exit handlers of the
    # user's may delay for long, and whatever they emit until then comes before the end, or there is none.
    producer.leave_end_to_holder(exit_reason())
    # A loop of `track` is no work that a script could wait for, and its bar shows that it was interrupted.
    submitted = [task for task in running if not task.options.slim]
    # Whoever restarts a kernel means it; a script's author may not know.
    if submitted and kernel_shell() is None:
        _say(submitted)


def _say(running: list[LocalTask]) -> None:
    if sys.stderr is None:
        return
    names = ", ".join(sorted({to_single_line(task.options.name) for task in running})[:3])
    what = f"task {names} has" if len(running) == 1 else f"{len(running)} tasks ({names}) have"
    try:
        untee(sys.stderr).write(
            f"jupyter_agent: {what} not ended and will be interrupted with this process; "
            "wait for the end with wait() or result(), or submit with on='detached'\n"
        )
    except (OSError, ValueError) as error:  # closed: nobody reads it
        log.debug("it cannot be said that tasks are interrupted: %s", error)
