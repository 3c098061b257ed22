"""What tasks print, log and show as bars in a real kernel, by threads, pools, bars and redirected streams."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from textwrap import indent

import pytest

from tests.support.cells import Kernel
from tests.support.cells import kernel as start_kernel

PREPARED = """
import asyncio, contextlib, io, logging, sys, threading, time
import multiprocessing.pool
from concurrent.futures import ThreadPoolExecutor
import jupyter_agent as ja
from jupyter_agent.core.events import decode_data
old_pool, old_thread_pool = ThreadPoolExecutor(2), multiprocessing.pool.ThreadPool(2)
held = sys.stderr
def lines(handle): return sorted(handle.logs().splitlines())
def ends(work, on="thread"):
    handle = ja.task(work, on=on, show=False, name="t").submit()
    handle.result(60)
    return handle
def moved(handle):
    return [decode_data(e).done for e in handle.events() if e.type == "progress"]
"""


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    with start_kernel(tmp_path_factory.mktemp("kernel")) as started:
        started.run(PREPARED)
        yield started


HANDED_OVER = {
    "Thread": "t = threading.Thread(target=say, args=(1,)); t.start(); t.join()",
    "Thread subclass": """
class Mine(threading.Thread):
    def run(self): say(1)
t = Mine(); t.start(); t.join()
""",
    "Timer": "t = threading.Timer(0, say, (1,)); t.start(); t.join()",
    "_thread": """
import _thread
d = threading.Event()
_thread.start_new_thread(lambda: (say(1), d.set()), ())
d.wait(9)
""",
    "thread of a thread": """
def outer():
    t = threading.Thread(target=say, args=(1,)); t.start(); t.join()
t = threading.Thread(target=outer); t.start(); t.join()
""",
    "own pool": "with ThreadPoolExecutor(2) as pool: list(pool.map(say, [1]))",
    "initializer": """
with ThreadPoolExecutor(1, initializer=say, initargs=(1,)) as pool: pool.submit(int).result()
""",
    "older pool": "old_pool.submit(say, 1).result()",
    "callback": """
done = threading.Event()
old_pool.submit(time.sleep, .01).add_done_callback(lambda _: (say(1), done.set()))
done.wait(9)
""",
    "ThreadPool": "old_thread_pool.map(say, [1])",
    "ThreadPool imap": "list(old_thread_pool.imap(say, [1]))",
    "ThreadPool starmap": "old_thread_pool.starmap_async(func=say, iterable=[(1,)]).get()",
    "ThreadPool callback": """
done = threading.Event()
old_thread_pool.apply_async(int, callback=lambda _: (say(1), done.set()))
done.wait(9)
""",
    "to_thread": "asyncio.run(asyncio.to_thread(say, 1))",
    "run_in_executor": """
async def main(): await asyncio.get_running_loop().run_in_executor(old_pool, say, 1)
asyncio.run(main())
""",
    "loop in a thread": """
async def main(): await asyncio.to_thread(say, 1)
t = threading.Thread(target=asyncio.run, args=(main(),)); t.start(); t.join()
""",
    "joblib threads": """
import joblib
joblib.Parallel(2, backend="threading")([joblib.delayed(say)(1)])
""",
    "thread_map": """
from tqdm.contrib.concurrent import thread_map
thread_map(say, [1], disable=True)
""",
}


@pytest.mark.parametrize("how", HANDED_OVER)
def test_what_a_task_hands_to_threads_is_the_task(kernel: Kernel, how: str) -> None:
    kernel.run(f"""
def say(n):
    print("said", n)
    ja.current().metric("m", n)
    logging.getLogger("l").warning("logged %d", n)
    for _ in ja.track(range(3)): pass
def work():
    exec({HANDED_OVER[how]!r}, globals())
before = len(ja.tasks())
handle = ends(work)
""")
    assert kernel.value("lines(handle)") == ["logged 1", "said 1"]
    assert kernel.value("handle.metrics['m'].value") == 1
    assert kernel.value("len(ja.tasks()) - before") == 1
    assert kernel.value("handle.progress.done") == 3


def test_a_pool_that_a_task_made_serves_others_for_themselves(kernel: Kernel) -> None:
    kernel.run("""
