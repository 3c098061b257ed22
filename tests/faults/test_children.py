"""Tasks that fork, start pools and programs: what they say is there once, and their children are heard."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from jupyter_client.manager import KernelManager

from tests.support.builders import until
from tests.support.servers import Server, environment, loud

pytestmark = pytest.mark.timeout(60)

SQUARE = """
def square(n):
    print(f"child {n}\\n", end="", flush=True)  # one write: children share the stream
    return n * n
"""
"""What spawned children import: they cannot see a script's own functions."""

BEGIN = """
import os, subprocess, sys, threading, time, warnings
import multiprocessing
warnings.simplefilter("ignore", DeprecationWarning)  # fork beside threads, which is the point here
import jupyter_agent as ja
from squares import square

def work():
    context = ja.current()
    print("before", flush=True)
    context.log("logged before")
"""
END = """
    context.log("logged after")
    print("after", flush=True)

handle = ja.task(work, name="children", show=False).submit()
print("ended:", repr(handle.exception(30)), flush=True)
print("task", handle.id, flush=True)
"""
BODIES = {
    "os.fork": """
    children = []
    for number in range(5):
        pid = os.fork()
        if pid == 0:
            print(f"child {number}\\n", end="", flush=True)
            ja.current().log("a child's word")
            ja.current().progress(1, 2)
            os._exit(0)
        children.append(pid)
    for pid in children:
        os.waitpid(pid, 0)
    """,
    "os.fork, and the child ends like a program": """
    pid = os.fork()
    if pid == 0:
        try:
            print("child 0", flush=True)
            sys.exit(0)
        finally:
            import atexit
            atexit._run_exitfuncs()
            os._exit(0)
    os.waitpid(pid, 0)
    """,
    "a pool that forks": """
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map(square, range(5)) == [0, 1, 4, 9, 16]
    """,
    "a pool that spawns": """
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert pool.map(square, range(5)) == [0, 1, 4, 9, 16]
    """,
    "a program": """
    subprocess.run([sys.executable, "-c", "print('child 0', flush=True)"], check=True)
    """,
}


