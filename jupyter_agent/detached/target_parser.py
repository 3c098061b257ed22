"""What somebody asks to run, as a target: from the command line's words or the fields of a request."""

from __future__ import annotations

import json
import math
import re
import shlex
import shutil
from collections.abc import Mapping, Sequence
from keyword import iskeyword
from pathlib import Path
from typing import Any, NoReturn

import msgspec
from msgspec.structs import replace

from ..errors import BadTarget
from .targets import AgentTarget, CommandTarget, FunctionTarget, NotebookTarget, PickledTarget, Target

MAX_NAME = 60
_WORDS = {"True": True, "False": False, "None": None}
_NUMBER = re.compile(r"[+-]?(0|[1-9]\d*|\d+\.\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_HOW = "a notebook.ipynb, module:function, -- and a command, or text for the agent"


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
    """The target that *asked* names; a list is a command with its arguments.

    *kernel*, *cell_timeout* (seconds) and *allow_errors* are for notebooks. Paths are taken from *cwd*.
    *agent* is the ``module:function`` that free text is for. Raises `BadTarget`.
    """
    given = dict(parameters or {})
    if isinstance(asked, str) and asked.startswith("-- "):
        asked = _split(asked[3:])
    target = _parse(asked, given, Path(cwd), agent)
    if given and not isinstance(target, NotebookTarget | FunctionTarget):
        raise BadTarget(f"parameters are for notebooks and functions, not for {_kind(target)}")
    _check_parameters(given)
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


def read_parameters(asked: str | Sequence[str], pairs: Sequence[str]) -> dict[str, Any]:
    """Parameters from ``name=value`` texts, for what *asked* names. Raises `BadTarget`.

    For a notebook they are read as `read_value` does. For a function they stay text, which the
    function's annotations say how to read.
    """
    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise BadTarget(f"a parameter is given as name=value, not as {pair[:60]!r}")
        if name in found:
            raise BadTarget(f"the parameter {name!r} is given twice")
        found[name] = text
    if isinstance(asked, str) and asked.endswith(".ipynb"):
        return {name: read_value(text) for name, text in found.items()}
    return found


def read_value(text: str) -> Any:
    """A value as it is typed: a number, ``True``, ``None``, or JSON; anything else is the text itself."""
    if text in _WORDS:
        return _WORDS[text]
    if _NUMBER.fullmatch(text):
        return _number(text)
    try:
        return json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return text


def default_name(target: Target) -> str:
    """What a task of this target is called when nobody says."""
    match target:
        case NotebookTarget():
            name = Path(target.path).stem
        case FunctionTarget():
            name = target.function
        case CommandTarget():
            name = shlex.join([Path(target.argv[0]).name, *target.argv[1:]])
        case AgentTarget():
            name = target.text
        case PickledTarget():
            name = target.label
    line = " ".join(name.split())
    return line if len(line) <= MAX_NAME else line[: MAX_NAME - 1].rstrip() + "…"


def is_function(text: str) -> bool:
    """Whether *text* has the form ``module:function``."""
    module, colon, function = text.partition(":")
    return bool(colon) and _is_dotted(module) and _is_dotted(function)


def _is_dotted(text: str) -> bool:
    return all(part.isidentifier() for part in text.split("."))


def _parse(asked: str | Sequence[str], given: dict[str, Any], cwd: Path, agent: str | None) -> Target:
    if not isinstance(asked, str):
        return CommandTarget(_program(list(asked), cwd))
    text = asked.strip()
    if not text:
        raise BadTarget(f"say what to run: {_HOW}")
    if text.endswith(".ipynb"):
        return NotebookTarget(str(_notebook(text, cwd)), given)
    if is_function(text):
        return FunctionTarget(text, given)
    if agent is None:
        raise BadTarget(
            f"{text[:60]!r} is no notebook (.ipynb) and no module:function, and no agent is named for text; "
            'c.JupyterAgent.agent = "module:function" in jupyter_server_config.py names one (a command '
            "comes after --)"
        )
    if not is_function(agent):
        raise BadTarget(f"the agent must be named as module:function, not as {agent[:60]!r}")
    return AgentTarget(agent, asked)


def _notebook(text: str, cwd: Path) -> Path:
    path = cwd / expand_user(text)
    if not _is_file(path):
        raise BadTarget(f"there is no notebook {str(path)[:500]}")
    return path.absolute()


def expand_user(text: str) -> Path:
    """The path that *text* means. Raises `BadTarget` for the home of somebody who is not here."""
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise BadTarget(f"{text[:80]!r} is in the home of a user who is not known here") from error


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # its name is too long
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


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise BadTarget(f"the command cannot be split into words: {error}") from error


def _check_parameters(given: dict[str, Any]) -> None:
    for name in given:
        if not name.isidentifier() or iskeyword(name):
            raise BadTarget(f"{name[:60]!r} cannot be a parameter: it is no name of a variable")
    try:
        lossless = msgspec.json.decode(msgspec.json.encode(given)) == given
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise BadTarget(f"the parameters cannot be kept as JSON: {str(error)[:200]}") from error
    if not lossless:
        raise BadTarget("the parameters cannot be kept as JSON, which has no NaN and no infinity")


def _kind(target: Target) -> str:
    words = {CommandTarget: "a command", FunctionTarget: "a function"}
    return words.get(type(target), "an agent")


def _number(text: str) -> int | float | str:
    try:
        value = int(text) if text.lstrip("+-").isdigit() else float(text)
    except ValueError:  # more digits than Python reads
        return text
    return value if math.isfinite(value) else text


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON")
