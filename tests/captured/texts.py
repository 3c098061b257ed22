"""What is printed and logged: by Python itself, by loggers, and past Python."""

from __future__ import annotations

from tests.captured.case import Case, Gap, Held
from tests.captured.gaps import past_python
from tests.captured.reasons import NO_BUFFER

STRUCTURED = Held((r"\d{4}-\S+ \S+ \[info +\] trained +epoch=1",))
LOGURU = Held((r"\d{4}-\S+ \S+ \| INFO +\| .* - trained", r"\d{4}-\S+ \S+ \| DEBUG +\| .* - in detail"))
BOLD = Held(("bold and", r"\{'plain': 1\}"))
CONSOLE = Held(("printed", r".*logged.*", r"┏.*┓", "┃ name ┃ value ┃", r"┡.*┩", "│ loss │ 0.5   │", r"└.*┘"))
TEXTS = (
    Case(
        "Python",
        "`print`, `sys.stdout`, `sys.stderr`",
        r"""
import sys

def work():
    print("one", end=" ")
    print("line")
    sys.stdout.write("written\n")
    sys.stdout.writelines(["two\n", "more\n"])
    print("to stderr", file=sys.stderr)
    print("\r50 %", end="")
    print("\r100 %", end="\n")
    print("no newline", end="")
""",
        Held(("one line", "written", "two", "more", "to stderr", "100 %", "no newline"), None),
    ),
    Case(
        "Python",
        "`warnings.warn`",
        """
import warnings

def work():
    warnings.warn("old", FutureWarning)
""",
        Held((r".*FutureWarning: old",)),
    ),
    Case(
        "Python",
        "`logging`",
        """
import logging
log = logging.getLogger("training")

def work():
    logging.basicConfig(level=logging.INFO)
    log.info("epoch %d", 1)
    log.debug("not wanted")
    try:
        1 / 0
    except ZeroDivisionError:
        log.exception("failed")
""",
        Held(
            (
                "epoch 1",
                "failed",
                "Traceback .*",
                "  File .*",
                "ZeroDivisionError: .*",
            )
        ),
    ),
    Case(
        "Python",
        "`sys.stdout.buffer`",
        r"""
import sys

def work():
    sys.stdout.buffer.write("bytes, süß\n".encode())
    sys.stdout.buffer.flush()
""",
        Held(("bytes, süß",)),
        gaps={"thread": Gap(NO_BUFFER, Held(state="failed"))},
        alone=True,
    ),
    Case(
        "Python",
        "`os.write`",
        r"""
import os

def work():
    os.write(1, b"to descriptor 1\n")
    os.write(2, b"to descriptor 2\n")
""",
        Held(("to descriptor 1", "to descriptor 2")),
        any_order=True,
        gaps=past_python(),
        alone=True,
    ),
    Case(
        "Python",
        "`printf` of a C library",
        r"""
import ctypes

def work():
    libc = ctypes.CDLL(None)
    libc.printf(b"from C\n")
    libc.fflush(None)
""",
        Held(("from C",)),
        gaps=past_python(),
        alone=True,
    ),
    Case(
        "Python",
        "`subprocess`",
        """
import subprocess

def work():
    subprocess.run(["echo", "from a program"], check=True)
    print(subprocess.run(["echo", "from its output"], check=True, capture_output=True, text=True).stdout)
""",
        Held(("from a program", "from its output")),
        any_order=True,
        gaps=past_python("from its output"),
        alone=True,
    ),
    Case(
        "Python",
        "`multiprocessing.Pool`",
        """
import multiprocessing

def work():
    with multiprocessing.get_context("fork").Pool(1) as pool:
        pool.map(print, ["from a child"])
        pool.close()
        pool.join()
""",
        Held(("from a child",)),
        gaps=past_python(),
        alone=True,
    ),
    Case(
        "structlog",
        "",
        """
import structlog
log = structlog.get_logger()

def work():
    log.info("trained", epoch=1)
""",
        STRUCTURED,
    ),
    Case(
        "structlog",
        "by `logging`, `ProcessorFormatter`",
        """
import logging, sys
import structlog

def configure():
    structlog.configure(
        processors=[structlog.stdlib.add_log_level, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=structlog.processors.JSONRenderer()))
    log = logging.getLogger("structured")
    log.addHandler(handler)
    log.propagate = False
    log.setLevel(logging.INFO)

def work():
    configure()
    structlog.get_logger("structured").info("trained", epoch=1)
""",
        Held((r".*trained.*",)),
    ),
    Case(
        "loguru",
        "",
        """
from loguru import logger

def work():
    logger.info("trained")
    logger.debug("in detail")
""",
        LOGURU,
    ),
    Case(
        "rich",
        "`print`",
        """
from rich import print as rprint

def work():
    rprint("[bold red]bold[/] and", {"plain": 1})
""",
        BOLD,
    ),
    Case(
        "rich",
        "`Console`",
        """
from rich.console import Console
from rich.table import Table

def work():
    console = Console()
    console.print("[green]printed[/]")
    console.log("logged")
    table = Table("name", "value")
    table.add_row("loss", "0.5")
    Console(stderr=True).print(table)
""",
        CONSOLE,
    ),
    Case(
        "rich",
        "`RichHandler`",
        """
import logging
from rich.logging import RichHandler

def work():
    log = logging.getLogger("rich")
    log.propagate = False
    log.addHandler(RichHandler())
    log.warning("once")
""",
        Held(("once",)),
    ),
    Case(
        "click",
        "`echo`, `secho`",
        """
import click

def work():
    click.echo("plain")
    click.secho("coloured", fg="red")
    click.echo("to stderr", err=True)
""",
        Held(("plain", "coloured", "to stderr")),
    ),
)
