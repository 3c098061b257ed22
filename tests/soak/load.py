"""Code in the kernels of a soak: every kind of task, repeatedly, as a control file says.

The file says ``run``, ``rest`` (finish what runs, start nothing) or ``stop``. At rest each kernel writes
what it has emitted, and what it holds, into its ledger, once a second. One task in thirty has a view, which
its kernel keeps.
"""

from __future__ import annotations

CELL = """
import ctypes, gc, json, os, threading, time
import jupyter_agent as ja
import psutil
from IPython.display import Markdown
from jupyter_agent.producer.producer import current_producer

@ja.task(name="trains", tags=("soak",), show=False)
def trains(steps):
    for step in ja.track(range(steps)):
        print("step", step)
        ja.current().metric(f"loss-{step % 8}", 1 / (step + 1), step)
        if step % 10 == 0:
            ja.current().display(Markdown(f"**{step}** of {steps}"))
            ja.current().log(f"{step} done", "warning")
        time.sleep(0.1)
    ja.current().checkpoint({"step": steps})
    return list(range(steps))

@ja.task(name="stumbles", retries=1, show=False)
def stumbles():
    print("attempt", ja.current().attempt)
    if ja.current().attempt % 2:
        raise ValueError("the first attempt never works")

@ja.task(name="waits", show=False)
def waits():
    until = time.monotonic() + 15
    while time.monotonic() < until:
        ja.current().raise_if_cancelled()
        time.sleep(0.05)

@ja.task(name="asks", show=False)
def asks():
    message = ja.current().say("I would ", stream=None)
    for word in ("like ", "to ", "know"):
        ja.current().say(word, stream=message)
    try:
        return ja.current().ask("go on?", ["yes", "no"], timeout=10)
    except TimeoutError:
        return "nobody"

@ja.task(name="fails", show=False)
def fails():
    raise RuntimeError("as it should")

def square(number):
    return number * number

def some_task(turn):
    kinds = [lambda: trains.submit(15), stumbles.submit, waits.submit, asks.submit, fails.submit]
    if turn % 60 == 20:
        return ja.map(square, range(20), name="maps")
    if turn % 60 == 30:
        return ja.task(square, name="elsewhere", on="process", show=False).submit(7)
    if turn % 60 == 40:
        return trains.options(name="shown", show=True).submit(3)
    return kinds[turn % len(kinds)]()

def descriptors():
    return len(os.listdir("/dev/fd"))

def rss():
    free = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if free is not None:
        free(0)
    return psutil.Process().memory_info().rss

def soak(control, ledger, at_once=3):
    turn, running, told = 0, [], 0.0
    while (word := open(control).read()) != "stop" or running:
        running = [task for task in running if not task.state.ended]
        if word == "run" and len(running) < at_once:
            running.append(some_task(turn))
            turn += 1
        elif not running and time.monotonic() - told > 1:
            tell(ledger, turn)
            told = time.monotonic()
        time.sleep(0.05)
    tell(ledger, turn)

def tell(ledger, turn):
    gc.collect()
    producer = current_producer()
    producer.flush(10)
    told = {"producer": producer.id, "last": producer.spool.last, "turns": turn, "at": time.time(),
            "rss": rss(), "threads": threading.active_count(), "descriptors": descriptors()}
    with open(ledger + ".new", "w") as file:
        json.dump(told, file)
    os.replace(ledger + ".new", ledger)
"""

STREAMER = """
import sys, time
from jupyter_agent.core.events import About, Log, Result, State, TaskState
from jupyter_agent.system.ids import new_id
from jupyter_agent.producer.producer import current_producer

producer, task = current_producer(), new_id()
producer.add_sampler(task, lambda: None)
producer.emit(task, 1, "state", State(TaskState.QUEUED, about=About("streams")))
producer.emit(task, 1, "state", State(TaskState.RUNNING))
number = 0
while open(sys.argv[1]).read() == "run":
    producer.emit(task, 1, "log", Log("stdout", f"line {number}\\n"))
    number += 1
    time.sleep(0.02)
producer.emit(task, 1, "state", State(TaskState.COMPLETED, result=Result("None", False)))
"""
"""A script of the same user that streams lines until the control file says something else."""
