"""The environment of programs that are not the worker itself."""

from __future__ import annotations

import os

from ..detached.run_spec import CALLERS_PATH

_WORKERS_OWN = ("JUPYTER_AGENT_PRODUCER", "JUPYTER_AGENT_WORKER_MEMORY", CALLERS_PATH)


def program_environment() -> dict[str, str]:
    """The caller's environment, for a kernel or a program: it may be another Python's, which must not
    import what is the worker's."""
    found = {name: value for name, value in os.environ.items() if name not in _WORKERS_OWN}
    if CALLERS_PATH in os.environ:
        found.pop("PYTHONPATH", None)
        if os.environ[CALLERS_PATH]:
            found["PYTHONPATH"] = os.environ[CALLERS_PATH]
    return found
