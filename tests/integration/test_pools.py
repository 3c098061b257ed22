"""Executors in other processes: a function runs there as a task, begun once and ended once, whatever dies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.runtime import recovered, run_script

HOW = ["fork", "spawn", "forkserver", "joblib"]

START = """
import logging, os, sys, threading, time
from concurrent.futures import Executor, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
import jupyter_agent as ja

def pool_of(how, size=1):
    if how == "joblib":
        from joblib.externals.loky import get_reusable_executor
        return get_reusable_executor(size)
    return ProcessPoolExecutor(size, mp_context=get_context(how))

def until(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)

def note(path, text):
    with open(path, "a") as file:
        file.write(text)
"""


def run(folder: Path, code: str, how: str = "fork") -> list[dict[str, Any]]:
    """Run *code*, in which ``pool`` is an executor of that kind; all events as the next holder has them."""
    body = code.replace("\n", "\n    ")
    script = f"{START}\nif __name__ == '__main__':\n    how = {how!r}\n    pool = pool_of(how)\n    {body}\n"
    # A killed pool leaves semaphores to multiprocessing's tracker, which says so in a process of its own.
    done = run_script(folder, script, timeout=100)
    assert done.returncode == 0, done.stderr
    return recovered(folder)


def ends(events: list[dict[str, Any]]) -> list[str]:
    states = [event["data"]["state"] for event in events if event["type"] == "state"]
    return [state for state in states if state not in ("queued", "running")]


def texts(events: list[dict[str, Any]]) -> list[str]:
    return [line for e in events if e["type"] == "log" for line in e["data"]["text"].splitlines()]


def by_task(events: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    ids = dict.fromkeys(event["task"] for event in events)
    return [[event for event in events if event["task"] == task] for task in sorted(ids)]


EVERYTHING = """
def work(n):
    from tqdm import tqdm
    context = ja.current()
    print("begin", n)
    for i in tqdm(range(3), desc=f"bar {n}"):
        context.log(f"line {i}")
        logging.getLogger("lib").warning("warned %d", i)
        context.metric("loss", i)
    context.checkpoint({"at": n})
    return n, os.getpid(), context.restore()
found = [ja.task(work, on=pool, show=False).submit(n) for n in range(4)]
values = [handle.result(60) for handle in found]
assert [value[0] for value in values] == [0, 1, 2, 3]
assert [value[2] for value in values] == [{"at": n} for n in range(4)]
assert {value[1] for value in values}.isdisjoint({os.getpid()})
assert [handle.metrics["loss"].value for handle in found] == [2] * 4
assert found[3].progress.done == 3
assert found[3].logs().splitlines()[0] == "begin 3"
pool.shutdown()
"""


@pytest.mark.parametrize("how", HOW)
@pytest.mark.usefixtures("own_environment")
def test_what_a_function_prints_logs_and_measures_in_a_pool_is_there_in_order(
    tmp_path: Path, how: str
) -> None:
    stories = by_task(run(tmp_path, EVERYTHING, how))
    assert len(stories) == 4
    for n, events in enumerate(stories):
        *lines, bar = texts(events)
        assert lines == [f"begin {n}", *(text for i in range(3) for text in (f"line {i}", f"warned {i}"))]
        assert bar.startswith(f"bar {n}: 100%")
        assert [e["data"]["value"] for e in events if e["type"] == "metric"] == [0, 1, 2]
        assert ends(events) == ["completed"]
        assert events[-1]["type"] == "state"
        submitter, *others = dict.fromkeys(event["producer"] for event in events)
        assert len(others) == 1
        assert [e["data"].get("producer") for e in events if e["type"] == "state"][:2] == [None, *others]
        assert submitter not in others
        assert [event.get("flag") for event in events] == [None] * len(events)


TWICE = """
class Twice(Executor):
    '''Calls everything twice, as an engine that repeats what it believes lost; the second call counts.'''
    def submit(self, call):
        pools[0].submit(call)
        return pools[1].submit(call)
pools = [pool, pool_of(how)]
def work(path):
    note(path, "x")
    until(lambda: Path(path + ".go").exists())
    return "done"
paths = [str(Path(__file__).with_name(f"begun-{n}")) for n in range(4)]
found = [ja.task(work, on=Twice(), show=False).submit(path) for path in paths]
for path in paths:
    until(lambda: Path(path).exists())
    note(path + ".go", "")
