"""A notebook's stop button, and Ctrl-C: how long a cell or a tracked loop may clean up, and what is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jupyter_agent.core.events import State, Stopping, decode_data
from tests.support.local_kernel import Kernel
from tests.support.runtime import run_script, spooled, until

IN_CELL = "%%task cell\ntry:\n    print('in')\n    time.sleep(600)\nfinally:\n    clean_up()"
IN_LOOP = (
    "for _ in ja.track(range(9), name='loop'):\n    try:\n        print('in')\n        time.sleep(600)\n"
    "    finally:\n        clean_up()"
)
AWAITS = (
    "%%task awaits\ntry:\n    print('in')\n    await asyncio.sleep(600)\n"
    "finally:\n    while not over.exists():\n        await asyncio.sleep(.01)\n    print('saved')"
)
AWAITS_IN_LOOP = (
    "for _ in ja.track(range(9), name='awaits in a loop'):\n    try:\n        print('in')\n"
    "        await asyncio.sleep(600)\n"
    "    finally:\n        while not over.exists():\n            await asyncio.sleep(.01)\n"
    "        print('saved')"
)
GOES_ON = """%%task goes-on
try:
    print('in')
    time.sleep(600)
except KeyboardInterrupt:
    while not over.exists():
        time.sleep(.01)
while not later.exists():
    time.sleep(.01)
"""
THEN_FAILS = """
for n in ja.track(range(2), name='then fails'):
    if n == 1:
        raise ValueError('mine')
    try:
        print('in')
        time.sleep(600)
    except KeyboardInterrupt:
        [task] = [one for one in local_tasks.all() if one.options.name == 'then fails']
        while task.fold.stopping is None:
            time.sleep(.01)
    while task.fold.stopping is not None:
        time.sleep(.01)
"""
STOPPED_AGAIN = """%%task again
threading.Thread(target=stop_now).start()
try:
    print('in')
    time.sleep(600)
finally:
    time.sleep(600)
