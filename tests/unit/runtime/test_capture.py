"""Capture of what a task prints, logs and shows with tqdm."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import jupyter_agent as ja
from jupyter_agent.core.events import Log, decode_data
from jupyter_agent.runtime.capture.streams import Tee
from jupyter_agent.runtime.output.line_buffer import LineBuffer
from tests.support.runtime import emitted, logs, own_producer, recovered, run_script, spooled, until  # noqa: F401


def lines_of(*writes: str) -> list[str]:
    out: list[str] = []
    buffer = LineBuffer(out.append)
    for text in writes:
        buffer.write(text)
    buffer.flush()
    return out


@pytest.mark.parametrize(
    ("writes", "expected"),
    [
        (("one", "\n"), ["one\n"]),
        (("one\ntwo\nthr", "ee"), ["one\ntwo\n", "three"]),
        (("\r10%", "\r20%", "\r30%\n"), ["30%\n"]),
        (("10%\r", "20%\r", "30%\n"), ["30%\n"]),
        (("crlf\r\n", "again\r\n"), ["crlf\n", "again\n"]),
        (("\r10%", "\r   \r"), []),
        (("\r10%",), ["10%"]),
        (("", ""), []),
    ],
)
def test_lines_are_whole_and_what_is_overwritten_is_gone(
    writes: tuple[str, ...], expected: list[str]
) -> None:
    assert lines_of(*writes) == expected


def test_a_redrawn_line_takes_no_room() -> None:
    out: list[str] = []
    buffer = LineBuffer(out.append)
    for n in range(10_000):
        buffer.write(f"\r{n}")
    assert out == []
    rows = buffer._writer.rows
    assert rows is not None
    assert sum(len(row.text) for row in rows._rows) < 20


def test_an_unfinished_line_is_passed_on_at_the_second_sample_but_not_a_redrawn_one() -> None:
    out: list[str] = []
    buffer = LineBuffer(out.append)
    buffer.write("working... ")
    buffer.flush_waiting()
    assert out == []
    buffer.flush_waiting()
    assert out == ["working... "]
    buffer.write("\r50%")
    buffer.flush_waiting()
    buffer.flush_waiting()
    assert out == ["working... "]


def test_printed_text_is_an_event_and_still_appears(capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> None:
        print("to out")
        print("to err", file=sys.stderr)

    handle = ja.submit(work)
    handle.wait(10)
    assert [(log.stream, log.text) for log in logs(handle.id)] == [
        ("stdout", "to out\n"),
        ("stderr", "to err\n"),
    ]
    out, err = capsys.readouterr()
    assert out == "to out\n"
    assert err == "to err\n"


def test_output_outside_a_task_belongs_to_no_task() -> None:
    handle = ja.submit(print, "inside")
    handle.wait(10)
    print("outside")
    assert [event.task for event in emitted(kind="log")] == [handle.id]


def test_redirected_output_stays_redirected() -> None:
    def work() -> str:
        with contextlib.redirect_stdout(io.StringIO()) as into:
            print("kept for me")
        return into.getvalue()

    handle = ja.submit(work)
    assert handle.result(10) == "kept for me\n"
    assert logs(handle.id) == []


def test_a_wrapped_stream_looks_like_the_stream_it_is() -> None:
    stream = io.StringIO()
    tee = Tee(stream, "stdout")
    assert isinstance(tee, io.StringIO)
    tee.write("x")
    tee.writelines(["y", "z"])
    assert tee.getvalue() == "xyz"
    tee.extra = 5
    assert stream.extra == 5  # type: ignore[attr-defined]
    assert repr(tee) == repr(stream)


def test_replacing_write_for_a_while_as_ipython_does_is_no_endless_loop() -> None:
    tee: Any = Tee(io.StringIO(), "stdout")
    seen: list[str] = []
    before = tee.write

    def write(text: str) -> int:
        seen.append(text)
        return int(before(text))

    tee.write = write
    tee.write("a")
    tee.write = before
    tee.write("b")
    assert seen == ["a"]
    assert tee.getvalue() == "ab"


def test_a_logging_record_is_kept_once_with_its_level() -> None:
    logger = logging.getLogger("some.library")

    def work() -> None:
        handler = logging.StreamHandler(sys.stderr)
        logger.addHandler(handler)
        try:
            logger.warning("look %d", 5)
            try:
                raise ValueError("bad")
            except ValueError:
                logger.exception("it broke")
        finally:
            logger.removeHandler(handler)

    handle = ja.submit(work)
    assert handle.exception(10) is None
    found = logs(handle.id)
    assert [(log.stream, log.level) for log in found] == [("logging", "warning"), ("logging", "error")]
    assert found[0].text == "look 5"
    assert "ValueError: bad" in found[1].text


def test_the_users_logging_is_as_it_was(tmp_path: Path) -> None:
    done = run_script(
        tmp_path,
        "import logging, jupyter_agent as ja\n"
        "ja.submit(lambda: logging.warning('from a task')).wait()\n"
        "logging.warning('from outside')\n"
        "print(len(logging.getLogger().handlers))\n",
    )
    assert done.stdout == "1\n"  # what logging.warning itself adds
    assert done.stderr == "WARNING:root:from a task\nWARNING:root:from outside\n"


def test_tqdm_becomes_progress_and_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    from tqdm import tqdm

    def work() -> None:
        for _ in tqdm(range(500), desc="epochs", mininterval=0):
            for _ in tqdm(range(2), leave=False, mininterval=0):
                pass
        tqdm.write("said beside the bar")

    handle = ja.submit(work)
    assert handle.exception(20) is None
    assert handle.progress is not None
    assert (handle.progress.done, handle.progress.total, handle.progress.message) == (500, 500, "epochs")
    texts = [log.text for log in logs(handle.id)]
    assert len(texts) == 2
    assert texts[0].startswith("epochs: 100%")
    assert texts[1] == "said beside the bar\n"
    assert "epochs" in capsys.readouterr().err


def test_a_forked_child_prints_and_emits_nothing(tmp_path: Path) -> None:
    done = run_script(
        tmp_path,
        "import os, warnings\n"
        "warnings.simplefilter('ignore', DeprecationWarning)\n"
        "import jupyter_agent as ja\n"
        "def work():\n"
        "    print('parent before', flush=True)\n"
        "    lock = ja.current().stream('stdout')._lock\n"
        "    lock.acquire()\n"  # as when another thread of the task prints
        "    pid = os.fork()\n"
        "    if pid == 0:\n"
        "        print('child', flush=True)\n"
        "        ja.current().log('child log')\n"
        "        ja.current().progress(1, 2)\n"
        "        os._exit(0)\n"
        "    lock.release()\n"
        "    os.waitpid(pid, 0)\n"
        "    print('parent after', flush=True)\n"
        "h = ja.submit(work)\n"
        "print(h.exception())\n",
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["parent before", "child", "parent after", "None"]
    texts = [data.text for event in spooled(tmp_path) if isinstance(data := decode_data(event), Log)]
    assert texts == ["parent before\n", "parent after\n"]


CHILDREN = """
import multiprocessing, subprocess, sys, warnings
from concurrent.futures import ProcessPoolExecutor
warnings.simplefilter("ignore", DeprecationWarning)
import jupyter_agent as ja

