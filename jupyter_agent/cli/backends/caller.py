"""What a task that is added here takes along: this shell's folder and environment, this user, this Python."""

from __future__ import annotations

import getpass
import os
import sys
from pathlib import Path

from msgspec.structs import replace

from ...detached.run_spec import RunSpec, caller_environment
from ...detached.submission import Submission, run_spec_of
from ...detached.target_parser import is_function
from ...errors import BadTarget

CONFIGURATIONS = ("jupyter_server_config", "jupyter_jupyter_agent_config")


def with_surroundings(asked: Submission) -> Submission:
    """*asked* for a server of this machine."""
    return replace(asked, cwd=_folder(), env=caller_environment(), python=sys.executable)


def call_from_here(asked: Submission) -> RunSpec:
    """What a worker is to do where no server can be asked. Raises `BadTarget`."""
    agent = configured_agent() if _is_text(asked.target) else ""
    return run_spec_of(asked, agent=agent, cwd=_folder(), owner=user())


def user() -> str:
    """Who this process belongs to, by name where there is one."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user id without a name, as in many containers
        return str(os.getuid())


def configured_agent() -> str:
    """``c.JupyterAgent.agent`` in the files that a server reads; empty when none is named.

    Raises `BadTarget` when they cannot be read.
    """
    from jupyter_core.application import JupyterApp

    app = JupyterApp(raise_config_file_errors=True)
    app.name = "jupyter-server"
    for name in CONFIGURATIONS:
        app.config_file_name = name
        try:
            app.load_config_file()
        except Exception as error:  # such a file is anybody's code
            raise BadTarget(f"{name} cannot be read, which may name an agent: {error}") from error
    return str(app.config.JupyterAgent.get("agent", ""))


def _folder() -> str:
    try:
        return sound(str(Path.cwd()))
    except FileNotFoundError as error:
        raise BadTarget("the present folder is not there any more; go to another one") from error


def sound(text: str) -> str:
    """*text*, which JSON can keep. Raises `BadTarget`."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise BadTarget(f"{text[:80]!r} is not UTF-8, and cannot be kept") from error
    return text


def _is_text(target: str | list[str]) -> bool:
    return (
        isinstance(target, str) and not target.strip().endswith(".ipynb") and not is_function(target.strip())
    )
