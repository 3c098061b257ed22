"""Scripts that end in every way there is while a task of theirs logs."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from pathlib import Path

SEEN_BYTES = 48
"""Size of the file into which a task counts: how often `log` has returned, its process id, its task id."""

WORK = f"""
import atexit, contextvars, mmap, multiprocessing, os, signal, struct, sys, threading, time
import jupyter_agent as ja

def work(path, catch=()):
    context = ja.current()
    with open(path, "r+b") as file:
        seen = mmap.mmap(file.fileno(), {SEEN_BYTES})
    seen[8:42] = struct.pack("q26s", os.getpid(), context.id.encode())
    number = 0
    while True:
        try:
            context.log(f"line {{number}}")
            number += 1
            seen[:8] = struct.pack("q", number)
            time.sleep(0.002)
        except catch:
            pass

def lines(path, count):
    while struct.unpack("q", open(path, "rb").read(8))[0] < count:
        time.sleep(0.001)
"""
"""``work`` counts the lines after `log` has returned, into memory that outlives its process."""

ENDED, GONE = "the process ended", "the process that ran it is gone"
SAID = "task works has not ended and will be interrupted with this process"
SUBMIT = "handle = ja.task(work, name='works', show=False).submit(PATH)"
SLOW = "atexit.register(time.sleep, 0.4)\n"


@dataclass(frozen=True)
class End:
    """A way to end, as code: *before* the task, its *submit*, and *after* it has logged some lines.

    ``PATH`` in the code is where the task counts. *how* replaces the script's file on the command line.
    *last* are the last lines that are logged.
    """

    after: str = ""
    before: str = ""
    submit: str = SUBMIT
    how: tuple[str, ...] = ()
    sent: signal.Signals | None = None
    status: int = 0
    said: tuple[str, ...] = (SAID,)
    state: str = "interrupted"
    reason: str | None = ENDED
    last: tuple[str, ...] = ()

    def text(self, path: Path, count: int) -> str:
        """The script, whose task logs *count* lines before it ends."""
        parts = (WORK, self.before, self.submit, f"lines(PATH, {count})", self.after)
        return "\n".join(parts).replace("PATH", repr(str(path)))


LAST_WORDS = """
def last():
    for number in range(200):
        print("last words", number)
        box[0].metric("loss", number)
        box[0].progress(number)
box = []
atexit.register(last)
"""
BOXED = """
def boxed():
    box.append(ja.current())
    work(PATH)
handle = ja.task(boxed, name="works", show=False).submit()
"""
BESIDE = """
def beside():
    threading.Thread(target=contextvars.copy_context().run, args=(work, PATH), daemon=True).start()
handle = ja.task(beside, name="works", show=False).submit()
handle.wait()
"""
STUBBORN = """
handle = ja.task(work, name="works", on=ON, timeout=0.5, show=False).submit(PATH, catch=BaseException)
"""
FINALLY = tuple(f"finally {number}" for number in range(9))
FINALIZER = """
import types
class Talks:
    def __init__(self, context): self.context = context
    def __del__(self):
        assert sys.is_finalizing()
        for number in range(9): self.context.log(f"finally {number}")
        print("said all", file=sys.__stderr__)
sys.modules["talks"] = talks = types.ModuleType("talks")
def busy():
    talks.talks = Talks(ja.current())
    work(PATH)
def crowd():
    global talks
    log = talks.talks.context.log
    def more():
        while True: log("more")
    for _ in range(3): threading.Thread(target=more, daemon=True).start()
    time.sleep(0.02)
    del talks
handle = ja.task(busy, name="works", show=False).submit()
"""
INTERRUPTED = """
def last():
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(60)
atexit.register(last)
"""
IPYTHON = ("-m", "IPython", "--no-banner", "--colors=NoColor", "-c")
WAITS = "time.sleep(60)"

SCRIPTS = {
    "the last line": End(),
    "sys.exit": End("sys.exit(3)", status=3),
    "an exception": End("raise RuntimeError('over')", status=1, said=("RuntimeError: over", SAID)),
    "a slow exit handler before ours": End(SLOW),
    "a slow exit handler after ours": End(before=SLOW),
    "sys.exit beside slow exit handlers": End(SLOW + "sys.exit(0)", before=SLOW),
    "an exit handler that logs": End(before=LAST_WORDS, submit=BOXED),
    "a child that is joined": End(
        "multiprocessing.get_context('fork').Process(target=time.sleep, args=(0.4,)).start()"
    ),
    "a finalizer that logs": End(
        before="atexit.register(lambda: crowd())", submit=FINALIZER, said=(SAID, "said all"), last=FINALLY
    ),
    "python -c": End(how=("-c",)),
    "python -i": End(how=("-i", "-c")),
    "IPython": End(how=IPYTHON),
    "os.execv": End("os.execv(sys.executable, [sys.executable, '-c', ''])", said=(), reason=GONE),
    "Ctrl-C in an exit handler": End(before=INTERRUPTED, said=("KeyboardInterrupt",)),
    "a fork in an exit handler": End(before="atexit.register(lambda: os.fork() or os._exit(0))"),
    "os._exit": End("os._exit(5)", status=5, said=(), reason=GONE),
    "SIGTERM": End(WAITS, sent=signal.SIGTERM, status=-signal.SIGTERM, said=(), reason=GONE),
    "SIGHUP": End(WAITS, sent=signal.SIGHUP, status=-signal.SIGHUP, said=(), reason=GONE),
    "SIGINT": End(WAITS, sent=signal.SIGINT, status=-signal.SIGINT, said=("KeyboardInterrupt", SAID)),
    "a task in a process": End(
        submit=SUBMIT.replace("show", "on='process', show"), reason="the process that started it ended"
    ),
    "a task in a process that times out and goes on": End(
        "handle.wait()", submit=STUBBORN.replace("ON", "'process'"), said=(), state="failed", reason=None
    ),
    "a detached task that times out and goes on": End(
        "handle.wait()", submit=STUBBORN.replace("ON", "'detached'"), said=(), state="failed", reason=None
    ),
}
"""Scripts by how they end."""

LATE = End(before=SLOW, submit=BESIDE, said=(), state="completed", reason=None)
"""A thread that goes on after its task and during exit handlers: its lines follow the end, and are stored."""

WITHOUT_DESCRIPTORS = End(
    "file = open(PATH, 'rb')\nseen = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)\n"
    "os.closerange(3, 4096)\nwhile struct.unpack('q', seen[:8])[0] < 1500:\n    time.sleep(0.001)",
    said=(
        "servers hear no more of its tasks and call them interrupted",
        "what they emit is stored when this process has ended",
    ),
)
"""Lock and connection are closed under the task; the server has its lines in the end. No file is opened
meanwhile: the connection's end may close it, as the limits say."""