def make():
    global made
    made = ThreadPoolExecutor(1)
    made.submit(print, "by the maker").result()
    stay.wait(30)
def other(): made.submit(print, "by another").result()
stay = threading.Event()
maker = ja.task(make, show=False).submit()
while "maker" not in maker.logs(): time.sleep(.01)
second = ends(other)
made.submit(print, "by nobody").result()
stay.set(); maker.wait(30)
""")
    assert kernel.value("lines(maker)") == ["by the maker"]
    assert kernel.value("lines(second)") == ["by another"]


def test_a_thread_that_outlives_its_task_prints_as_if_outside(kernel: Kernel) -> None:
    printed = kernel.run("""
go, done = threading.Event(), threading.Event()
def late():
    go.wait(30)
    print("too late"); ja.current().log("too late"); ja.current().progress(7)
    done.set()
def work():
    threading.Thread(target=late).start()
    print("in time")
handle = ends(work)
go.set(); done.wait(30); print(end='')
""")
    assert "too late" in printed
    # What it logs is stored, behind the end; what it prints is no more the task's.
    assert kernel.value("lines(handle)") == ["in time", "too late"]
    assert kernel.value("[e.type for e in handle.events()][-2:]") == ["state", "log"]


def test_an_exception_that_ends_a_thread_is_in_the_log(kernel: Kernel) -> None:
    kernel.run("""
def work():
    t = threading.Thread(target=lambda: 1 / 0); t.start(); t.join()
handle = ends(work)
""")
    assert "ZeroDivisionError" in kernel.value("handle.logs()")


BAR = """
def work():
    from {module} import tqdm
    for n in tqdm(range(6), desc="x"): time.sleep(.06)
handle = ends(work, {on!r})
"""


@pytest.mark.parametrize(
    ("on", "module"),
    [
        ("thread", "tqdm"),
        ("thread", "tqdm.auto"),
        ("thread", "tqdm.notebook"),
        ("thread", "tqdm.asyncio"),
        ("process", "tqdm.notebook"),
        ("detached", "tqdm"),
    ],
)
def test_a_bar_is_followed_wherever_tqdm_is_imported_first(kernel: Kernel, module: str, on: str) -> None:
    kernel.run("[sys.modules.pop(name) for name in list(sys.modules) if name.startswith('tqdm')]")
    kernel.run(BAR.format(module=module, on=on))
    assert kernel.value("moved(handle)[-1]") == 6
    assert len(kernel.value("moved(handle)")) > 2
    log = kernel.value("handle.logs()")
    assert log.startswith("x: 100%"), log
    assert log.count("\n") == 1, log


def test_bars_of_tasks_that_run_at_once_belong_to_each(kernel: Kernel) -> None:
    kernel.run("""
from tqdm import tqdm
def work(n):
    for _ in tqdm(range(n)): time.sleep(.01)
outside = tqdm(total=5)
handles = [ja.task(work, show=False).submit(n) for n in (20, 30, 40)]
[h.result(60) for h in handles]
outside.close()
""")
    assert kernel.value("[(h.progress.done, h.progress.total, h.logs().count('\\n')) for h in handles]") == [
        (20, 20, 1),
        (30, 30, 1),
        (40, 40, 1),
    ]
    assert kernel.value("[len(moved(h)) > 1 for h in handles]") == [True] * 3


BARS = {
    "moved by a pool": (
        """
bar = tqdm(total=4)
list(old_pool.map(lambda n: (time.sleep(.06), bar.update()), range(4)))
""",
        4,
    ),
    "moved by a callback": (
        """
bar = tqdm(total=2)
futures = [old_pool.submit(time.sleep, .1 * n) for n in (1, 2)]
for future in futures: future.add_done_callback(lambda _: bar.update())
time.sleep(.4)
""",
        2,
    ),
    "after one left open": (
        """
left = tqdm(total=9)
left.update(2)
for _ in tqdm(range(5)): time.sleep(.06)
""",
        5,
    ),
    "loop in a loop": (
        """
for _ in tqdm(range(3)):
    for _ in tqdm(range(8), leave=False): time.sleep(.01)
""",
        3,
    ),
    "loop in a bar by hand": (
        """
bar = tqdm(total=3)
for _ in range(3):
    for _ in tqdm(range(8), leave=False): time.sleep(.01)
    bar.update()
