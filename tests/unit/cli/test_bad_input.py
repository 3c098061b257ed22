"""Bad input for every command: the arguments, the sentence on standard error, and the exit status."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from jupyter_agent.cli.main import root, run
from jupyter_agent.system.paths import DataPaths

UNKNOWN_ID = "0" * 26
UNKNOWN = f"there is no task {UNKNOWN_ID}"
NO_ID = "is not the id of a task, the beginning or end of one, or a task's name; 'jupyter agent tasks list'"
NO_SCHEDULE = f"there is no schedule '{UNKNOWN_ID}'"
NO_SCHEDULE_ID = "is not the id of a schedule, the beginning or end of one, or a schedule's name"
LONG = "x" * 501

TABLE: list[tuple[str, int, str]] = [
    # the arguments, the exit status, the sentence
    ("dance", 2, "No such command 'dance'"),
    ("--dance", 2, "No such option"),
    ("tasks dance", 2, "No such command 'dance'"),
    ("schedule dance", 2, "No such command 'dance'"),
    ("forward dance", 2, "No such command 'dance'"),
    ("tasks add", 2, "say what to run: a notebook, module:function, -- and a command, or text"),
    ("tasks add --", 2, "say which command to run: its name, then its arguments"),
    ("tasks add two words", 2, "give one TARGET: put text in quotes, and -- before a command"),
    ("tasks add a.ipynb -- ls", 2, "give a TARGET or -- and a command, not both ('a.ipynb' is before --)"),
    ("tasks add ''", 2, "say what to run"),
    ("tasks add nowhere.ipynb", 2, "there is no notebook"),
    ("tasks add some-text", 2, "no agent is named for text"),
    ("tasks add -- no-such-program", 2, "there is no program 'no-such-program'"),
    ("tasks add -- ls caf\udce9", 2, "is not UTF-8, and cannot be kept"),
    ("tasks add --name caf\udce9 -- ls", 2, "is not UTF-8, and cannot be kept"),
    ("tasks add -- notes.txt", 2, "notes.txt is here: ./notes.txt would run it"),
    ("tasks add -- ./notes.txt", 2, "that file may not be executed"),
    ("tasks add math:sqrt -p x", 2, "a parameter is given as name=value, not as 'x'"),
    ("tasks add math:sqrt -p x=1 -p x=2", 2, "the parameter 'x' is given twice"),
    ("tasks add math:sqrt -p 1x=1", 2, "'1x' cannot be a parameter: it is not the name of a variable"),
    ("tasks add -p x=1 -- ls", 2, "parameters are for notebooks and functions, not for a command"),
    ("tasks add --kernel python3 -- ls", 2, "a kernel is for notebooks, not for a command"),
    ("tasks add --cell-timeout 5 -- ls", 2, "for notebooks, not for a command"),
    ("tasks add --allow-errors -- ls", 2, "for notebooks, not for a command"),
    ("tasks add --cell-timeout nan a.ipynb", 2, "nan is not a number of seconds"),
    ("tasks add --name '' -- ls", 2, "give 1 to 500 characters, not 0"),
    (f"tasks add --name {LONG} -- ls", 2, "give 1 to 500 characters, not 501"),
    (f"tasks add --key {LONG} -- ls", 2, "give 1 to 500 characters, not 501"),
    (f"tasks add --tag {LONG} -- ls", 2, "give 1 to 500 characters, not 501"),
    (f"tasks add {'--tag a ' * 101} -- ls", 2, "give at most 100 tags, not 101"),
    ("tasks add --retries -1 -- ls", 2, "-1 is not in the range 0<=x<=1000"),
    ("tasks add --retries few -- ls", 2, "'few' is not a valid integer range"),
    ("tasks add --timeout 0 -- ls", 2, "0.0 is not in the range 0<x<="),
    ("tasks add --timeout nan -- ls", 2, "nan is not a number of seconds"),
    ("tasks add --timeout inf -- ls", 2, "inf is not in the range 0<x<="),
    ("tasks add --every soon -- ls", 2, "every 'soon' is not a time span; say it as 90s, 30m"),
    ("tasks add --every 0 -- ls", 2, "every '0' is not from 1 second to 10 years"),
    ("tasks add --cron '* *' -- ls", 2, "cron '* *' does not have five fields"),
    ("tasks add --cron '61 * * * *' -- ls", 2, "the minute cannot be understood"),
    ("tasks add --cron '0 0 31 2 *' -- ls", 2, "cannot be understood"),
    ("tasks add --at yesterday -- ls", 2, "at 'yesterday' is not a time; say it as 2031-05-17T09:30"),
    ("tasks add --at 2001-01-01 -- ls", 2, "at '2001-01-01' has passed already"),
    ("tasks add --every 1m --cron '* * * * *' -- ls", 2, "give one of --every, --cron"),
    ("tasks add --timezone UTC -- ls", 2, "--timezone belongs to --every, --cron or --at"),
    ("tasks add --overlap skip -- ls", 2, "--overlap belongs to --every, --cron or --at"),
    ("tasks add --every 1m --overlap maybe -- ls", 2, "'maybe' is not one of 'skip', 'queue', 'allow'"),
    ("tasks add --every 1m --timezone Nowhere -- ls", 2, "there is no time zone 'Nowhere'"),
    ("tasks add --every 1m --key k -- ls", 2, "a schedule takes no key"),
    ("tasks add --watch --json -- ls", 2, "give one of them"),
    ("tasks list --status bogus", 2, "'bogus' is not one of 'queued', 'running'"),
    ("tasks list --name caf\udce9", 2, "is not UTF-8, and cannot be kept"),
    ("tasks list --key caf\udce9", 2, "is not UTF-8, and cannot be kept"),
    ("tasks list --limit 0", 2, "0 is not in the range x>=1"),
    ("tasks list --limit many", 2, "'many' is not a valid integer range"),
    ("tasks list extra", 2, "Got unexpected extra argument (extra)"),
    ("tasks show", 2, "say which TASK: its id, the beginning or end of it, its name, or --last"),
    ("tasks show x --last", 2, "give TASK or --last, not both"),
    ("tasks watch x --last", 2, "give TASK or --last, not both"),
    ("tasks show caf\udce9", 2, "is not UTF-8, and cannot be kept"),
    ("tasks show --last", 1, "there is no task yet"),
    ("tasks show ../etc", 1, NO_ID),
    (f"tasks show {UNKNOWN_ID}", 1, UNKNOWN),
    ("tasks watch x", 1, NO_ID),
    (f"tasks watch {UNKNOWN_ID}", 1, UNKNOWN),
    ("tasks logs x", 1, NO_ID),
    (f"tasks logs {UNKNOWN_ID} --follow", 1, UNKNOWN),
    (f"tasks logs {UNKNOWN_ID} --all", 2, "--all is for --json"),
    ("tasks cancel x", 1, NO_ID),
    (f"tasks cancel {UNKNOWN_ID}", 1, UNKNOWN),
    (f"tasks retry {UNKNOWN_ID}", 1, UNKNOWN),
    (f"tasks send {UNKNOWN_ID}", 2, "give a TASK and one TEXT, or --last and one TEXT"),
    (f"tasks send {UNKNOWN_ID} caf\udce9", 2, "is not UTF-8, and cannot be kept"),
    (f"tasks send {UNKNOWN_ID} yes", 1, UNKNOWN),
    (f"tasks delete {UNKNOWN_ID}", 1, UNKNOWN),
    ("tasks clear", 2, "Missing option '--status'"),
    ("tasks clear --status running", 2, "'running' is not one of 'completed', 'failed'"),
    ("tasks clear --status failed --before someday", 2, "'someday' is not a time; give a date (2031-05-17)"),
    ("schedule list extra", 2, "Got unexpected extra argument (extra)"),
    ("schedule show", 2, "say which SCHEDULE"),
    ("schedule show --last", 1, "there is no schedule yet"),
    ("schedule show x", 1, NO_SCHEDULE_ID),
    (f"schedule show {UNKNOWN_ID}", 1, NO_SCHEDULE),
    (f"schedule show {UNKNOWN_ID} --limit 0", 2, "0 is not in the range 1<=x<=1000"),
    (f"schedule edit {UNKNOWN_ID} --every 1h", 1, NO_SCHEDULE),
    ("schedule edit x --every 1h", 1, NO_SCHEDULE_ID),
    ("schedule edit", 2, "say which SCHEDULE"),
    (f"schedule pause {UNKNOWN_ID}", 1, NO_SCHEDULE),
    (f"schedule resume {UNKNOWN_ID}", 1, NO_SCHEDULE),
    (f"schedule run {UNKNOWN_ID}", 1, NO_SCHEDULE),
    ("schedule delete x", 1, NO_SCHEDULE_ID),
    (f"schedule delete {UNKNOWN_ID}", 1, NO_SCHEDULE),
    ("forward add", 2, "Missing argument 'URL'"),
    ("forward add http://example.org/", 2, "ws"),
    ("forward add wss://example.org/ --type dance", 2, "dance"),
    ("forward list extra", 2, "Got unexpected extra argument (extra)"),
    ("forward remove", 2, "say which FORWARD"),
    (f"forward remove {UNKNOWN_ID}", 1, "is not the id of a forward"),
    ("completion", 2, "Missing argument"),
    ("completion csh", 2, "'csh' is not one of 'bash', 'zsh', 'fish'"),
    ("status extra", 2, "Got unexpected extra argument (extra)"),
    ("demo --notebook nowhere.ipynb", 2, "does not exist"),
]
WITHOUT_BAD_INPUT = {"serve"}
"""Whatever is given is the server's own."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the user is: with a file that is not a program."""
    here = tmp_path_factory.mktemp("here")
    (here / "notes.txt").write_text("notes\n")
    return here


@pytest.mark.parametrize(("given", "status", "sentence"), TABLE, ids=[ascii(row[0][:60]) for row in TABLE])
def test_bad_input_is_one_sentence(
    given: str,
    status: int,
    sentence: str,
    folder: Path,
    paths: DataPaths,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(folder)
    assert run(_words(given)) == status
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("jupyter agent: ")
    assert captured.err.count("\n") == 1, captured.err
    assert sentence in captured.err
    assert ("--help'" in captured.err) == (status == 2)
    assert not list(paths.orders.glob("*.json"))


def _words(given: str) -> list[str]:
    return shlex.split(given)


def test_every_command_has_its_rows() -> None:
    rows = [_words(given) for given, _, _ in TABLE]
    missing = [c for c in _commands(root) if not any(row[: len(c)] == c for row in rows)]
    assert [" ".join(c) for c in missing] == sorted(WITHOUT_BAD_INPUT)


def _commands(group: click.Group, before: tuple[str, ...] = ()) -> Iterator[list[str]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _commands(command, (*before, name))
        else:
            yield [*before, name]
