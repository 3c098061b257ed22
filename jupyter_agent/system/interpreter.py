"""Interpreter starts: a program of this package in a new Python, on a path that no folder can shadow.

``python -m`` puts the working directory first on `sys.path`, and ``PYTHONPATH`` comes before the standard
library too: a ``random.py`` in a folder of downloads would be executed by whatever is started there. So
programs start with ``-P`` and without ``PYTHONPATH``. The caller's `sys.path` comes in a variable of its own,
behind the standard library and what is installed; `start` appends it, and only for modules that are found
nowhere else.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from .start import SYS_PATH

_START = Path(__file__).with_name("start.py")
_PACKAGE_ROOT = str(Path(__file__).parents[2])


def program_command(module: str, *arguments: str, python: str | None = None) -> list[str]:
    """Return what runs *module* of this package as a program in *python* (``None``: this interpreter)."""
    return [python or sys.executable, "-P", str(_START), module, *arguments]


def program_start_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return *environment* for `program_command`: its ``PYTHONPATH`` becomes the caller's path.

    Without ``PYTHONINSPECT``, which has a program that ends wait at a prompt instead.
    """
    found = dict(environment)
    found.pop("PYTHONINSPECT", None)
    path = found.pop("PYTHONPATH", "")
    return found | {SYS_PATH: path}


def caller_path() -> str:
    """Return this process's `sys.path`, and where this package is, as ``PYTHONPATH`` would have it."""
    entries = [entry for entry in sys.path if entry]
    return os.pathsep.join(dict.fromkeys([*entries, _PACKAGE_ROOT]))
