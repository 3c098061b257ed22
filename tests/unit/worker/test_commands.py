"""Commands as tasks: output, bars, exit status, and nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from jupyter_agent.detached.run_spec import caller_environment
from jupyter_agent.detached.targets import CommandTarget
from jupyter_agent.errors import BadTarget, TargetFailed, TaskCancelled
from jupyter_agent.runtime.interrupt import SignalInterrupter
from jupyter_agent.runtime.outcome import described
from jupyter_agent.system.start import CALLERS_PATH
from jupyter_agent.worker.commands import command
from jupyter_agent.worker.commands.command import Program, run
from jupyter_agent.worker.commands.progress_parser import BarReader, read_bar
from jupyter_agent.worker.exit_status import describe_exit
from tests.support.builders import until
from tests.support.targets import RecordingSink, run_and_stop


@pytest.fixture
def sink() -> RecordingSink:
    return RecordingSink()


def shell(sink: RecordingSink, script: str, *arguments: object) -> int:
    return run(CommandTarget(["sh", "-c", script, "sh", *map(str, arguments)]), sink.context)


def python(sink: RecordingSink, code: str, *arguments: object) -> int:
    return run(CommandTarget([sys.executable, "-c", code, *map(str, arguments)]), sink.context)


def test_its_two_streams_are_the_log_and_zero_is_the_result(sink: RecordingSink) -> None:
    assert shell(sink, "echo one; echo two >&2; printf three") == 0
    assert sink.text("stdout") == "one\nthree"
    assert sink.text("stderr") == "two\n"


def test_another_exit_status_is_a_failure_that_says_so(sink: RecordingSink) -> None:
    with pytest.raises(TargetFailed) as caught:
        shell(sink, "echo last words; exit 3")
    assert described(caught.value).type == "CommandFailed"
    assert described(caught.value).message == "sh exited with status 3"
    assert sink.text("stdout") == "last words\n"


@pytest.mark.parametrize(
    ("script", "how"),
    [("kill -KILL $$", "was killed by SIGKILL"), ("kill -SEGV $$", "was killed by SIGSEGV")],
)
def test_a_signal_that_killed_it_is_named(script: str, how: str, sink: RecordingSink) -> None:
    with pytest.raises(TargetFailed, match=f"sh {how}"):
        shell(sink, script)


def test_a_signal_without_a_name_has_its_number() -> None:
    assert describe_exit(-250) == "was killed by signal 250"


def test_it_runs_without_a_shell(sink: RecordingSink, tmp_path: Path) -> None:
    run(CommandTarget(["printf", "%s|", "$HOME", "a b", "*", ";ls"]), sink.context)
    assert sink.text("stdout") == "$HOME|a b|*|;ls|"


@pytest.mark.parametrize(
    ("content", "mode", "sentence"),
    [
        (None, 0, "there is no program"),
        ("#!/bin/sh\n", 0o600, "cannot be run: Permission denied"),
        ("not a program", 0o700, "cannot be run: Exec format error"),
        ("#!/no/such/interpreter\n", 0o700, "there is no program"),
    ],
)
def test_a_program_that_cannot_be_started_is_one_sentence(
    content: str | None, mode: int, sentence: str, sink: RecordingSink, tmp_path: Path
) -> None:
    path = tmp_path / "program"
    if content is not None:
        path.write_text(content)
        path.chmod(mode)
    with pytest.raises(BadTarget, match=sentence):
        run(CommandTarget([str(path)]), sink.context)
    assert described(BadTarget("x")).traceback == ""


def test_characters_that_come_in_pieces_are_put_together(sink: RecordingSink) -> None:
    code = """
import os, sys, time
for byte in "größe €😀\\n".encode() + b"\\xff\\xfe broken":
    os.write(1, bytes([byte]))
    time.sleep(0.001)
