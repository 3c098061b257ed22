"""Safe path of a notebook's kernel: ipykernel's start executes no file of the notebook's folder.

``-m ipykernel_launcher`` looks in the working directory first, for itself and for every module that it
imports. IPython adds the folder afterwards, for the notebook's own code.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_LAUNCHERS = ("ipykernel_launcher", "ipykernel")
_WITH_VALUE = ("-W", "-X")
"""Options of Python whose value may be the next argument."""

_OWN = ("python", "python3", "python{}.{}".format(*sys.version_info))
"""Names in a kernelspec for which jupyter_client starts this interpreter."""

_PROBE = "import sys; raise SystemExit(sys.version_info < (3, 11))"
_PROBE_TIMEOUT = 10.0
"""Seconds in which another interpreter says whether it has ``-P``."""


def with_safe_path(argv: list[str]) -> list[str]:
    """Return *argv* with ``-P`` if it starts ipykernel in a Python that has this option (3.11 or newer)."""
    if not (argv and _starts_ipykernel(argv[1:]) and _has_safe_path(argv[0])):
        return argv
    return [argv[0], "-P", *argv[1:]]


def _starts_ipykernel(arguments: Sequence[str]) -> bool:
    """Return True if these arguments of Python, perhaps after other options, run ipykernel as a module."""
    left = iter(arguments)
    for argument in left:
        if argument.startswith("-m"):
            return (argument[2:] or next(left, "")) in _LAUNCHERS
        if not argument.startswith("-") or argument.startswith("-c"):
            return False
        if argument in _WITH_VALUE:
            next(left, None)
    return False


def _has_safe_path(python: str) -> bool:
    """Return False also for a program that cannot be started: the start of the kernel says why."""
    if python in _OWN:
        return True
    path = shutil.which(python)
    if path is None or Path(path).samefile(sys.executable):
        return path is not None
    probe = [path, "-I", "-S", "-c", _PROBE]
    try:
        done = subprocess.run(  # noqa: S603 - the kernelspec's own interpreter
            probe, stdin=subprocess.DEVNULL, capture_output=True, timeout=_PROBE_TIMEOUT, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