assert [handle.result(60) for handle in found] == ["done"] * 4
assert [Path(path).read_text() for path in paths] == ["x"] * 4
for one in pools: one.shutdown()
"""


@pytest.mark.usefixtures("own_environment")
def test_an_attempt_that_an_engine_begins_twice_runs_once(tmp_path: Path) -> None:
    stories = by_task(run(tmp_path, TWICE))
    assert [ends(events) for events in stories] == [["completed"]] * 4


FIRST_LOOK = """
class Looks(Executor):
    def submit(self, call):
        print("cloudpickle" in sys.modules)
        future = Future()
        future.set_result(call())
        return future
assert "cloudpickle" not in sys.modules
"""


@pytest.mark.usefixtures("own_environment")
@pytest.mark.parametrize(
    "use",
    [
        "ja.task(len, on=Looks(), show=False).submit('x').result(9)",
        "ja.map(len, ['x'], on=Looks()).result(9)",
    ],
)
def test_what_pickles_a_call_is_imported_before_the_executor_has_it(tmp_path: Path, use: str) -> None:
    """An executor pickles in a thread. A process that is forked while it imports waits for ever."""
    script = START.replace("import Executor,", "import Executor, Future,") + FIRST_LOOK + use
    done = run_script(tmp_path, script)
    assert (done.stdout, done.stderr) == ("True\n", "")


KILLED = """
def work(path, when):
    for n in range(20):
        ja.current().log(f"line {n}")
        note(path, f"line {n}\\n")
    if when == "running" or (when == "once" and ja.current().attempt == 1):
        os.kill(os.getpid(), 9)
    return Bomb() if when == "end" else ja.current().attempt
class Bomb:
    '''Is stored as the result, and kills its process when the executor sends it.'''
    count = 0
    def __reduce__(self):
        Bomb.count += 1
        if Bomb.count > 1 and os.getpid() != first:
            os.kill(os.getpid(), 9)
        return str, ("stored",)
first = os.getpid()
path = str(Path(__file__).with_name("lines"))
def outcome(when, **options):
    handle = ja.task(work, on=pool, show=False, name=when, **options).submit(path, when)
    error = handle.exception(60)
    return error or handle.result()
gone = outcome("running")
assert isinstance(gone, ja.TaskInterrupted), repr(gone)
assert "the process of the pool that ran it ended" in str(gone), str(gone)
assert outcome("once", retries=1) == 2
assert outcome("end") == "stored"
"""


@pytest.mark.usefixtures("own_environment")
def test_a_killed_process_of_a_pool_costs_no_line_and_its_attempt_has_one_end(tmp_path: Path) -> None:
    running, once, end = by_task(run(tmp_path, KILLED))
    assert ends(running) == ["interrupted"]
    assert ends(once) == ["interrupted", "completed"]
    assert ends(end) == ["completed"]
    logged = [text for events in (running, once, end) for text in texts(events)]
    assert logged == (tmp_path / "lines").read_text().splitlines()


NOT_BEGUN = """
def hold(path):
    note(path, "held")
    until(lambda: Path(path + ".go").exists())
def work(path):
    note(path, "ran")
folder = Path(__file__).parent
held, never = str(folder / "held"), str(folder / "never")
task = ja.task(work, on=pool, show=False)
first = ja.task(hold, on=pool, show=False).submit(held)
until(lambda: Path(held).exists())
queued = [task.submit(never) for _ in range(5)]  # more than the pool takes beforehand
for handle in queued[:2]:
    handle.cancel()
pool.shutdown(wait=False, cancel_futures=True)
note(held + ".go", "")
first.result(60)
for handle in queued:
    handle.wait(60)
print([str(handle.state) for handle in queued])
assert [handle.state for handle in queued[:2]] == ["cancelled"] * 2
assert queued[4].state == "cancelled"
ran = [handle.state for handle in queued].count("completed")
assert (Path(never).read_text() if ran else "") == "ran" * ran
"""


@pytest.mark.usefixtures("own_environment")
def test_what_has_not_begun_is_cancelled_alone_and_with_its_executor(tmp_path: Path) -> None:
    stories = by_task(run(tmp_path, NOT_BEGUN))
    assert all(len(ends(events)) == 1 for events in stories)


STOPPED = """
def sleep(path):
    try:
        note(path, "x")
        time.sleep(600)
    finally:
        print("cleaned up")