def square(n):
    print("child", n, flush=True)
    return n * n

def work():
    found = []
    for method in METHODS:
        context = multiprocessing.get_context(method)
        with context.Pool(2) as pool:
            found.append(pool.map(square, range(3)))
        with ProcessPoolExecutor(2, mp_context=context) as pool:
            found.append(list(pool.map(square, range(3))))
    found.append(subprocess.run([sys.executable, "-c", "print(7)"], capture_output=True, text=True).stdout)
    return found

METHODS = ["fork", "spawn"]
if __name__ == "__main__":
    print("RESULT", ja.submit(work).result())
"""


def test_children_of_every_kind_work_inside_a_task(tmp_path: Path) -> None:
    done = run_script(tmp_path, CHILDREN, timeout=100)
    assert done.stderr == ""
    assert f"RESULT {[[0, 1, 4]] * 4 + ['7' + chr(10)]}" in done.stdout
    assert done.stdout.count("child") == 12
    assert not any(event.type == "log" for event in spooled(tmp_path))


def test_tasks_that_run_when_the_process_ends_are_interrupted(tmp_path: Path) -> None:
    done = run_script(
        tmp_path,
        "import time, jupyter_agent as ja\n"
        "h = ja.submit(time.sleep, 60)\n"
        "while h.state == 'queued': time.sleep(0.01)\n",
    )
    assert done.returncode == 0
    assert done.stderr == (
        "jupyter_agent: task sleep has not ended and will be interrupted with this process; "
        "wait for the end with wait() or result(), or submit with on='detached'\n"
    )
    assert not any(b"interrupted" in bytes(event.data) for event in spooled(tmp_path))
    assert recovered(tmp_path)[-1]["data"] == {"state": "interrupted", "reason": "the process ended"}


def test_a_line_printed_before_kill_9_is_kept(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import time, jupyter_agent as ja\n"
        "def work():\n    print('the last line', flush=True)\n    time.sleep(60)\n"
        "ja.submit(work).wait()\n"
    )
    process = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, env=dict(os.environ))
    assert process.stdout is not None
    assert process.stdout.readline() == b"the last line\n"
    until(lambda: any(event.type == "log" for event in spooled(tmp_path)))
    process.kill()
    process.wait()
    process.stdout.close()
    assert [d.text for e in spooled(tmp_path) if isinstance(d := decode_data(e), Log)] == ["the last line\n"]


def test_a_finalizer_that_prints_does_not_wait_for_a_thread_that_is_gone(tmp_path: Path) -> None:
    text = """
import atexit, contextvars, sys, threading, time
import jupyter_agent as ja
class Talks:
    def __init__(self): self.itself = self
    def __del__(self): variables.run(print, "finally", sys.is_finalizing())
leaving, held = threading.Event(), threading.Event()
def keep():
    leaving.wait()
    with stream._lock:
        held.set()
        time.sleep(60)
def hold():
    leaving.set()
    held.wait()
    Talks()
threading.Thread(target=keep, daemon=True).start()  # Python 3.12 starts no thread at the exit
atexit.register(hold)
def work():
    global stream, variables
    stream, variables = ja.current().stream("stdout"), contextvars.copy_context()
    begun.set()
    time.sleep(60)
begun = threading.Event()
ja.task(work, show=False).submit()
begun.wait()
"""
    done = run_script(tmp_path, text, timeout=20)
    assert done.stdout == "finally True\n"
    assert done.returncode == 0
    stored = [e["data"]["text"] for e in recovered(tmp_path) if e["type"] == "log"]
    assert stored == ["finally True\n"]