@pytest.fixture(scope="module")
def squares(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a module that children can import."""
    folder = tmp_path_factory.mktemp("squares")
    (folder / "squares.py").write_text(SQUARE)
    return folder


def _env(server: Server, folder: Path) -> dict[str, str]:
    env = environment(server.home, server.agent)
    return env | {"PYTHONPATH": os.pathsep.join([str(folder), env["PYTHONPATH"]])}


@pytest.mark.parametrize("how", BODIES)
def test_a_task_with_children_says_everything_once_and_they_are_heard(
    shared: Server, squares: Path, tmp_path: Path, how: str
) -> None:
    script = tmp_path / "script.py"
    script.write_text(f"if __name__ == '__main__':\n{_indented(BEGIN + BODIES[how] + END)}")
    command = [sys.executable, "-W", "error", str(script)]
    done = subprocess.run(
        command, env=_env(shared, squares), capture_output=True, text=True, timeout=50, check=False
    )
    assert done.stderr == ""
    assert "ended: None" in done.stdout
    printed = [line for line in done.stdout.splitlines() if line.startswith("child")]
    children = 1 if "child 0" in BODIES[how] else 5
    assert sorted(printed) == [f"child {number}" for number in range(children)]
    assert done.stdout.count("before") == done.stdout.count("after") == 1
    _assert_told_once(shared, done.stdout)


def _assert_told_once(server: Server, output: str) -> None:
    found = re.search(r"task (\w{26})", output)
    assert found is not None
    task = found[1]
    until(lambda: (server.task(task) or {}).get("state") == "completed")
    assert server.lines(task) == ["before\n", "logged before", "logged after", "after\n"]
    states = [event["data"]["state"] for event in server.events(task, "state")]
    assert states == ["queued", "running", "completed"]
    assert len({event["producer"] for event in server.events(task)}) == 1
    assert not loud(server.log_text())


WORDS = """
import contextvars, logging, os, signal, sys, threading, time, warnings
warnings.simplefilter("ignore", DeprecationWarning)
import jupyter_agent as ja

def words(number):
    context = ja.current()
    context.metric("loss", number)
    context.log(f"line {number}")
    context.progress(number, message="on it")
    context.progress(advance=1)
    print("printed", number)
    print("no newline", end="")
    logging.getLogger("work").warning("logged %d", number)
    context.say("said")
    context.display(number)
    for _ in ja.track(range(3)):
        context.raise_if_cancelled()
    if number % 50 == 0:
        context.checkpoint(number)

def child(number):
    signal.alarm(10)  # which ends it
    words(number)
    os._exit(0)

def work():
    words(0)  # what is imported at its first use: a child waits for ever for an import of another thread
    over, hung = threading.Event(), 0
    def emit():
        number = 0
        while not over.is_set():
            number += 1
            words(number)
    others = [threading.Thread(target=contextvars.copy_context().run, args=(emit,)) for _ in range(2)]
    for other in others: other.start()
    for number in range(FORKS):
        pid = os.fork()
        if pid == 0:
            child(number)
        hung += os.waitpid(pid, 0)[1] == signal.SIGALRM
        if hung > 2: break
    over.set()
    for other in others: other.join()
    return hung

sys.stdout = open(os.devnull, "w")
logging.getLogger("work").addHandler(logging.NullHandler())
hung = ja.task(work, show=False).submit().result()
sys.__stdout__.write(f"hung {hung}")
"""
"""Forks while two other threads emit all that can be emitted, and hold each lock now and then."""


def test_a_forked_child_that_emits_while_other_threads_do_never_hangs(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WORDS.replace("FORKS", os.environ.get("FORKS", "150"))]
    env = environment(tmp_path)
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=50, check=False)
    assert (done.stdout, done.stderr) == ("hung 0", "")


def _indented(code: str) -> str:
    return "\n".join(f"    {line}" for line in code.splitlines()) + "\n"


@pytest.mark.parametrize("how", ["os.fork", "a pool that forks", "a program"])
def test_in_a_kernel_too(shared: Server, squares: Path, how: str) -> None:
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(env=_env(shared, squares) | {"JPY_PARENT_PID": str(shared.pid)})
    client = manager.blocking_client()
    try:
        client.start_channels()
        client.wait_for_ready(timeout=30)
        said: list[str] = []

        def heard(message: dict[str, object]) -> None:
            content = message["content"]
            assert isinstance(content, dict)
            said.append(str(content.get("text", content.get("traceback", ""))))

        reply = client.execute_interactive(BEGIN + BODIES[how] + END, timeout=50, output_hook=heard)
        assert reply["content"]["status"] == "ok", said
        assert "ended: None" in "".join(said)
        if how != "a program":  # whose output a kernel never sees, with or without a task
            assert "child" in "".join(said)
        _assert_told_once(shared, "".join(said))
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()


def test_a_child_that_outlives_its_killed_parent_keeps_nobody_alive_and_left_no_word(
    shared: Server, squares: Path, tmp_path: Path
) -> None:
    body = """
    done, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        context.log("a child's word")
        os.write(tell, b"!")
        time.sleep(20)
        os._exit(0)
    os.read(done, 1)
    os.write(1, f"task {context.id} {os.getpid()} {pid}\\n".encode())
    time.sleep(20)
    """
    script = tmp_path / "script.py"
    script.write_text(BEGIN + body + END)
    with subprocess.Popen(
        [sys.executable, str(script)], env=_env(shared, squares), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        _, task, parent, child = next(line for line in process.stdout if line.startswith("task")).split()
        try:
            assert int(parent) == process.pid
            process.kill()
            until(lambda: (shared.task(task) or {}).get("state") == "interrupted", 10)
            os.kill(int(child), 0)  # still there
        finally:
            os.kill(int(child), signal.SIGKILL)
    assert shared.lines(task) == ["before\n", "logged before"]
