"""Start-up: the producer of this process, made on first need."""

from __future__ import annotations

import atexit

from ..producer.producer import Producer, current_producer
from . import capture
from .exit_reason import exit_reason
from .local_task import local_tasks


def ready_producer() -> Producer:
    """Return this process's producer, with output capture and the exit handler installed."""
    producer = current_producer()
    capture.install()
    # Registered anew each time, so that it runs before the producer's own exit handler (last in, first out).
    atexit.unregister(_at_exit)
    atexit.register(_at_exit)
    return producer


def _at_exit() -> None:
    local_tasks.interrupt_all(exit_reason())
