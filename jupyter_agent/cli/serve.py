"""``jupyter agent serve``: a Jupyter server with this extension on."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

import click

from .examples import examples


def server_command(arguments: Sequence[str]) -> list[str]:
    """What starts a Jupyter server that has the extension, whatever its configuration says."""
    extension = "--ServerApp.jpserver_extensions=jupyter_agent=True"
    return [sys.executable, "-m", "jupyter_server", extension, *arguments]


@click.command(  # noqa: RET503 - exec
    short_help="Start a Jupyter server with this extension.",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    epilog=examples("serve", "serve --port 8890 --no-browser"),
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def serve(*, arguments: tuple[str, ...]) -> int:
    """Start a Jupyter server with this extension; all ARGUMENTS are the server's own."""
    command = server_command(arguments)
    if sys.platform == "win32":  # which has no exec
        return subprocess.call(command)  # noqa: S603 - our own command
    sys.stdout.flush()
    os.execv(command[0], command)  # noqa: S606 - our own command
