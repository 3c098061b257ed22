"""Processes that a test has started and remembers by their numbers, which may be in use again."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from jupyter_agent.system.processes import signal_process


def kill_own(pid: int) -> None:
    """Kill a process of this test, by its environment. Does nothing if it has ended."""
    signal_process(pid, signal.SIGKILL, is_meant=_is_of_this_test)


def _is_of_this_test(pid: int) -> bool:
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False
    return f"JUPYTER_AGENT_DIR={os.environ['JUPYTER_AGENT_DIR']}".encode() in environment
