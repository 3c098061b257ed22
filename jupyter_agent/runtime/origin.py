"""Origin of a task: owner, kernel, notebook and cell that started it."""

from __future__ import annotations

import getpass
import os
import sys
from pathlib import Path
from typing import Any

from ..core.events import About
from ..system.host import host
from .options import Options


def about(options: Options) -> About:
    """Return the origin for the ``queued`` event of a task that the running cell starts."""
    notebook = os.environ.get("JPY_SESSION_NAME")
    runs_here = options.place in _HERE
    return About(
        options.name,
        key=options.key,
        tags=options.tags,
        owner=_owner(),
        kernel=_kernel_id(),
        notebook=notebook,
        cell=_cell_id(),
        run=cell_run(),
        view=options.view,
        params=dict(options.params) if options.params else None,
        kind=options.kind,
        on=options.place,
        host=host() if runs_here else None,
        pid=os.getpid() if runs_here else None,
        grace=options.grace,
    )


_HERE = ("thread", "loop", "foreground", "ThreadPoolExecutor")
"""Where tasks run in the process that queues them. Another executor may be one of processes."""


def kernel_shell() -> Any | None:
    """Return the IPython shell of this kernel; ``None`` in a plain process."""
    shell = ipython_shell()
    return shell if getattr(shell, "kernel", None) is not None else None


def saves_pictures() -> bool:
    """Return whether this kernel itself replaces views of ended tasks by pictures: no front-end does it."""
    return kernel_shell() is not None and not os.environ.get("JPY_SESSION_NAME")


def ipython_shell() -> Any | None:
    """Return the IPython shell of this process; ``None`` without IPython."""
    if "IPython" not in sys.modules:
        return None
    from IPython import get_ipython

    return get_ipython()


def cell_run() -> str | None:
    """Return the id of the present execution of a cell; ``None`` outside a kernel."""
    shell = kernel_shell()
    if shell is None:
        return None
    run = _request(shell).get("header", {}).get("msg_id")
    return run if isinstance(run, str) else None


def _owner() -> str | None:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user id without a name, as in many containers
        return None


def _request(shell: Any) -> dict[str, Any]:
    """Return the request that the kernel executes; empty between two of them.

    ipykernel keeps one for each channel, xeus-python one alone, and its function takes no channel.
    """
    get_parent = shell.kernel.get_parent
    try:
        request = get_parent("shell")
    except TypeError:
        request = get_parent()
    return request or {}


def _kernel_id() -> str | None:
    if kernel_shell() is None:
        return None
    path = _connection_file()
    return None if path is None else Path(path).stem.removeprefix("kernel-")


def _connection_file() -> str | None:
    """Return the kernel's connection file; ``None`` for an embedded kernel."""
    # Only a kernel of ipykernel has loaded this module. xeus-python replaces parts of ipykernel by its own
    # ones, so that the import fails there.
    if "ipykernel.kernelapp" not in sys.modules:
        options = zip(sys.orig_argv, sys.orig_argv[1:], strict=False)
        return next((path for option, path in options if option == "-f" and path.endswith(".json")), None)
    from ipykernel.connect import get_connection_file

    try:
        return str(get_connection_file())
    except RuntimeError:
        return None


def _cell_id() -> str | None:
    shell = kernel_shell()
    if shell is None:
        return None
    cell = _request(shell).get("metadata", {}).get("cellId")
    return cell if isinstance(cell, str) else None
