"""This process's producer and its connection, as tests wait for and close them."""

from __future__ import annotations

import atexit

from jupyter_agent.producer import producer as module
from jupyter_agent.producer.forwarder import Forwarder


def close_current() -> None:
    """Close this process's producer, if it has one; the next task makes a new one."""
    with module._guard:
        producer, module._current = module._current, None
    if producer is not None:
        atexit.unregister(producer.close)
        producer.close()
        producer.spool.close()  # as the end of the process would


def wait_until_up(forwarder: Forwarder, timeout: float) -> bool:
    """Wait for a welcomed connection; false when *timeout* seconds pass first."""
    with forwarder._progress:
        return forwarder._progress.wait_for(lambda: forwarder.is_up, timeout)
