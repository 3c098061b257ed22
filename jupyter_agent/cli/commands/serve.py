"""``jupyter agent serve``: start a Jupyter server with this extension."""

from __future__ import annotations

import os
import subprocess
import sys

import click

from ..jupyter.server_process import server_command
from .help import examples


@click.command(  # noqa: RET503 - exec
    short_help="Start a Jupyter server with this extension.",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    epilog=examples("serve", "serve --port 8890 --no-browser"),
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def serve(*, arguments: tuple[str, ...]) -> int:
    """Start a Jupyter server with this extension; all ARGUMENTS are the server's own."""
    command = server_command(arguments)
    if sys.platform == "win32":  # it has no exec
        return subprocess.call(command)  # noqa: S603 - our own command
    sys.stdout.flush()
    os.execv(command[0], command)  # noqa: S606 - our own command
