"""The entry point: every command ends with an exit status; an error is one sentence on stderr.

0 done, 1 the task failed (or there is no such task, or the server cannot be reached), 2 wrong use
(raised by click), 130 interrupted.
"""

from __future__ import annotations

import io
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import click

from .._version import __version__
from ..core.sanitize import to_single_line
from ..errors import AgentError
from .backends.base import first_line
from .commands.completion import VARIABLE, as_own_program, completion
from .commands.demo import demo
from .commands.forward import forward
from .commands.help import examples
from .commands.schedule import schedule
from .commands.schedule_edit import edit as schedule_edit
from .commands.serve import serve
from .commands.status import status
from .commands.tasks import tasks

DONE, FAILED, INTERRUPTED = 0, 1, 130
log = logging.getLogger(__name__)


@click.group(
    name="jupyter agent",
    invoke_without_command=True,
    epilog=examples("tasks list", "tasks add train.ipynb --watch", "schedule list", "status", "demo"),
)
@click.version_option(__version__, prog_name="jupyter agent")
@click.option("--debug", is_flag=True, help="Say on standard error what happens inside.")
@click.pass_context
def root(context: click.Context, *, debug: bool) -> None:
    """Durable tasks for notebooks: add, list, watch, answer and cancel them from a terminal.

    It asks this user's running servers, and reads the journals that no server has open by itself.
    JUPYTER_AGENT_URL and JUPYTER_AGENT_TOKEN name a server on another machine instead.
    """
    handler = logging.StreamHandler()
    if not debug:
        handler.addFilter(_is_news)
    level = logging.DEBUG if debug else logging.WARNING
    logging.basicConfig(level=level, format="jupyter agent: %(message)s", handlers=[handler])
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def _is_news(record: logging.LogRecord) -> bool:
    """Return False for what Tornado warns of while connecting: the command's own sentence says it."""
    return record.levelno >= logging.ERROR or not record.name.startswith("tornado.")


root.add_command(tasks)
schedule.add_command(schedule_edit)
root.add_command(schedule)
root.add_command(forward)
root.add_command(status)
root.add_command(serve)
root.add_command(demo)
root.add_command(completion)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit."""
    _replace_closed_streams()
    _escape_what_cannot_be_encoded()
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    try:
        as_own_program(os.environ)
        answer = root.main(arguments, prog_name="jupyter agent", complete_var=VARIABLE, standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        return _fail(_usage_sentence(error), error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        _discard_stdout()
        return DONE
    except SystemExit:  # click's reaction to a broken pipe, which is no failure
        return DONE
    except AgentError as error:
        return _fail(first_line(error), FAILED)
    except OSError as error:
        return _fail(f"{error.filename or 'a file or socket'}: {error.strerror or error}", FAILED)
    except Exception as error:
        log.debug("a bug in jupyter agent", exc_info=True)
        return _fail(f"a bug in jupyter agent ({type(error).__name__}: {error}); --debug shows where", FAILED)
    return answer if isinstance(answer, int) else DONE


def _replace_closed_streams() -> None:
    """Open the null device for every closed standard stream, whose number the next file would get."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115 - open until the process ends


def _escape_what_cannot_be_encoded() -> None:
    """Show characters that the terminal's encoding lacks (``PYTHONIOENCODING=ascii``) as escapes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.encoding.lower() not in ("utf-8", "utf8"):
            stream.reconfigure(errors="backslashreplace")


def _usage_sentence(error: click.ClickException) -> str:
    context = error.ctx if isinstance(error, click.UsageError) else None
    hint = f" (see '{context.command_path} --help')" if context else ""
    return error.format_message().rstrip(".").replace("\n", " ") + hint


def _fail(sentence: str, status: int) -> int:
    print(f"jupyter agent: {to_single_line(sentence)}", file=sys.stderr)
    return status


def _discard_stdout() -> None:
    """Point standard output to the null device: the interpreter flushes it once more at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
