"""Exit status of a process, described for people."""

from __future__ import annotations

import signal


def describe_exit(status: int) -> str:
    """Return how a process ended, as a verb phrase; *status* is that of `subprocess.Popen`."""
    if status >= 0:
        return f"exited with status {status}"
    try:
        return f"was killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"was killed by signal {-status}"
