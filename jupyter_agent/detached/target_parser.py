"""Parser of targets, from command-line words or the fields of a request."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, assert_never

from msgspec.structs import replace

from ..errors import BadTarget
from .parameters import check_parameters
from .targets import AgentTarget, CommandTarget, FunctionTarget, NotebookTarget, PickledTarget, Target

_FORMS = "a notebook.ipynb, module:function, file.py:function, -- and a command, or text for the agent"


def parse_target(
    asked: str | Sequence[str],
    *,
    parameters: Mapping[str, Any] | None = None,
    kernel: str | None = None,
    cell_timeout: float | None = None,
    allow_errors: bool = False,
    cwd: str,
    agent: str | None = None,
) -> Target:
    """Return the target that *asked* names; a list is a command with its arguments.

    *kernel*, *cell_timeout* (seconds) and *allow_errors* are for notebooks. Relative paths start from *cwd*.
    *agent* is the ``module:function`` that is called with free text. Raises `BadTarget`.
    """
    given = dict(parameters or {})
    target = _parse(command_words(asked), given, Path(cwd), agent)
    if given and not isinstance(target, NotebookTarget | FunctionTarget):
        raise BadTarget(f"parameters are for notebooks and functions, not for {_kind(target)}")
    check_parameters(given)
    if isinstance(target, NotebookTarget):
        return replace(target, kernel=kernel or None, cell_timeout=cell_timeout, allow_errors=allow_errors)
    for word, wanted in (
        ("a kernel", kernel),
        ("cell_timeout", cell_timeout),
        ("allow_errors", allow_errors),
    ):
        if wanted:
            raise BadTarget(f"{word} is for notebooks, not for {_kind(target)}")
    return target


def is_function(text: str) -> bool:
    """Return True if *text* has the form ``module:function`` or ``file.py:function``."""
    module, colon, function = text.partition(":")
    is_module = bool(colon) and _is_dotted(module) and _is_dotted(function)
    return is_module or (file_of_function(text) is not None and len(text.split()) == 1)


def file_of_function(text: str) -> str | None:
    """Return the file of ``file.py:function``; ``None`` when *text* has another form."""
    file, _, function = text.rpartition(":")
    return file if file.endswith(".py") and _is_dotted(function) else None


def _is_dotted(text: str) -> bool:
    return all(part.isidentifier() for part in text.split("."))


def _parse(asked: str | Sequence[str], given: dict[str, Any], cwd: Path, agent: str | None) -> Target:
    if not isinstance(asked, str):
        return CommandTarget(_program(list(asked), cwd))
    text = asked.strip()
    if not text:
        raise BadTarget(f"say what to run: {_FORMS}")
    if text.endswith(".ipynb"):
        return NotebookTarget(str(_existing(text, cwd, "notebook")), given)
    if (file := file_of_function(text)) and (len(text.split()) == 1 or _is_file(cwd / expand_user(file))):
        return FunctionTarget(f"{_existing(file, cwd, 'file')}:{text.rpartition(':')[2]}", given)
    if is_function(text):
        return FunctionTarget(text, given)
    if agent is None:
        raise BadTarget(
            f"{text[:60]!r} is not a notebook (.ipynb) or a module:function, and no agent is named for text; "
            'c.JupyterAgent.agent = "module:function" in jupyter_server_config.py names one (a command '
            "comes after --)"
        )
    if not is_function(agent):
        raise BadTarget(f"the agent must be named as module:function, not as {agent[:60]!r}")
    return AgentTarget(agent, asked)


def _existing(text: str, cwd: Path, what: str) -> Path:
    path = cwd / expand_user(text)
    if not _is_file(path):
        raise BadTarget(f"there is no {what} {str(path)[:500]}")
    return path.absolute()


def expand_user(text: str) -> Path:
    """Return the path with ``~`` expanded. Raises `BadTarget` for the home of an unknown user."""
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise BadTarget(f"{text[:80]!r} is in the home of a user who is not known here") from error


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # the name is too long; it has a null byte
        return False


def _program(argv: list[str], cwd: Path) -> list[str]:
    if not argv or not argv[0]:
        raise BadTarget("say which command to run: its name, then its arguments")
    if not all(isinstance(word, str) and "\0" not in word for word in argv):
        raise BadTarget("a command is a list of texts: its name, then its arguments")
    name = argv[0]
    where = str(cwd / name) if "/" in name else name
    if shutil.which(where) is None:
        file = cwd / name
        hint = f"; {name} is here: ./{name} would run it" if "/" not in name and _is_file(file) else ""
        hint = hint or ("; that file may not be executed" if "/" in name and _is_file(file) else "")
        raise BadTarget(f"there is no program {name[:200]!r}{hint}")
    return argv


def command_words(asked: str | Sequence[str]) -> str | Sequence[str]:
    """Return the words of a command after ``--``; other targets as they are. Raises `BadTarget`."""
    if not isinstance(asked, str) or not asked.startswith("-- "):
        return asked
    try:
        return shlex.split(asked[3:])
    except ValueError as error:
        raise BadTarget(f"the command cannot be split into words: {error}") from error


def _kind(target: Target) -> str:
    match target:
        case CommandTarget():
            return "a command"
        case FunctionTarget() | PickledTarget():
            return "a function"
        case NotebookTarget():
            return "a notebook"
        case AgentTarget():
            return "an agent"
        case _:
            assert_never(target)
