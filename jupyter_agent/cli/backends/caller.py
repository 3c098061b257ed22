"""The caller's folder, environment, user and Python, which a task inherits from the process that adds it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from ...detached.run_spec import RunSpec, caller_environment
from ...detached.submission import Submission, run_spec_of
from ...detached.target_parser import is_function
from ...errors import BadTarget
from ...system.user import user_name

CONFIGURATIONS = ("jupyter_server_config", "jupyter_jupyter_agent_config")


def with_caller(submission: Submission) -> Submission:
    """*submission* with this process's folder, environment and Python, for a server of this machine."""
    return replace(submission, **caller_fields())


def caller_fields() -> dict[str, Any]:
    """Return the fields of a submission that say where, in what environment and by which Python it runs."""
    return {"cwd": _folder(), "env": caller_environment(), "python": sys.executable}


def agent_for(target: object) -> str:
    """Return the agent that gets *target* when it is text; empty for other targets, and if there is none."""
    return configured_agent() if isinstance(target, str) and _is_text(target) else ""


def run_spec_here(submission: Submission) -> RunSpec:
    """Return what a worker is to run when no server can be asked. Raises `BadTarget`."""
    return run_spec_of(submission, agent=agent_for(submission.target), cwd=_folder(), owner=user_name())


def configured_agent() -> str:
    """``c.JupyterAgent.agent`` in the configuration files that a server reads; empty when there is none.

    Raises `BadTarget` when a file cannot be read.
    """
    from jupyter_core.application import JupyterApp

    app = JupyterApp(raise_config_file_errors=True)
    app.name = "jupyter-server"
    for name in CONFIGURATIONS:
        app.config_file_name = name
        try:
            app.load_config_file()
        except Exception as error:  # a configuration file is Python code of the user's
            raise BadTarget(f"{name} cannot be read, which may name an agent: {error}") from error
    return str(app.config.JupyterAgent.get("agent", ""))


def _folder() -> str:
    try:
        return checked_text(str(Path.cwd()))
    except FileNotFoundError as error:
        raise BadTarget("the current folder does not exist any more; go to another one") from error


def checked_text(text: str) -> str:
    """Return *text*. Raises `BadTarget` when it cannot be encoded as UTF-8, and so not be kept in JSON."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise BadTarget(f"{text[:80]!r} is not UTF-8, and cannot be kept") from error
    return text


def _is_text(target: str) -> bool:
    return not target.strip().endswith(".ipynb") and not is_function(target.strip())