"""
    python(sink, code)
    assert sink.text("stdout") == "größe €😀\n\ufffd\ufffd broken"


def test_a_program_that_closes_its_output_early_is_waited_for(sink: RecordingSink) -> None:
    with pytest.raises(TargetFailed, match="status 7"):
        shell(sink, "exec >&- 2>&-; sleep 0.2; exit 7")


def test_a_child_that_holds_the_output_open_is_not_waited_for(sink: RecordingSink, tmp_path: Path) -> None:
    shell(sink, 'sleep 600 & echo $! > "$1"; echo done', tmp_path / "pid")
    assert sink.text("stdout") == "done\n"
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)  # it lives: it was meant to


def test_a_child_that_writes_on_without_a_pause_is_not_waited_for(sink: RecordingSink) -> None:
    assert shell(sink, "(while :; do echo flood; done) & echo done") == 0
    assert "done" in sink.text("stdout")


def test_the_last_output_of_a_program_is_not_lost(sink: RecordingSink) -> None:
    python(sink, "print('x' * 3_000_000)")
    assert len(sink.text("stdout")) == 3_000_001


def test_its_environment_is_the_callers_not_the_workers(
    sink: RecordingSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", "/of/the/worker")
    monkeypatch.setenv(CALLERS_PATH, "/of/the/caller")
    monkeypatch.setenv("JUPYTER_AGENT_PRODUCER", "the worker")
    monkeypatch.setenv("MINE", "kept")
    shell(sink, 'echo "$PYTHONPATH $MINE $JUPYTER_AGENT_PRODUCER"')
    assert sink.text("stdout") == "/of/the/caller kept \n"
    monkeypatch.setenv(CALLERS_PATH, "")
    shell(sink, 'echo "${PYTHONPATH-unset}"')
    assert sink.text("stdout").endswith("unset\n")


def test_it_can_be_interrupted_though_a_worker_cannot(sink: RecordingSink) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with pytest.raises(TargetFailed, match="sh was killed by SIGINT"):
            shell(sink, "kill -INT $$; echo deaf")
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_the_callers_own_import_path_goes_along(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/mine")
    monkeypatch.delenv(CALLERS_PATH, raising=False)
    first = caller_environment()
    assert first[CALLERS_PATH] == "/mine"
    assert first["PYTHONPATH"] != "/mine"
    for name, value in first.items():  # as a worker that queues a task itself
        monkeypatch.setenv(name, value)
    assert caller_environment()[CALLERS_PATH] == "/mine"


def lives(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text() if sys.platform == "linux" else ""
        os.kill(pid, 0)
    except (ProcessLookupError, FileNotFoundError):
        return False
    return " Z " not in stat


def _is_gone(pid: int) -> bool:
    return not lives(pid)


def pids(path: Path, count: int) -> Callable[[], list[int]]:
    """A condition: so many processes have written their number to *path*."""

    def written() -> list[int]:
        found = [int(line) for line in path.read_text().split()] if path.exists() else []
        return found if len(found) >= count else []

    return written


LISTENS = 'echo $$ >> "$1"; (echo $(exec sh -c "echo \\$PPID") >> "$1"; exec sleep 600) & wait'
DEAF = """
(trap "" TERM; exec sh -c 'echo $$ >> "$1"; exec sleep 600' sh "$1") &
trap 'touch "$1.told"' TERM
echo $$ >> "$1"
while :; do wait; sleep 0.01; done
"""


@pytest.mark.parametrize("script", [LISTENS, DEAF], ids=["they listen", "they do not listen"])
def test_a_cancel_ends_it_and_its_children(script: str, sink: RecordingSink, tmp_path: Path) -> None:
    """Those that do not listen are killed when the grace of the attempt is over, which raises once more."""
    written = pids(tmp_path / "pids", 2)
    over = None if script == LISTENS else (tmp_path / "pids.told").exists
    with pytest.raises(TaskCancelled):
        run_and_stop(sink, lambda: shell(sink, script, tmp_path / "pids"), written, over)
    for pid in written():
        until(partial(_is_gone, pid), 5)


def test_a_cancel_lets_it_print_a_last_line(sink: RecordingSink, tmp_path: Path) -> None:
    script = 'trap "echo goodbye; exit 0" TERM; echo ready > "$1"; while :; do sleep 0.01; done'
    with pytest.raises(TaskCancelled):
        run_and_stop(sink, lambda: shell(sink, script, tmp_path / "ready"), (tmp_path / "ready").exists)
    assert sink.text("stdout") == "goodbye\n"


def test_a_cancelled_program_has_time_to_clean_up(sink: RecordingSink, tmp_path: Path) -> None:
    script = 'trap "sleep 2; echo saved; exit 0" TERM; echo ready > "$1"; while :; do sleep 0.01; done'
    with pytest.raises(TaskCancelled):
        run_and_stop(sink, lambda: shell(sink, script, tmp_path / "ready"), (tmp_path / "ready").exists)
    assert sink.text("stdout") == "saved\n"


def test_output_just_before_its_end_is_logged(
    sink: RecordingSink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Program, "is_alive", lambda program: program._process.wait() != 0)
    script = 'trap "echo goodbye; exit 0" TERM; echo ready > "$1"; while :; do sleep 0.01; done'
    with pytest.raises(TaskCancelled):
        run_and_stop(sink, lambda: shell(sink, script, tmp_path / "ready"), (tmp_path / "ready").exists)
    assert sink.text("stdout") == "goodbye\n"


def test_a_second_stop_does_not_wait_for_the_grace(sink: RecordingSink, tmp_path: Path) -> None:
    script = f'trap "kill -TERM {os.getpid()}" TERM; echo $$ > "$1"; while :; do sleep 0.01; done'
    before = signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
    try:
        with pytest.raises(KeyboardInterrupt):
            run_and_stop(sink, lambda: shell(sink, script, tmp_path / "pid"), pids(tmp_path / "pid", 1))
    finally:
        signal.signal(signal.SIGTERM, before)
    assert not lives(int((tmp_path / "pid").read_text()))


def test_a_second_stop_at_the_moment_of_the_first_leaves_nothing_behind(
    sink: RecordingSink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kill = os.killpg

    def stopped_again(group: int, number: int) -> None:
        kill(group, number)
        if number == signal.SIGTERM:
            raise KeyboardInterrupt

    monkeypatch.setattr(os, "killpg", stopped_again)
    with pytest.raises(KeyboardInterrupt):
        run_and_stop(sink, lambda: shell(sink, DEAF, tmp_path / "pids"), pids(tmp_path / "pids", 2))
    for pid in pids(tmp_path / "pids", 2)():
        until(partial(_is_gone, pid))


def test_a_stop_while_it_is_being_started_leaves_nothing_behind(
    sink: RecordingSink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = command._start

    def started_slowly(argv: list[str]) -> subprocess.Popen[bytes]:
        process = start(argv)
        until(pids(tmp_path / "pids", 2))
        signal.raise_signal(signal.SIGTERM)
        return process

    monkeypatch.setattr(command, "_start", started_slowly)
    with pytest.raises(KeyboardInterrupt):
        SignalInterrupter(signal.SIGTERM).run(lambda: shell(sink, LISTENS, tmp_path / "pids"))
    for pid in pids(tmp_path / "pids", 2)():
        until(partial(_is_gone, pid))


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("  45%|####5     | 45/100 [00:04<00:05, 10.0it/s]", (45, 100, None)),
        ("Epoch 1:  45%|####      | 9/20 [00:04<00:05, 10.0it/s]", (9, 20, "Epoch 1")),
        ("Receiving objects:  45% (450/1000), 1.2 MiB | 300 KiB/s", (450, 1000, "Receiving objects")),
        ("     1,234,567  45%    1.20MB/s    0:00:12 (xfr#1, to-chk=5/10)", (45, 100, None)),
        (" 33%|███▎      | 1.5M/4.5M [00:01<00:02, 1.5MB/s]", (33, 100, None)),
        ("Downloading 12.5 %", (12.5, 100, "Downloading")),
        ("Downloading 12,5 %", (12.5, 100, "Downloading")),
        ("[ 12/345] Compiling", (12, 345, None)),
        ("\x1b[32mWorking...\x1b[0m ━━━━━━ 100% 0:00:00", (100, 100, "Working")),
        ("step 12 / 100", (12, 100, "step")),
        ("0/0", None),
        ("120/100", None),
        ("140%", None),
        ("22/11/2026", None),
        ("loss 0.45", None),
        ("", None),
    ],
)
def test_bars_of_well_known_programs_are_understood(line: str, found: object) -> None:
    assert read_bar(line) == found


def read(*pieces: str) -> list[tuple[float, float, str | None]]:
    found: list[tuple[float, float, str | None]] = []
    reader = BarReader(lambda *values: found.append(values))
    for piece in pieces:
        reader.write(piece)
    return found


def test_only_lines_that_are_redrawn_are_bars() -> None:
    assert read("50% of the files\n", "3/4 done\n", "at 20%") == []
    assert read("\r10%", "\r20%\n") == [(10, 100, None), (20, 100, None)]
    assert read("10%\r", "20%\r") == [(10, 100, None), (20, 100, None)]
    assert read("\r10%\r20%\nplain 30%\r\n40%\n")[:1] == [(20, 100, None)]


def test_a_bar_in_pieces_is_not_misread_for_long_and_takes_no_room() -> None:
    reader = BarReader(lambda *values: None)
    for n in range(10_000):
        reader.write(f"\r{n}/10000")
    assert len(reader._rest) < 30
    assert read("\r4", "5%|####", "\r46%|")[-1] == (46, 100, None)


def test_a_programs_bar_is_the_tasks_progress_and_its_last_state_one_line(sink: RecordingSink) -> None:
    code = """
import sys
for n in range(5):
    sys.stderr.write(f"\\rFit: {20 * n:3d}%|##| {n}/5")
    sys.stderr.flush()
sys.stderr.write("\\rFit: 100%|##| 5/5\\n")
print("done")
"""
    python(sink, code)
    assert sink.text("stderr") == "Fit: 100%|##| 5/5\n"
    last = sink.progress[-1]
    assert (last.done, last.total, last.message) == (5, 5, "Fit")
    assert sink.text("stdout") == "done\n"