def compute(path):
    import hashlib
    note(path, "x")
    hashlib.pbkdf2_hmac("sha512", b"x", b"y", 8_000_000)  # C code: nothing can be raised in it
    note(path, "y")
def after(): return ja.current().ask("go on?")
def begun(function, name, **options):
    path = str(Path(__file__).with_name(name))
    handle = ja.task(function, on=pool, show=False, name=name, **options).submit(path)
    until(lambda: Path(path).exists() and Path(path).read_text())
    return handle
asleep = begun(sleep, "sleep")
asleep.cancel()
asleep.wait(20)
busy = begun(compute, "compute", grace=0.1)
busy.cancel()
busy.wait(60)
assert Path(__file__).with_name("compute").read_text() == "x"
asks = ja.task(after, on=pool, show=False, name="ask").submit()
until(lambda: asks.prompt is not None)
asks.send("yes")
assert asks.result(20) == "yes"
slow = ja.task(sleep, on=pool, show=False, timeout=0.2).submit(str(Path(__file__).with_name("slow")))
assert isinstance(slow.exception(20), ja.TaskTimeout)
pool.shutdown()
"""


@pytest.mark.usefixtures("own_environment")
def test_a_cancel_raises_there_and_says_what_it_cannot_stop(tmp_path: Path) -> None:
    sleep, compute, ask, slow = by_task(run(tmp_path, STOPPED))
    assert (ends(sleep), texts(sleep)) == (["cancelled"], ["cleaned up"])
    assert ends(compute) == ["cancelled"]
    said = [e["data"].get("note") for e in compute if e["type"] == "stopping"]
    assert any(note and "a process of a pool is not killed" in note for note in said), json.dumps(compute)
    assert (ends(ask), ends(slow)) == (["completed"], ["failed"])


AT_EXIT = """
def work(path, n):
    note(path, f"{n} ")
path = str(Path(__file__).with_name("ran"))  # at the exit the name is gone
found = [ja.task(work, on=pool, show=False).submit(path, n) for n in range(4)]
"""


@pytest.mark.parametrize("how", ["fork", "spawn"])
@pytest.mark.usefixtures("own_environment")
def test_a_script_that_waits_for_its_pool_at_the_exit_alone_completes_all(tmp_path: Path, how: str) -> None:
    stories = by_task(run(tmp_path, AT_EXIT, how))
    assert [ends(events) for events in stories] == [["completed"]] * 4
    assert sorted((tmp_path / "ran").read_text().split()) == ["0", "1", "2", "3"]


EARLY = """
import jupyter_agent.worker.pool.call as call
run_attempt = call.run_attempt
def run_cancelled(attempt, *rest):
    until(lambda: attempt.task.fold.cancel_requested)
    run_attempt(attempt, *rest)
call.run_attempt = run_cancelled
handle = ja.task(time.sleep, on=pool, show=False).submit(600)
until(lambda: handle.state != "queued")
handle.cancel()
assert isinstance(handle.exception(60), ja.TaskCancelled)
pool.shutdown()
"""


@pytest.mark.usefixtures("own_environment")
def test_a_cancel_before_the_claim_is_out_ends_an_attempt_that_is_claimed(tmp_path: Path) -> None:
    (events,) = by_task(run(tmp_path, EARLY))
    states = [event["data"] for event in events if event["type"] == "state"]
    assert [state["state"] for state in states] == ["queued", "running", "cancelled"]
    assert states[1]["producer"] == events[-1]["producer"]


NO_DESCRIPTORS = """
import errno, socket
from jupyter_agent.runtime.engines.pool import link_server
accept, refused = socket.socket.accept, []
def refuse_once(self):
    if not refused:
        refused.append(self)
        raise OSError(errno.EMFILE, "Too many open files")
    return accept(self)
socket.socket.accept = refuse_once
link_server.log.disabled = True
assert ja.task(os.getpid, on=pool, show=False).submit().result(60) != os.getpid()
assert refused
pool.shutdown()
"""


@pytest.mark.usefixtures("own_environment")
def test_a_process_that_could_not_be_reached_for_want_of_descriptors_is_reached_later(tmp_path: Path) -> None:
    (events,) = by_task(run(tmp_path, NO_DESCRIPTORS, "spawn"))
    assert ends(events) == ["completed"]
