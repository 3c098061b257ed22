"""The command line where no server runs: it opens the journal itself, for each request."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from jupyter_agent.cli.backends.journals import Journals
from jupyter_agent.cli.main import run
from jupyter_agent.core.events import Log, Message, Progress, TaskState
from jupyter_agent.core.query import TaskQuery
from jupyter_agent.errors import ServerUnreachable
from jupyter_agent.journal.holder import Holder
from jupyter_agent.journal.slots import try_slot
from jupyter_agent.system.host import host
from jupyter_agent.system.locks import is_locked
from jupyter_agent.system.paths import DataPaths
from jupyter_agent.transport.discovery import HolderFile
from tests.support.builders import PACKAGE_ROOT, until
from tests.support.cli import Writer

UNKNOWN_ID = "0" * 26


@pytest.fixture
def writer(paths: DataPaths) -> Iterator[Writer]:
    writer = Writer(paths)
    yield writer
    writer.die()


def out(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """The exit status, and the one line on standard error."""
    status = run(arguments)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("jupyter agent: ")
    assert captured.err.count("\n") == 1, captured.err
    return status, captured.err


def test_an_empty_journal_lists_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["tasks", "list"]) == 0
    assert out(capsys) == "No tasks.\n"
    assert run(["tasks", "list", "--json"]) == 0
    assert json.loads(out(capsys)) == []


def test_a_dead_producers_tasks_are_recovered_as_interrupted(
    paths: DataPaths, writer: Writer, capsys: pytest.CaptureFixture[str]
) -> None:
    writer.say("one\n")
    writer.die()
    assert run(["tasks", "show", writer.task, "--json"]) == 0
    task = json.loads(out(capsys))
    assert (task["state"], task["name"], task["logs"]) == ("interrupted", "train", 1)
    assert not (paths.spools / writer.spool.producer).exists()


def test_a_living_producers_tasks_are_listed_and_its_spool_is_left_alone(
    paths: DataPaths, writer: Writer, capsys: pytest.CaptureFixture[str]
) -> None:
    writer.say("one\n")
    for _ in range(2):
        assert run(["tasks", "list", "--json"]) == 0
        (task,) = json.loads(out(capsys))
        assert (task["id"], task["state"], task["logs"]) == (writer.task, "running", 1)
    assert is_locked(paths.spools / writer.spool.producer / "lock")
    assert not is_locked(paths.journals / "default" / "lock")


def test_a_list_for_people_fits_80_columns(
    writer: Writer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, paths: DataPaths
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    long = Writer(paths, name="a name that goes on for much longer than anything that fits there")
    writer.emit("progress", Progress(43, 100))
    assert run(["tasks", "list"]) == 0
    lines = out(capsys).splitlines()
    assert [line.split()[0] for line in lines] == ["ID", long.task, writer.task]
    assert max(map(len, lines)) <= 80
    assert "43%" in lines[2]
    assert "…" in lines[1]
    long.die()


def test_lists_are_narrowed_by_status_name_key_and_limit(
    paths: DataPaths, writer: Writer, capsys: pytest.CaptureFixture[str]
) -> None:
    other = Writer(paths, name="crawl", key="-nightly & more")
    other.end()
    for arguments, expected in [
        (["--status", "completed"], [other.task]),
        (["--name", "train"], [writer.task]),
        (["--key=-nightly & more"], [other.task]),
        (["--key", "other"], []),
        (["--limit", "1"], [other.task]),
        ([], [other.task, writer.task]),
    ]:
        assert run(["tasks", "list", "--json", *arguments]) == 0
        assert [task["id"] for task in json.loads(out(capsys))] == expected
    other.die()


def test_showing_a_task_tells_what_there_is(writer: Writer, capsys: pytest.CaptureFixture[str]) -> None:
    writer.end(TaskState.FAILED)
    assert run(["tasks", "show", writer.task.lower()]) == 0
    shown = out(capsys)
    assert "ValueError: no way" in shown
    assert "Traceback ..." in shown
    assert "None" not in shown


def test_logs_are_the_text_as_it_was_printed(writer: Writer, capsys: pytest.CaptureFixture[str]) -> None:
    writer.say("half a ")
    writer.say("line\nsecond\n")
    writer.emit("log", Log("logging", "third", "INFO"))
    assert run(["tasks", "logs", writer.task]) == 0
    assert out(capsys) == "half a line\nsecond\nthird\n"
    assert run(["tasks", "logs", writer.task, "--json"]) == 0
    events = [json.loads(line) for line in out(capsys).splitlines()]
    assert [event["n"] for event in events] == [3, 4, 5]
    assert set(events[0]) == {"offset", "task", "attempt", "producer", "n", "time", "type", "data", "line"}


def test_logs_are_chosen_by_level_text_and_time(writer: Writer, capsys: pytest.CaptureFixture[str]) -> None:
    writer.say("epoch 1\nepoch 2\n")
    writer.emit("log", Log("logging", "slow", "warning"))
    writer.emit("log", Log("logging", "Bad row", "error"))
    for options, expected in (
        (["--level", "warning"], "slow\nBad row\n"),
        (["--level", "error"], "Bad row\n"),
        (["--grep", "bad"], "Bad row\n"),
        (["--grep", "EPOCH"], "epoch 1\nepoch 2\n"),
        (["--since", "1h", "--level", "info"], "slow\nBad row\n"),
        (["--since", "2900-01-01"], ""),
    ):
        assert run(["tasks", "logs", writer.task, *options]) == 0
        assert out(capsys) == expected, options
    assert run(["tasks", "logs", writer.task, "-t", "--grep", "epoch"]) == 0
    stamp = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  "
    assert re.fullmatch(f"{stamp}epoch 1\n{stamp}epoch 2\n", out(capsys))
    assert refused(capsys, "tasks", "logs", writer.task, "-t", "--json")[0] == 2


def test_unknown_and_unreadable_ids_get_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    for verb in ("show", "watch", "logs", "cancel", "retry", "delete"):
        status, words = refused(capsys, "tasks", verb, UNKNOWN_ID)
        assert (status, UNKNOWN_ID in words) == (1, True)
    status, words = refused(capsys, "tasks", "show", "../etc")
    assert status == 1
    assert "is not the id of a task" in words


def test_a_cancel_that_cannot_reach_the_task_says_so(
    writer: Writer, capsys: pytest.CaptureFixture[str]
) -> None:
    status, words = refused(capsys, "tasks", "cancel", writer.task)
    assert status == 1
    assert "no server is running" in words
    writer.end()
    status, words = refused(capsys, "tasks", "cancel", writer.task)
    assert status == 1
    assert "has ended already (completed)" in words


def test_deleting_needs_an_ended_task(writer: Writer, capsys: pytest.CaptureFixture[str]) -> None:
    status, words = refused(capsys, "tasks", "delete", writer.task)
    assert status == 1
    assert "cancel it first" in words
    writer.end()
    assert run(["tasks", "delete", writer.task]) == 0
    assert writer.task in out(capsys)
    assert run(["tasks", "list", "--json"]) == 0
    assert json.loads(out(capsys)) == []


def test_clearing_takes_one_state_and_heeds_the_time(
    paths: DataPaths, writer: Writer, capsys: pytest.CaptureFixture[str]
) -> None:
    failed = Writer(paths)
    failed.end(TaskState.FAILED)
    writer.end()
    assert run(["tasks", "clear", "--status", "failed", "--before", "1h", "--json"]) == 0
    assert json.loads(out(capsys)) == {"deleted": []}
    assert run(["tasks", "clear", "--status", "failed", "--before", "2200-01-01", "--json"]) == 0
    assert json.loads(out(capsys)) == {"deleted": [failed.task]}
    assert run(["tasks", "list", "--json"]) == 0
    assert [task["id"] for task in json.loads(out(capsys))] == [writer.task]
    failed.die()


def test_a_second_unheld_journal_is_listed_too(paths: DataPaths, capsys: pytest.CaptureFixture[str]) -> None:
    slot = try_slot(paths, "default-2")
    assert slot is not None
    Holder(slot).close()
    first, second = Writer(paths), Writer(paths, "default-2")
    first.die()
    second.die()
    assert run(["tasks", "list", "--json"]) == 0
    assert [task["id"] for task in json.loads(out(capsys))] == [second.task, first.task]


@pytest.mark.parametrize(("to", "status"), [(TaskState.COMPLETED, 0), (TaskState.FAILED, 1)])
def test_watching_ends_with_the_task(
    writer: Writer, capsys: pytest.CaptureFixture[str], to: TaskState, status: int, paths: DataPaths
) -> None:
    writer.say("before\n")

    def go_on() -> None:
        until(lambda: (paths.journals / "default" / "journal.sqlite").exists())
        writer.say("after\n")
        writer.end(to)

    helper = threading.Thread(target=go_on)
    helper.start()
    assert run(["tasks", "watch", writer.task]) == status
    helper.join()
    lines = [line.split(" | ")[1] for line in out(capsys).splitlines()]
    assert [line for line in lines if line in ("before", "after")] == ["before", "after"]
    assert any(line.startswith(to.value) for line in lines)


@pytest.mark.parametrize("words", [(), ("said\n",)])
def test_watching_a_task_that_had_ended_shows_it_on_a_terminal(
    writer: Writer,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    for word in words:
        writer.say(word)
    writer.end()
    assert run(["tasks", "watch", writer.task]) == 0
    shown = out(capsys)
    assert "completed" in shown
    assert all(word.strip() in shown for word in words)
    assert "Nothing is running" not in shown.rsplit("\x1b[2K", 1)[-1]


def test_what_an_ended_task_said_stands_before_how_it_ended(
    writer: Writer, capsys: pytest.CaptureFixture[str]
) -> None:
    writer.emit("message", Message("assistant", "I looked.", UNKNOWN_ID))
    writer.end(TaskState.FAILED)
    assert run(["tasks", "watch", writer.task]) == 1
    output, end = (line.split(" | ")[1] for line in out(capsys).splitlines())
    assert (output, end.split(":")[0]) == ("assistant: I looked.", "failed")


def test_following_logs_ends_with_the_task_and_doubles_nothing(
    writer: Writer, capsys: pytest.CaptureFixture[str], paths: DataPaths
) -> None:
    writer.say("before\n")

    def go_on() -> None:
        until(lambda: (paths.journals / "default" / "journal.sqlite").exists())
        for number in range(5):
            writer.say(f"{number}\n")
        writer.end()

    helper = threading.Thread(target=go_on)
    helper.start()
    assert run(["tasks", "logs", writer.task, "--follow"]) == 0
    helper.join()
    assert out(capsys) == "before\n0\n1\n2\n3\n4\n"


def test_status_says_who_holds_what_and_what_waits(
    paths: DataPaths, writer: Writer, capsys: pytest.CaptureFixture[str]
) -> None:
    dead = Writer(paths)
    dead.die()
    assert run(["status", "--json"]) == 0
    report = json.loads(out(capsys))
    assert report["folder"] == str(paths.root)
    (journal,) = report["journals"]
    assert (journal["name"], journal["holder"]) == ("default", "nobody")
    assert (journal["spools"], journal["living"]) == (2, 1)
    assert run(["status"]) == 0
    assert "1 in use, 1 waiting" in out(capsys)


def test_a_holder_that_does_not_answer_is_named(paths: DataPaths) -> None:
    slot = try_slot(paths, "default")
    assert slot is not None
    slot.announce(HolderFile("server", os.getpid(), host(), "http://127.0.0.1:9/", "key"))
    journals = Journals(paths, answer_timeout=0.0)
    with pytest.raises(ServerUnreachable, match=r"server at http://127\.0\.0\.1:9/ .* does not answer"):
        asyncio.run(journals.tasks(TaskQuery()))
    slot.release()


def test_an_address_that_a_dead_server_left_is_passed_over(
    paths: DataPaths, writer: Writer, capsys: pytest.CaptureFixture[str]
) -> None:
    slot = try_slot(paths, "default")
    assert slot is not None
    slot.release()
    stale = b'{"kind":"server","pid":1,"host":"%s","url":"http://127.0.0.1:9/","key":"k"}' % host().encode()
    (slot.folder / "holder.json").write_bytes(stale)
    assert run(["tasks", "list", "--json"]) == 0
    captured = capsys.readouterr()
    assert [task["id"] for task in json.loads(captured.out)] == [writer.task]
    assert captured.err == ""


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://127.0.0.1:9/", "no server answers at http://127.0.0.1:9/"),
        ("nonsense", "'nonsense/' is not an http or https address"),
        ("http://caf\udce9/", "no server answers at http://"),
    ],
)
def test_a_server_named_by_the_environment_that_is_not_there_gets_one_sentence(
    url: str, words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_AGENT_URL", url)
    for command in (["tasks", "list"], ["status"], ["tasks", "watch"]):
        status, output = refused(capsys, *command)
        assert status == 1
        assert words in output


def test_text_of_tasks_is_neither_markup_nor_control(
    paths: DataPaths, capsys: pytest.CaptureFixture[str]
) -> None:
    sly = Writer(paths, name="[red]x[/red] \x1b[2J\x07")
    assert run(["tasks", "list"]) == 0
    shown = out(capsys)
    assert "[red]x[/red]" in shown
    assert "\x1b" not in shown
    assert "\x07" not in shown
    sly.die()


def _command(*arguments: str, stdout: int) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE_ROOT)}
    command = [sys.executable, "-m", "jupyter_agent.cli", *arguments]
    return subprocess.Popen(command, env=environment, text=True, stdout=stdout, stderr=subprocess.PIPE)


def test_a_reader_that_goes_away_is_no_error(paths: DataPaths) -> None:
    for number in range(3):
        Writer(paths, name=f"task {number}").die()
    for arguments in (["tasks", "list"], ["tasks", "list", "--json"], ["--help"]):
        reader, writer = os.pipe()
        os.close(reader)
        with _command(*arguments, stdout=writer) as process:
            os.close(writer)
            assert process.stderr is not None
            assert process.stderr.read() == ""
        assert process.returncode == 0


@pytest.mark.parametrize(
    ("closed", "words", "status"),
    [(">&-", ["tasks", "list"], 0), ("2>&- <&-", ["tasks", "show", UNKNOWN_ID], 1)],
)
def test_a_stream_that_was_closed_for_it_is_no_error(closed: str, words: list[str], status: int) -> None:
    command = (sys.executable, "-W", "error", "-m", "jupyter_agent.cli", *words)
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {closed}', "sh", *command], capture_output=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (status, b"", b"")


def test_ctrl_c_is_status_130_without_a_traceback(writer: Writer) -> None:
    with _command("tasks", "watch", writer.task, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert "running" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.stderr.read().strip() == ""
    assert process.returncode == 130
