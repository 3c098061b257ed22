"""Output of a worker's threads, children and programs reaches its log, and the task's own only once."""

import subprocess
import sys
from textwrap import dedent

PREPARED = """
import json, multiprocessing, os, subprocess, sys, threading
from jupyter_agent.runtime.capture.install import install_capture
from jupyter_agent.runtime.context import TaskContext, set_current
from jupyter_agent.worker.fd_capture import FdCapture

class Sink:
    id = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
    def emit(self, attempt, kind, data):
        logged.append([f"caught {data.stream}", data.text])
        return 1

logged = []
fd_capture = FdCapture(lambda stream, text: logged.append([stream, text]))
fd_capture.open()
install_capture()

def end():
    fd_capture.close()
    print(json.dumps(logged), file=os.fdopen(1, "w"), flush=True)
    os._exit(0)
"""


def logged_by(script: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PREPARED + dedent(script) + "\nend()"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


def test_output_of_threads_children_and_programs_is_logged_and_the_tasks_own_once() -> None:
    logged = logged_by(
        """
        thread = threading.Thread(target=print, args=("by a thread",))
        thread.start(), thread.join()
        set_current(TaskContext(Sink(), 1))
        print("by the task")
        child = multiprocessing.get_context("fork").Process(target=print, args=("by a child",))
        child.start(), child.join()
        sys.stdout.buffer.write(b"as bytes\\n")
        subprocess.run(["echo", "by a program"], stdout=sys.stderr)
        """
    )
    for text in ("by a thread", "by a child", "as bytes", "by a program", "by the task"):
        assert logged.count(text) == 1, logged
    assert '["caught stdout", "by the task\\n"]' in logged
    assert '["stderr", "by a program\\n"]' in logged


def test_a_forked_child_that_lives_on_does_not_keep_it_from_closing() -> None:
    assert '"by the child' in logged_by(
        """
        end_of_this, kept = os.pipe()
        if os.fork() == 0:
            os.close(kept)
            os.write(1, b"by the child\\n")
            os.read(end_of_this, 1)
            os._exit(0)
        while not logged:
            fd_capture.finish()
        """
    )


def test_output_without_a_pause_does_not_delay_the_end() -> None:
    logged = logged_by(
        """
        fd_capture._write = lambda stream, text: os.write(1, text.encode())
        os.write(1, b"again and again")
        fd_capture.finish()
        """
    )
    assert logged.endswith("[]\n")


def test_the_streams_are_text_streams_for_whoever_asks_by_writing_bytes() -> None:
    logged = logged_by(
        """
        import click
        set_current(TaskContext(Sink(), 1))
        click.echo("as text")
        click.echo("as an error", err=True)
        """
    )
    assert logged == '[["caught stdout", "as text\\n"], ["caught stderr", "as an error\\n"]]\n'
