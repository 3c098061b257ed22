"""Exit status of a program, in words."""

from __future__ import annotations

import signal


def how_it_ended(status: int) -> str:
    """A process's end in words; *status* is `subprocess.Popen`'s."""
    if status >= 0:
        return f"exited with status {status}"
    try:
        return f"was killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"was killed by signal {-status}"
