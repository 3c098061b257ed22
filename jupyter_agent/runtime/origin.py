"""Origin of a task: owner, kernel, notebook and cell that started it."""

from __future__ import annotations

import getpass
import os
import sys
from pathlib import Path
from typing import Any

from ..core.events import About


def about(name: str, key: str | None, tags: tuple[str, ...], view: str | None) -> About:
    """Return the origin for the ``queued`` event of a task that the running cell starts."""
    notebook = os.environ.get("JPY_SESSION_NAME")
    return About(
        name,
        key=key,
        tags=tags,
        owner=_owner(),
        kernel=_kernel_id(),
        notebook=notebook,
        cell=_cell_id(),
        run=cell_run(),
        view=view,
    )


def kernel_shell() -> Any | None:
    """Return the IPython shell of this kernel; ``None`` in a plain process."""
    shell = ipython_shell()
    return shell if getattr(shell, "kernel", None) is not None else None


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
    header = (shell.kernel.get_parent("shell") or {}).get("header", {})
    run = header.get("msg_id")
    return run if isinstance(run, str) else None


def _owner() -> str | None:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user id without a name, as in many containers
        return None


def _kernel_id() -> str | None:
    if kernel_shell() is None:
        return None
    from ipykernel.connect import get_connection_file

    try:
        stem = Path(get_connection_file()).stem
    except RuntimeError:  # an embedded kernel has none
        return None
    return stem.removeprefix("kernel-")


def _cell_id() -> str | None:
    shell = kernel_shell()
    if shell is None:
        return None
    parent = shell.kernel.get_parent("shell") or {}
    cell = parent.get("metadata", {}).get("cellId")
    return cell if isinstance(cell, str) else None
