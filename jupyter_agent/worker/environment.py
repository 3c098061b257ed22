"""Environment of the kernels and programs that a worker starts."""

from __future__ import annotations

import os

from ..system.start import CALLERS_PATH, SYS_PATH

_WORKERS_OWN = ("JUPYTER_AGENT_PRODUCER", "JUPYTER_AGENT_WORKER_MEMORY", CALLERS_PATH, SYS_PATH)


def kernel_environment() -> dict[str, str]:
    """Return the caller's environment for the kernel of a notebook.

    Without empty entries of ``PYTHONPATH``, which ``PYTHONPATH=$PYTHONPATH:/mine`` may leave: they stand for
    the working directory, and the notebook's folder would come before the standard library.
    """
    env = program_environment()
    if entries := env.pop("PYTHONPATH", ""):
        env["PYTHONPATH"] = os.pathsep.join(filter(None, entries.split(os.pathsep)))
    return env


def program_environment() -> dict[str, str]:
    """Return the caller's environment for a kernel or a program.

    Without the worker's own ``PYTHONPATH``: the program may be another Python, for which it is wrong.
    """
    env = {name: value for name, value in os.environ.items() if name not in _WORKERS_OWN}
    if CALLERS_PATH in os.environ:
        env.pop("PYTHONPATH", None)
        if os.environ[CALLERS_PATH]:
            env["PYTHONPATH"] = os.environ[CALLERS_PATH]
    return env
