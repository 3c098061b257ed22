"""Start-up: the producer of this process, made on first need."""

from __future__ import annotations

import atexit

from ..producer.producer import Producer, current_producer
from . import capture
from .registry import interrupt_all


def ready_producer() -> Producer:
    """This process's producer, with the capturing hooks and the last words at exit in place."""
    producer = current_producer()
    capture.install()
    atexit.unregister(_at_exit)
    atexit.register(_at_exit)
    return producer


def _at_exit() -> None:
    interrupt_all("the process ended")
