"""In a real kernel: tracked loops that await are cancelled as asyncio cancels, and the kernel lives."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_agent.core.events import Event, State, decode_data
from tests.support.local_kernel import Kernel
from tests.support.runtime import spooled, until

LOOP = (
    "async def loop(name, pause=0.02):\n"
    "    for i in ja.track(range(4000), name=name):\n"
    "        await asyncio.sleep(pause)\n"
    "def task(name):\n"
    "    (found,) = [one for one in ja.tasks(name=name)]\n"
    "    return found\n"
    "async def when(true):\n"
    "    while not true():\n"
    "        await asyncio.sleep(0.01)\n"
    "async def running(*names):\n"
    "    await when(lambda: all(any(t.state == 'running' for t in ja.tasks(name=n)) for n in names))\n"
    "def soon(name='a'):\n"
    "    def cancel():\n"
    "        while not any(one.progress for one in ja.tasks(name=name)):\n"
    "            time.sleep(0.01)\n"
    "        task(name).cancel()\n"
    "    threading.Thread(target=cancel).start()\n"
    "kept = 'kept'\n"
)


@pytest.fixture
def loops(kernel: Kernel) -> Kernel:
    kernel.cell("import signal\n" + LOOP)
    return kernel


def ends(folder: Path) -> dict[str, str]:
    """The last state of each task that the kernel has run, by name."""
    names: dict[str, str] = {}
    found: dict[str, str] = {}
    for event in state_events(folder):
        data = decode_data(event)
        assert isinstance(data, State)
        names[event.task] = data.about.name if data.about else names[event.task]
        found[names[event.task]] = data.state.value
    return found


def state_events(folder: Path) -> list[Event]:
    return [event for event in spooled(folder) if event.type == "state"]


def value(kernel: Kernel, expression: str) -> str:
    """What *expression* prints in a cell; fails when the kernel is gone or the cell raises."""
    request = kernel.start_cell(f"print({expression})")
    assert kernel.reply(request)["status"] == "ok"
    return kernel.text_of(request).strip()


def assert_alive(kernel: Kernel) -> None:
    """The kernel lives, keeps its variables, and has its own SIGINT handler back."""
    assert value(kernel, "kept") == "kept"
    assert value(kernel, "signal.getsignal(signal.SIGINT) is signal.default_int_handler") == "True"
    assert value(kernel, "ja.current().id == ''") == "True"
    assert kernel.manager.is_alive()


CANCELS = {
    "in the cell": (
        "soon()\n"
        "for i in ja.track(range(4000), name='a'):\n    await asyncio.sleep(.02)"
    ),
    "in a function": "soon()\nawait loop('a')",
    "in wait_for": "soon()\nawait asyncio.wait_for(loop('a'), 60)",
    "in a task group": "soon()\nasync with asyncio.TaskGroup() as g:\n    g.create_task(loop('a'))",
    "in a generator": (
        "def items():\n    for i in ja.track(range(4000), name='a'):\n        yield i\n"
        "soon()\nfor i in items():\n    await asyncio.sleep(.02)"
    ),
    "in a comprehension": (
        "soon()\n[await asyncio.sleep(.02) for i in ja.track(range(4000), name='a')]"
    ),
    "while it blocks": (
        "soon()\nawait asyncio.sleep(0)\n"
        "for i in ja.track(range(4000), name='a'):\n    time.sleep(30)"
    ),
    "in a nested run": (
        "soon()\nfor i in ja.track(range(4000), name='a'):\n    ja.run(asyncio.sleep(.02))"
    ),
}  # fmt: skip


@pytest.mark.parametrize("where", CANCELS)
def test_a_cancelled_loop_that_awaits_leaves_the_kernel_alive(
    where: str, loops: Kernel, tmp_path: Path
) -> None:
    reply = loops.cell(CANCELS[where])
    assert where == "in a task group" or reply["status"] == "error"
    until(lambda: ends(tmp_path) == {"a": "cancelled"})
    assert_alive(loops)


def test_the_stop_button_cancels_a_loop_that_awaits(loops: Kernel, tmp_path: Path) -> None:
    request = loops.start_cell("await loop('a')")
    until(lambda: ends(tmp_path) == {"a": "running"})
    loops.manager.interrupt_kernel()
    assert loops.reply(request)["status"] == "error"
    until(lambda: ends(tmp_path) == {"a": "cancelled"})
    assert_alive(loops)


def test_a_cancel_hits_only_the_asyncio_task_that_runs_the_loop(loops: Kernel, tmp_path: Path) -> None:
    loops.cell("one, two = asyncio.create_task(loop('a')), asyncio.create_task(loop('b'))")
    loops.cell("await running('a', 'b')")
    request = loops.start_cell(
        "task('a').cancel()\nawait when(one.done)\nprint(one.cancelled(), two.done())\ntask('b').cancel()\n"
        "await when(two.done)\nprint(two.cancelled())"
    )
    assert loops.reply(request)["status"] == "ok"
    assert loops.text_of(request) == "True False\nTrue\n"
    until(lambda: ends(tmp_path) == {"a": "cancelled", "b": "cancelled"})
    assert_alive(loops)


def test_a_cancel_of_a_background_loop_spares_a_cell_that_blocks(loops: Kernel, tmp_path: Path) -> None:
    loops.cell("one = asyncio.create_task(loop('a'))")
    loops.cell("await running('a')")
    request = loops.start_cell("task('a').cancel()\ntime.sleep(.5)\nprint('whole')")
    assert loops.reply(request)["status"] == "ok"
    assert loops.text_of(request) == "whole\n"
    until(lambda: ends(tmp_path) == {"a": "cancelled"})
    assert_alive(loops)


def test_two_loops_in_gather_give_the_signal_back(loops: Kernel, tmp_path: Path) -> None:
    loops.cell(
        "async def short(n):\n    for i in ja.track(range(n), name=str(n)):\n        await asyncio.sleep(.01)"
    )
    assert loops.cell("await asyncio.gather(short(3), short(9), short(5))")["status"] == "ok"
    assert set(ends(tmp_path).values()) == {"completed"}
    assert_alive(loops)
    request = loops.start_cell("print('in')\ntime.sleep(30)")
    loops.wait_for(lambda m: m["content"].get("text") == "in\n")
    loops.manager.interrupt_kernel()
    assert loops.reply(request)["ename"] == "KeyboardInterrupt"


AWAITS_WHAT_IS_CANCELLED = (
    "f = asyncio.get_running_loop().create_future()\nf.cancel()\nasync def wait():\n"
    "    for i in ja.track([1], name='a'):\n        await f\nt = asyncio.create_task(wait())\n"
    "await asyncio.wait([t])\nassert t.cancelled()"
)


@pytest.mark.parametrize(
    "code",
    [
        "t = asyncio.create_task(loop('a'))\nawait running('a')\nt.cancel()",
        "try:\n    await asyncio.wait_for(loop('a'), .3)\nexcept TimeoutError:\n    pass",
        "try:\n    async with asyncio.timeout(.3):\n        await loop('a')\nexcept TimeoutError:\n    pass",
        AWAITS_WHAT_IS_CANCELLED,
    ],
)
def test_a_loop_that_asyncio_cancels_is_cancelled(code: str, loops: Kernel, tmp_path: Path) -> None:
    assert loops.cell(code)["status"] == "ok"
    until(lambda: ends(tmp_path) == {"a": "cancelled"})
    assert_alive(loops)


def test_an_exit_in_a_task_on_the_loop_leaves_the_kernel_alive(loops: Kernel, tmp_path: Path) -> None:
    loops.cell("import sys\nasync def a():\n    sys.exit(3)\nh = ja.task(a, on='loop', show=False).submit()")
    until(lambda: ends(tmp_path) == {"a": "failed"})
    assert_alive(loops)