"""
TOO_LONG = "%%task long --grace 1\ntry:\n    print('in')\n    time.sleep(600)\nfinally:\n    time.sleep(600)"


def prepare(kernel: Kernel, folder: Path) -> None:
    kernel.cell(
        "import pathlib\n"
        "from jupyter_agent.runtime.local_task import local_tasks\n"
        f"over, later = pathlib.Path({str(folder / 'over')!r}), pathlib.Path({str(folder / 'later')!r})\n"
        "def clean_up():\n    while not over.exists():\n        time.sleep(.01)\n    print('saved')\n"
        "def stop_now():\n"
        "    [task] = [one for one in local_tasks.all() if one.options.name == 'again']\n"
        "    while task.fold.stopping is None:\n        time.sleep(.01)\n"
        "    task.cancel()\n"
    )


def press(kernel: Kernel, code: str) -> str:
    """Run *code*, and press the stop button when it has printed; the request."""
    request = kernel.start_cell(code)
    kernel.wait_for(lambda m: m["content"].get("text") == "in\n" and m["parent_header"]["msg_id"] == request)
    kernel.manager.interrupt_kernel()
    return request


def said(folder: Path, kind: str) -> list[Any]:
    """What the newest task has said."""
    events = spooled(folder)
    return [decode_data(one) for one in events if one.task == events[-1].task and one.type == kind]


def ended(folder: Path) -> tuple[str, str | None]:
    end = said(folder, "state")[-1]
    assert isinstance(end, State)
    return end.state.value, end.reason


def test_it_shows_that_a_task_cleans_up_and_how_long_it_may(kernel: Kernel, tmp_path: Path) -> None:
    prepare(kernel, tmp_path)
    for code in (IN_CELL, IN_LOOP, AWAITS, AWAITS_IN_LOOP):
        request = press(kernel, code)
        until(lambda: said(tmp_path, "stopping"))
        (tmp_path / "over").touch()
        assert kernel.reply(request, 60)["status"] == "error"
        assert kernel.text_of(request) == "in\nsaved\n"
        first = said(tmp_path, "stopping")[0]
        assert isinstance(first, Stopping)
        assert (first.why, first.note) == ("cancel", "interrupted from the keyboard")
        assert first.seconds is not None
        assert 0 < first.seconds < 15
        assert ended(tmp_path)[0] == "cancelled"
        (tmp_path / "over").unlink()


def test_code_that_catches_it_goes_on_and_ends_as_it_does(kernel: Kernel, tmp_path: Path) -> None:
    prepare(kernel, tmp_path)
    request = press(kernel, GOES_ON)
    until(lambda: said(tmp_path, "stopping"))
    (tmp_path / "over").touch()
    until(lambda: said(tmp_path, "stopping")[-1].resumed)
    (tmp_path / "later").touch()
    assert kernel.reply(request, 60)["status"] == "ok"
    assert ended(tmp_path) == ("completed", None)
    assert kernel.reply(press(kernel, THEN_FAILS), 60)["ename"] == "ValueError"
    assert ended(tmp_path) == ("failed", None)


def test_a_clean_up_ends_with_the_grace_or_a_cancel(kernel: Kernel, tmp_path: Path) -> None:
    prepare(kernel, tmp_path)
    assert kernel.reply(press(kernel, TOO_LONG), 60)["ename"] == "Stopped"
    assert ended(tmp_path) == ("cancelled", "did not stop in 1 s")
    assert kernel.reply(press(kernel, STOPPED_AGAIN), 60)["ename"] == "Stopped"
    assert ended(tmp_path) == ("cancelled", "stopped by a second cancel")


def test_a_cancel_reaches_code_that_has_its_own_handler(tmp_path: Path) -> None:
    done = run_script(
        tmp_path,
        "import signal, threading, time\n"
        "import jupyter_agent as ja\n"
        "from jupyter_agent.runtime.local_task import local_tasks\n"
        "def loop(handler):\n"
        "    for n in ja.track(range(100)):\n"
        "        if n == 0:\n"
        "            signal.signal(signal.SIGINT, handler)\n"
        "            threading.Thread(target=local_tasks.all()[-1].cancel).start()\n"
        "        end = time.monotonic() + 600\n"
        "        while time.monotonic() < end:\n            pass\n"
        "for handler in (signal.SIG_DFL, signal.SIG_IGN, lambda *_: print('mine')):\n"
        "    try:\n        loop(handler)\n"
        "    except ja.TaskCancelled:\n        print(local_tasks.all()[-1].fold.state.value)\n",
    )
    assert done.stdout == "cancelled\n" * 3


def test_a_cancel_that_comes_while_a_loop_begins_ends_it(tmp_path: Path) -> None:
    done = run_script(
        tmp_path,
        "import os, time\n"
        "import jupyter_agent as ja\n"
        "from jupyter_agent.notebook.progress import tracked_loop\n"
        "from jupyter_agent.runtime.local_task import local_tasks\n"
        "os.environ['JUPYTER_AGENT_GRACE'] = '600'  # at the end of which it would be ended anyway\n"
        "def cancel(*_):\n    local_tasks.all()[-1].cancel()\n"
        "tracked_loop.show_bar = cancel  # shown before it can be interrupted\n"
        "try:\n"
        "    for n in ja.track(range(9)):\n        time.sleep(600)\n"
        "except ja.TaskCancelled:\n    print(local_tasks.all()[-1].fold.state.value)\n",
    )
    assert done.stdout == "cancelled\n"


def test_a_cancel_of_code_with_its_own_handler_leaves_the_loop_around_it(tmp_path: Path) -> None:
    done = run_script(
        tmp_path,
        "import asyncio, signal, threading\n"
        "import jupyter_agent as ja\n"
        "from jupyter_agent.runtime.local_task import local_tasks\n"
        "loop = asyncio.new_event_loop()\n"
        "asyncio.set_event_loop(loop)\n"
        "around = loop.create_future()\n"
        "async def waits():\n"
        "    asyncio.get_running_loop().call_later(.2, threading.Thread(target=cancel).start)\n"
        "    await asyncio.sleep(600)\n"
        "def cancel():\n    local_tasks.all()[-1].cancel()\n"
        "def cell():\n"
        "    try:\n"
        "        for _ in ja.track(range(3)):\n"
        "            signal.signal(signal.SIGINT, lambda *_: None)\n"
        "            ja.run(waits())\n"
        "    except asyncio.CancelledError:\n"
        "        around.set_result('goes on')\n"
        "loop.call_soon(cell)\n"
        "print(loop.run_until_complete(around))\n"
        "print(local_tasks.all()[-1].fold.state.value)\n",
    )
    assert done.stdout == "goes on\ncancelled\n", done.stderr
