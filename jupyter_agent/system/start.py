"""Start: ``python -P start.py MODULE [ARGUMENT]...`` runs MODULE as a program, on a safe path.

It is run by its own path and imports nothing but the standard library before `sys.path` is complete.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

SYS_PATH = "JUPYTER_AGENT_SYS_PATH"
"""Variable with the `sys.path` of the process that asked for this start."""

CALLERS_PATH = "JUPYTER_AGENT_PYTHONPATH"
"""Variable with the caller's own ``PYTHONPATH``, for programs that this one starts."""

PROTECTED = frozenset((
    "IPython", "anywidget", "click", "cloudpickle", "cronsim", "ipykernel", "ipywidgets", "jupyter_agent",
    "jupyter_client", "jupyter_core", "jupyter_server", "msgspec", "nbclient", "nbformat", "nest_asyncio2",
    "prometheus_client", "rich", "tornado", "traitlets", "tzdata", "zmq",
))  # fmt: skip
"""What this package imports besides the standard library, at whatever time."""


def complete_path() -> None:
    """Append the caller's entries: they serve for what the interpreter does not find by itself.

    Not the working directory, which may be a folder of downloads, unless this package lies there.
    """
    caller = [entry for entry in os.environ.get(SYS_PATH, "").split(os.pathsep) if entry]
    new = [entry for entry in caller if entry not in sys.path]
    sys.path += [entry for entry in new if not _is_working_directory(entry)]
    from importlib.util import find_spec

    if find_spec("jupyter_agent") is None:
        sys.path += [entry for entry in new if _is_working_directory(entry)]


def use_caller_path() -> None:
    """Give user code the path it expects: its folder first, then the caller's order. Idempotent.

    From here on `_Protected` finds the standard library and what this package needs, whatever lies there.
    """
    if not any(isinstance(finder, _Protected) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Protected(list(sys.path)))
    caller = [entry for entry in os.environ.get(SYS_PATH, "").split(os.pathsep) if entry]
    try:
        here = [os.getcwd()]  # noqa: PTH109 - as `sys.path` has it
    except FileNotFoundError:  # the folder was deleted
        here = []
    sys.path[:] = dict.fromkeys([*here, *caller, *sys.path])


class _Protected:
    """Finds protected modules on *path*, the safe one, before `sys.path` is looked at.

    An import may come late: a folder that user code needs must not decide what `queue` or `cloudpickle` is.
    """

    def __init__(self, path: list[str]) -> None:
        self._path = path

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """See `importlib.abc.MetaPathFinder`; ``None`` leaves the search to the next finder."""
        if path is not None or (name not in PROTECTED and name not in sys.stdlib_module_names):
            return None
        return PathFinder.find_spec(name, self._path, target)


def _is_working_directory(entry: str) -> bool:
    try:
        return Path(entry).samefile(os.curdir)
    except OSError:
        return False


def main() -> None:
    """Run the module that the command line names."""
    complete_path()
    if os.environ.get(CALLERS_PATH):
        os.environ["PYTHONPATH"] = os.environ[CALLERS_PATH]
    import runpy

    module = sys.argv[1]
    del sys.argv[1]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