bar.close()
""",
        3,
    ),
    "never closed": (
        """
import builtins
bar = builtins.left_open = tqdm(total=3)
bar.update(1)
time.sleep(.1)
bar.update(2)
""",
        3,
    ),
    "thread_map": ("thread_map(lambda n: time.sleep(.03), range(6), max_workers=2)", 6),
    "Pool.imap": (
        """
with multiprocessing.get_context("fork").Pool(2) as pool:
    for _ in tqdm(pool.imap(time.sleep, [.05] * 6), total=6): pass
""",
        6,
    ),
    "process_map": ("process_map(time.sleep, [.05] * 6, max_workers=2)", 6),
    "a subclass": (
        """
class Mine(tqdm):
    def display(self, *args, **kwargs): return True
for _ in Mine(range(6)): time.sleep(.03)
""",
        6,
    ),
    "after a broken loop": (
        """
for n in tqdm(range(9)):
    if n == 2: break
for _ in tqdm(range(6)): time.sleep(.03)
""",
        6,
    ),
}


@pytest.mark.parametrize(("on", "how"), [*(("thread", how) for how in BARS), ("process", "process_map")])
def test_the_bar_that_counts_is_the_progress(kernel: Kernel, how: str, on: str) -> None:
    code, done = BARS[how]
    kernel.run(f"""
def work():
    import multiprocessing, time, warnings
    warnings.simplefilter("ignore", DeprecationWarning)
    from concurrent.futures import ThreadPoolExecutor
    from tqdm import tqdm
    from tqdm.contrib.concurrent import process_map, thread_map
    old_pool = ThreadPoolExecutor(2)
{indent(code, "    ")}
handle = ends(work, {on!r})
""")
    seen = kernel.value("moved(handle)")
    assert seen[-1] == done, seen
    assert len(seen) > 1, seen
    assert "%|" in kernel.value("handle.logs()")


def test_a_bar_of_nobodys_that_a_task_moves_is_not_hidden(kernel: Kernel) -> None:
    kernel.run("""
from tqdm import tqdm
bar = tqdm(total=2, mininterval=0)
def work():
    bar.update(); print("beside")
    bar.update(); bar.close()
handle = ends(work)
""")
    assert "beside" in kernel.value("handle.logs()")
    assert "100%" in kernel.value("handle.logs()")


TALKS = """
import time, threading
go, stop = threading.Event(), threading.Event()
def work():
    print("begins")
    go.wait(30)
    print("in between", flush=True)
    stop.wait(30)
    print("ends")
handle = ja.task(work, show=False).submit()
while "begins" not in handle.logs(): time.sleep(.01)
"""


REDIRECTIONS = {
    "%%capture": """%%capture captured
go.set()
while "between" not in handle.logs(): time.sleep(.01)
print("mine")
""",
    "redirect_stdout": """
captured = io.StringIO()
with contextlib.redirect_stdout(captured):
    go.set()
    while "between" not in handle.logs(): time.sleep(.01)
    print("mine")
""",
    "assignment": """
before, sys.stdout = sys.stdout, io.StringIO()
go.set()
while "between" not in handle.logs(): time.sleep(.01)
print("mine")
captured, sys.stdout = sys.stdout, before
""",
}


@pytest.mark.parametrize("how", REDIRECTIONS)
def test_a_redirection_of_another_cell_does_not_take_what_a_task_prints(kernel: Kernel, how: str) -> None:
    kernel.run(TALKS)
    kernel.run(REDIRECTIONS[how])
    assert kernel.value("getattr(captured, 'stdout', '') or captured.getvalue()") == "mine\n"
    kernel.run("stop.set(); handle.wait(30)")
    assert kernel.value("handle.logs()") == "begins\nin between\nends\n"
    assert kernel.run("print('back')") == "back\n"


def test_a_redirection_inside_a_task_holds_for_it_alone(kernel: Kernel) -> None:
    kernel.run("""
go, stop = threading.Event(), threading.Event()
def work():
    with contextlib.redirect_stdout(io.StringIO()) as into:
        print("kept"); go.set(); stop.wait(30)
        t = threading.Thread(target=print, args=("kept, too",)); t.start(); t.join()
    print("not kept")
    return into.getvalue()
