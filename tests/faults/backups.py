"""Tasks that read every file below HOME while they log, their own spool's lock among them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any

from tests.faults.tally import Say, Tally, attempt
from tests.faults.work import story_of, wait_lines
from tests.support.builders import until
from tests.support.kernels import Written
from tests.support.servers import Server, Servers, environment

READS = ("archive", "hash", "grep", "child")

BACKUP = """
import hashlib, os, shutil, subprocess, sys, time
from multiprocessing import get_context
from pathlib import Path
import jupyter_agent as ja
from jupyter_agent.producer.producer import current_producer

def digest(folder):
    for path in Path(folder).rglob("*"):
        if path.is_file():
            hashlib.sha256(path.read_bytes())

def read(how, folder, archive):
    if how == "archive":
        shutil.make_archive(archive, "tar", folder)
    elif how == "hash":
        digest(folder)
    elif how == "grep":
        subprocess.run(["grep", "-rs", "nothing at all", folder], stdout=subprocess.DEVNULL)
    else:
        child = get_context("fork").Process(target=digest, args=(folder,))
        child.start()
        child.join()

@ja.task(key="backup", show=False)
def backup(path, how, folder):
    context, producer = ja.current(), current_producer()
    out = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(out, f"{context.id} {os.getpid()} {producer.id} {producer.journal}\\n".encode())
    number = 0
    while not Path(path + ".stop").exists():
        context.log(f"line {number}\\n")
        os.write(out, b"%d\\n" % number)
        number += 1
        if number % 10 == 0:
            try:
                read(how, folder, path)
                Path(path + ".read").touch()
            except FileNotFoundError:  # files of others come and go; it reads all of them again soon
                context.metric("interrupted", number)
        time.sleep(0.002)
    os.write(out, b"end\\n")

if __name__ == "__main__":
    handle = backup.submit(*sys.argv[1:])
    print(handle.id, flush=True)
    handle.wait()
"""
"""``[path, how, folder]``: writes to *path* as a streamer does, until the file *path*.stop is there."""


@contextmanager
def backup(home: Path, path: Path, how: str) -> Iterator[subprocess.Popen[str]]:
    """A script of the user of *home* that submits the task; it prints the task's id."""
    program = home / "backup.py"
    program.write_text(BACKUP)
    process = subprocess.Popen(
        [sys.executable, str(program), str(path), how, str(home / "agent")],
        env=environment(home),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def read_and_attach(home: Path, path: Path, how: str) -> Written:
    """Let the task read all files, submit its key again, let it end; what it has written.

    Asserts that the second submit attached, and that the task ran on to its end.
    """
    with backup(home, path, how) as first:
        until(Path(f"{path}.read").exists, 30)
        written = Written(path)
        tasks = ask(home, "list")
        assert [(task["id"], task["state"]) for task in tasks] == [(written.task, "running")]
        with backup(home, path.with_name("second"), how) as second:
            assert second.stdout is not None
            assert second.stdout.readline().strip() == written.task, "a second one runs beside the first"
            wait_lines(written, 5)
            Path(f"{path}.stop").touch()
            assert first.wait(30) == 0
            assert second.wait(30) == 0
    assert written.ended
    assert not path.with_name("second").exists()
    return written


def ask(home: Path, *command: str) -> Any:
    """What ``jupyter agent tasks … --json`` prints."""
    done = subprocess.run(
        [sys.executable, "-m", "jupyter_agent.cli", "tasks", *command, "--json"],
        env=environment(home),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def lines_without_a_server(home: Path, task: str) -> list[str]:
    """The text of every log event, asked of the command line."""
    done = subprocess.run(
        [sys.executable, "-m", "jupyter_agent.cli", "tasks", "logs", task],
        env=environment(home),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines(keepends=True)


def backups(factory: Servers, seeds: list[int], say: Say, folder: Path) -> Tally:
    """For each seed, with a server and without: a task reads its own lock, and is none the worse for it."""
    tally = Tally("backups")
    begun = monotonic()
    server = factory.start()
    for seed in seeds:
        attempt(tally, seed, say, lambda: _both(server, seed, folder / str(seed), tally))  # noqa: B023
    tally.seconds = monotonic() - begun
    return tally


def _both(server: Server, seed: int, folder: Path, tally: Tally) -> None:
    how = Random(seed).choice(READS)
    for place in ("served", "alone"):
        (folder / place).mkdir(parents=True)
    alone = read_and_attach(folder / "alone", folder / "alone" / "lines", how)
    assert lines_without_a_server(folder / "alone", alone.task) == alone.lines
    served = read_and_attach(server.home, folder / "served" / "lines", how)
    count, took = story_of(server, served, "completed", tally)
    assert server.ask(f"tasks/{served.task}", method="DELETE").status == 204
    tally.saw(how)
    tally.ran(seed, len(alone.lines) + len(served.lines), len(alone.lines) + count, took)
