"""Options of the commands that say what is to run: ``tasks add`` and ``schedule edit``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from ...core.trigger_parser import OVERLAPS
from ...detached.submission import MAX_SECONDS
from ...system.graces import MAX_GRACE
from .options import check_number

Command = Callable[..., Any]

WHEN_OPTIONS = ("every", "cron", "at")

cell_timeout_option = click.option(
    "--cell-timeout",
    type=click.FloatRange(0, MAX_SECONDS, min_open=True),
    callback=check_number,
    help="Seconds that a cell of a notebook may take.",
)


def when_options(command: Command) -> Command:
    """Add the options that say when to run."""
    return _with_options(
        command,
        click.option("--every", metavar="SPAN", help="Run again and again: 30m, 1h30m, 1d."),
        click.option("--cron", metavar="EXPRESSION", help="Run by a cron expression: '0 9 * * 1-5'."),
        click.option("--at", metavar="TIME", help="Run once, at an ISO time: 2031-05-17T09:30."),
        click.option("--timezone", metavar="ZONE", help="Time zone of --cron and --at: Europe/Berlin."),
        click.option(
            "--overlap", type=click.Choice(OVERLAPS), help="What to do while the previous run is running."
        ),
    )


def limit_options(command: Command) -> Command:
    """Add the options that say how long an attempt may take, and how long its clean-up."""
    return _with_options(
        command,
        click.option(
            "--timeout",
            type=click.FloatRange(0, MAX_SECONDS, min_open=True),
            callback=check_number,
            help="Seconds that an attempt may take.",
        ),
        click.option(
            "--grace",
            type=click.FloatRange(0, MAX_GRACE),
            callback=check_number,
            help="Seconds to clean up after a cancel or the timeout, before it is ended.",
        ),
    )


def _with_options(command: Command, *options: Callable[[Command], Command]) -> Command:
    """Return *command* with *options*, which its help lists in this order."""
    for option in reversed(options):
        command = option(command)
    return command
