"""Durable tasks for notebooks: nothing lost, nothing twice, nothing blocked."""

# Under private names: completion offers what this module has, and not all of it asks `__dir__`.
import os as _os
import typing as _typing
from importlib import import_module as _import_module

from ._version import __version__ as __version__

if _typing.TYPE_CHECKING:
    from .errors import (
        AgentError,
        NotNow,
        ResultNotStored,
        TaskCancelled,
        TaskError,
        TaskFailed,
        TaskInterrupted,
        TaskTimeout,
        UnknownTask,
    )
    from .notebook.api import TaskFunction, submit, task
    from .notebook.forward_to import Forward, forward_to
    from .notebook.handle import TaskHandle, attach
    from .notebook.map import map  # noqa: A004
    from .notebook.nested_asyncio import run
    from .notebook.progress.track import track
    from .notebook.task_list import tasks
    from .runtime.context import TaskContext, current

# Names are imported on first access: `import jupyter_agent` must cost next to nothing.
_MODULES = {
    "notebook.api": ("TaskFunction", "submit", "task"),
    "runtime.context": ("TaskContext", "current"),
    "notebook.forward_to": ("Forward", "forward_to"),
    "notebook.handle": ("TaskHandle", "attach"),
    "notebook.map": ("map",),
    "notebook.nested_asyncio": ("run",),
    "notebook.task_list": ("tasks",),
    "notebook.progress.track": ("track",),
    "errors": (
        "AgentError",
        "NotNow",
        "ResultNotStored",
        "TaskCancelled",
        "TaskError",
        "TaskFailed",
        "TaskInterrupted",
        "TaskTimeout",
        "UnknownTask",
    ),
}
_NAMES = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "AgentError",
    "Forward",
    "NotNow",
    "ResultNotStored",
    "TaskCancelled",
    "TaskContext",
    "TaskError",
    "TaskFailed",
    "TaskFunction",
    "TaskHandle",
    "TaskInterrupted",
    "TaskTimeout",
    "UnknownTask",
    "attach",
    "current",
    "forward_to",
    "map",
    "run",
    "submit",
    "task",
    "tasks",
    "track",
]


def _fix_relative_folder() -> None:
    """Make a relative ``JUPYTER_AGENT_DIR`` absolute: no ``chdir`` before the first task may change it."""
    folder = _os.environ.get("JUPYTER_AGENT_DIR", "")
    if folder and not folder.startswith(("/", "~")):
        from pathlib import Path

        try:
            _os.environ["JUPYTER_AGENT_DIR"] = str(Path.cwd() / folder)
        except FileNotFoundError:  # the current folder is gone: the first task will say so
            return


_fix_relative_folder()


def __getattr__(name: str) -> _typing.Any:
    module = _NAMES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(_import_module(f".{module}", __name__), name)
    globals()[name] = value  # the next access does not come here
    return value


def __dir__() -> list[str]:
    """Return what completion should offer: the public names, whether or not they have been used yet."""
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})


def load_ipython_extension(shell: _typing.Any) -> None:
    """Add ``%%task`` to *shell*; called by ``%load_ext jupyter_agent``."""
    from .notebook.magic import load

    load(shell)


def _jupyter_server_extension_points() -> list[dict[str, object]]:
    from .server.extension import JupyterAgent

    return [{"module": "jupyter_agent.server.extension", "app": JupyterAgent}]