handle = ja.task(work, show=False).submit()
go.wait(30)
""")
    assert kernel.run("print('outside')") == "outside\n"
    kernel.run("stop.set()")
    assert kernel.value("handle.result(30)") == "kept\nkept, too\n"
    assert kernel.value("handle.logs()") == "not kept\n"


def test_tasks_that_are_submitted_inside_a_capture_are_recorded(kernel: Kernel) -> None:
    kernel.run("%%capture cap\nhandle = ends(lambda: print('both'))")
    assert kernel.value("cap.stdout") == "both\n"
    assert kernel.value("handle.logs()") == "both\n"


def test_a_first_submit_inside_a_capture_leaves_everything_captured(tmp_path: Path) -> None:
    with start_kernel(tmp_path) as fresh:
        fresh.run("""
%%capture cap
import jupyter_agent as ja, threading
go = threading.Event()
def work(): print("one"); go.wait(30); print("two")
first = ja.task(work, show=False).submit()
while "one" not in first.logs(): pass
""")
        fresh.run("go.set(); first.wait(30)")
        assert fresh.value("first.logs()") == "one\ntwo\n"
        assert fresh.value("cap.stdout") == "one\n"
        assert fresh.run("second = ja.task(print, show=False).submit('x'); second.wait(30)") == "x\n"
        assert fresh.value("second.logs()") == "x\n"


def test_what_is_written_to_a_stream_that_was_kept_from_before_is_recorded(kernel: Kernel) -> None:
    kernel.run("handle = ends(lambda: (held.write('kept stream\\n'), print('and now')))")
    assert kernel.value("handle.logs()") == "kept stream\nand now\n"


def test_a_tee_of_the_users_gets_lines_once_and_whole(kernel: Kernel) -> None:
    kernel.run("""
class TeeToList:
    def __init__(self, stream): self.stream, self.seen = stream, []
    def write(self, text): self.seen.append(text); return self.stream.write(text)
    def flush(self): self.stream.flush()
before = sys.stdout
sys.stdout = tee = TeeToList(sys.stdout)
handle = ends(lambda: [print("line", n) for n in range(3)])
sys.stdout = before
""")
    assert kernel.value("handle.logs()") == "line 0\nline 1\nline 2\n"
    assert kernel.value("''.join(tee.seen)") == "line 0\nline 1\nline 2\n"


LOGGING = {
    "print in a handler": """
class Printing(logging.Handler):
    def emit(self, record): print(self.format(record))
add(Printing())
""",
    "RichHandler": """
from rich.logging import RichHandler
add(RichHandler())
""",
    "StreamHandler of a kept stream": "add(logging.StreamHandler(held))",
    "queue": """
import queue, logging.handlers
records = queue.Queue()
add(logging.handlers.QueueHandler(records))
listener = logging.handlers.QueueListener(records, logging.StreamHandler())
listener.start()
""",
}


@pytest.mark.parametrize(
    ("on", "how"),
    [
        *(("thread", how) for how in LOGGING),
        ("process", "RichHandler"),
        ("detached", "StreamHandler of a kept stream"),
    ],
)
def test_a_record_is_kept_once_whatever_its_handler_does(kernel: Kernel, how: str, on: str) -> None:
    kernel.run(f"""
def work():
    import logging, sys
    held = sys.__stderr__
    logger = logging.getLogger("once.{how}")
    logger.propagate = False
    listener = None
    def add(handler): logger.addHandler(handler)
{indent(LOGGING[how], "    ")}
    logger.warning("look")
    if listener: listener.stop()
    logger.handlers.clear()
handle = ends(work, {on!r})
""")
    assert kernel.value("handle.logs()") == "look\n"


def test_logging_that_tqdm_redirects_is_kept_once(kernel: Kernel) -> None:
    kernel.run("""
def work():
    from tqdm import tqdm
    from tqdm.contrib.logging import logging_redirect_tqdm
    logger = logging.getLogger("redirected")
    with logging_redirect_tqdm():
        for n in tqdm(range(3), leave=False): logger.warning("look %d", n)
handle = ends(work)
""")
    assert kernel.value("handle.logs()") == "look 0\nlook 1\nlook 2\n"
