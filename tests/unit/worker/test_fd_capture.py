"""Output of a worker's threads, children and programs reaches its log, and the task's own only once."""

import subprocess
import sys
from textwrap import dedent

PREPARED = """
import json, multiprocessing, os, subprocess, sys, threading
from jupyter_agent.runtime import capture
from jupyter_agent.runtime.context import TaskContext, set_current
from jupyter_agent.worker.fd_capture import FdCapture

class Home:
    id = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
    def emit(self, attempt, kind, data):
        said.append([f"caught {data.stream}", data.text])
        return 1

said = []
fd_capture = FdCapture(lambda stream, text: said.append([stream, text]))
fd_capture.open()
capture.install()

def end():
    fd_capture.close()
    print(json.dumps(said), file=os.fdopen(1, "w"), flush=True)
    os._exit(0)
"""


def said_by(script: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PREPARED + dedent(script) + "\nend()"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


def test_threads_children_bytes_and_programs_are_heard_and_the_task_itself_once() -> None:
    said = said_by(
        """
        thread = threading.Thread(target=print, args=("by a thread",))
        thread.start(), thread.join()
        set_current(TaskContext(Home(), 1))
        print("by the task")
        child = multiprocessing.get_context("fork").Process(target=print, args=("by a child",))
        child.start(), child.join()
        sys.stdout.buffer.write(b"as bytes\\n")
        subprocess.run(["echo", "by a program"], stdout=sys.stderr)
        """
    )
    for text in ("by a thread", "by a child", "as bytes", "by a program", "by the task"):
        assert said.count(text) == 1, said
    assert '["caught stdout", "by the task\\n"]' in said
    assert '["stderr", "by a program\\n"]' in said


def test_what_is_written_without_a_pause_does_not_keep_the_end_waiting() -> None:
    said = said_by(
        """
        fd_capture._write = lambda stream, text: os.write(1, text.encode())
        os.write(1, b"again and again")
        fd_capture.drain()
        """
    )
    assert said.endswith("[]\n")
