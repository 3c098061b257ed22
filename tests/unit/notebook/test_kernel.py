"""In a real kernel: where output appears, what stops a cell, and the kernel's event loop."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from jupyter_agent.core.events import State, decode_data
from tests.support.local_kernel import Kernel, of
from tests.support.runtime import recovered, spooled, until


def task_states(folder: Path) -> list[str]:
    found = [decode_data(event) for event in spooled(folder) if event.type == "state"]
    return [data.state.value for data in found if isinstance(data, State)]


def test_what_a_thread_prints_appears_under_the_cell_that_started_it(kernel: Kernel) -> None:
    first = kernel.start_cell(
        "go = threading.Event()\n"
        "def work():\n    go.wait()\n    print('from the task')\n"
        "h = ja.task(work, show=False).submit()"
    )
    kernel.reply(first)
    kernel.cell("print('the second cell')")
    kernel.cell("go.set(); h.result()")
    kernel.wait_for(
        lambda m: m["msg_type"] == "stream" and "from the task" in m["content"]["text"] and of(m, first)
    )
    assert kernel.text_of(first) == "from the task\n"


def test_a_tracked_loop_shows_a_slim_view_and_no_bar(kernel: Kernel) -> None:
    request = kernel.start_cell("for _ in ja.track(range(3), name='loop'):\n    time.sleep(0.2)")
    assert kernel.reply(request)["status"] == "ok"
    (content,) = [m["content"] for m in kernel.messages if m["msg_type"] == "display_data" and of(m, request)]
    mime = "application/vnd.jupyter-agent.task.v1+json"
    assert content["metadata"][mime]["slim"] is True
    assert content["metadata"][mime]["snapshot"]["name"] == "loop"
    assert content["data"][mime] == {"v": 1}
    assert kernel.text_of(request) == ""


def last_html(kernel: Kernel, request: str) -> str:
    """Wait for the end of a cell; return the static HTML of its task, as it was updated then."""
    assert kernel.reply(request)["status"] == "ok"
    update = kernel.wait_for(lambda m: m["msg_type"] == "update_display_data")
    return str(update["content"]["data"]["text/html"])


def test_the_static_html_of_a_headless_kernel_has_the_end_of_the_log(kernel: Kernel) -> None:
    request = kernel.start_cell(
        "def work():\n"
        "    for n in range(30): print('line', n, 'of', '<30>')\n"
        "    ja.current().log('the last')\n"
        "ja.submit(work).wait()"
    )
    last = last_html(kernel, request)
    assert "line 18 " not in last
    assert "line 19 of &lt;30&gt;\nline 20 " in last
    assert "line 29 of &lt;30&gt;\nthe last" in last


def test_a_task_that_ends_between_two_cells_is_pictured_in_the_next_one(
    kernel: Kernel, tmp_path: Path
) -> None:
    """nbclient drops what comes when no cell runs."""
    os.mkfifo(tmp_path / "go")
    kernel.cell(f"task = ja.submit(open, {str(tmp_path / 'go')!r}, 'rb')")
    (tmp_path / "go").write_bytes(b"")
    kernel.wait_for(lambda m: m["msg_type"] == "update_display_data")
    request = kernel.start_cell("pass")
    kernel.reply(request)
    (update,) = [
        m["content"]["data"]["text/html"]
        for m in kernel.messages
        if m["msg_type"] == "update_display_data" and of(m, request)
    ]
    assert "completed" in update


def test_the_static_html_of_a_headless_kernel_is_of_the_last_attempt(kernel: Kernel) -> None:
    request = kernel.start_cell(
        "def work():\n"
        "    print('in attempt', ja.current().attempt)\n"
        "    assert ja.current().attempt == 2\n"
        "ja.task(work, retries=1).submit().wait()"
    )
    last = last_html(kernel, request)
    assert "in attempt 2" in last
    assert "in attempt 1" not in last


def test_the_static_html_of_a_headless_kernel_draws_the_metrics_of_the_last_attempt(kernel: Kernel) -> None:
    request = kernel.start_cell(
        "def work():\n"
        "    for n in range(5): ja.current().metric(f'loss {ja.current().attempt}', 1 / (n + 1), n)\n"
        "    assert ja.current().attempt == 2\n"
        "ja.task(work, retries=1).submit().wait()"
    )
    last = last_html(kernel, request)
    assert last.count("<polyline ") == 1
    assert 'aria-label="Plot of loss 2"' in last
    assert "best 0.2 at 4" in last


def test_a_cell_as_a_task_shows_its_value_and_shares_its_variables(kernel: Kernel, tmp_path: Path) -> None:
    request = kernel.start_cell("%%task train\nx = 20\nprint('inside')\nx + 1")
    assert kernel.reply(request)["status"] == "ok"
    content = kernel.wait_for(lambda m: m["msg_type"] == "execute_result" and of(m, request))
    assert content["content"]["data"]["text/plain"] == "21"
    assert kernel.text_of(request) == "inside\n"
    assert kernel.cell("assert x == 20; y = _ + x")["status"] == "ok"
    assert task_states(tmp_path) == ["queued", "running", "completed"]


def test_a_cell_that_raises_fails_the_task_and_the_cell(kernel: Kernel, tmp_path: Path) -> None:
    reply = kernel.cell("%%task\nraise ValueError('no')")
    assert (reply["status"], reply["ename"], reply["evalue"]) == ("error", "ValueError", "no")
    assert task_states(tmp_path)[-1] == "failed"


def running(folder: Path) -> bool:
    return (folder / "agent" / "spools").is_dir() and task_states(folder)[-1:] == ["running"]


def test_the_stop_button_cancels_a_cell_with_one_line(kernel: Kernel, tmp_path: Path) -> None:
    request = kernel.start_cell("%%task long\nimport time\ntime.sleep(60)")
    until(lambda: running(tmp_path))
    kernel.manager.interrupt_kernel()
    reply = kernel.reply(request, 10)
    assert reply["status"] == "error"
    assert reply["traceback"] == ["TaskCancelled: task long was cancelled"]
    assert task_states(tmp_path) == ["queued", "running", "cancelled"]
    assert kernel.cell("1")["status"] == "ok"


CANCEL_BY_COMMAND = """
from jupyter_agent.protocol.messages import CommandOrder
from jupyter_agent.runtime.local_task import local_tasks
from jupyter_agent.producer.producer import current_producer
def command():
    while not local_tasks.all() or local_tasks.all()[-1].fold.state != "running":
        time.sleep(0.01)
    time.sleep(0.2)
    current_producer().command(CommandOrder(1, local_tasks.all()[-1].id, 1, "cancel"))
threading.Thread(target=command).start()
"""


@pytest.mark.parametrize(
    "code", ["%%task long\ntime.sleep(60)", "for i in ja.track(range(5), name='long'):\n    time.sleep(60)"]
)
def test_a_command_cancels_a_cell_that_blocks(code: str, kernel: Kernel, tmp_path: Path) -> None:
    kernel.cell(CANCEL_BY_COMMAND)
    start = time.monotonic()
    reply = kernel.cell(code)
    assert time.monotonic() - start < 10
    assert reply["status"] == "error"
    assert len(reply["traceback"]) == 1
    until(lambda: task_states(tmp_path) == ["queued", "running", "cancelled"])
    assert kernel.cell("1")["status"] == "ok"


def test_the_stop_button_while_waiting_for_a_result_leaves_the_task_running(kernel: Kernel) -> None:
    kernel.cell("go = threading.Event()\nh = ja.task(go.wait, show=False).submit()")
    request = kernel.start_cell("print('waiting', flush=True)\nh.result()")
    kernel.wait_for(lambda m: m["msg_type"] == "stream" and "waiting" in m["content"]["text"])
    kernel.manager.interrupt_kernel()
    assert kernel.reply(request, 10)["ename"] == "KeyboardInterrupt"
    assert kernel.cell("assert h.state == 'running'; go.set(); assert h.result() is True")["status"] == "ok"


def test_an_exception_in_a_tracked_cell_fails_its_task(kernel: Kernel, tmp_path: Path) -> None:
    for code in (
        "for i in ja.track(range(3)):\n    {}[i]",
        "loop = ja.track(range(3))\nfor i in loop:\n    {}[i]",
        "def f():\n    for i in ja.track(range(3)):\n        {}[i]\nf()",
    ):
        assert kernel.cell(code)["ename"] == "KeyError"
    ends = [decode_data(e) for e in spooled(tmp_path) if e.type == "state"][2::3]
    assert [(e.state, e.error and e.error.type) for e in ends if isinstance(e, State)] == [
        ("failed", "KeyError")
    ] * 3


COROUTINE = "async def work(n):\n    await asyncio.sleep(0.01)\n    print('on the loop')\n    return n\n"


@pytest.mark.parametrize(
    "patch", ["", "import nest_asyncio; nest_asyncio.apply()", "import nest_asyncio2; nest_asyncio2.apply()"]
)
def test_a_coroutine_task_runs_on_the_kernels_loop(patch: str, kernel: Kernel) -> None:
    kernel.cell(patch)
    kernel.cell(COROUTINE + "h = ja.task(work, on='loop', show=False).submit(5)")
    assert kernel.cell("assert await h == 5")["status"] == "ok"
    kernel.cell("h = ja.task(work, on='loop', show=False).submit(6)\nassert h.result(10) == 6")
    reply = kernel.cell("h = ja.task(work, on='loop', show=False).submit(6)\nassert h.result(10) == 6")
    assert reply["status"] == "ok", reply
    reply = kernel.cell("assert ja.run(work(7)) == 7")
    assert reply["status"] == "ok", reply


def test_cells_queued_during_a_nested_run_still_run(kernel: Kernel) -> None:
    kernel.cell(COROUTINE)
    requests = [kernel.start_cell(f"assert ja.run(work({n})) == {n}") for n in range(5)]
    assert [kernel.reply(request)["status"] for request in requests] == ["ok"] * 5


def test_a_coroutine_task_is_cancelled_where_it_awaits(kernel: Kernel) -> None:
    reply = kernel.cell(
        "h = ja.task(asyncio.sleep, on='loop', show=False).submit(60)\n"
        "await asyncio.sleep(0.05)\nh.cancel()\n"
        "try:\n    await h\nexcept ja.TaskCancelled:\n    print('cancelled')\n"
    )
    assert reply["status"] == "ok", reply


def test_a_task_knows_its_kernel_and_cell(kernel: Kernel, tmp_path: Path) -> None:
    message = kernel.client.session.msg(
        "execute_request",
        {"code": "ja.task(print, show=False).submit().wait()", "silent": False, "store_history": True},
        metadata={"cellId": "cell-7"},
    )
    kernel.client.shell_channel.send(message)
    assert kernel.reply(message["header"]["msg_id"])["status"] == "ok"
    data = decode_data(spooled(tmp_path)[0])
    assert isinstance(data, State)
    assert data.about is not None
    assert data.about.cell == "cell-7"
    assert data.about.kernel == Path(kernel.manager.connection_file).stem.removeprefix("kernel-")


def test_what_ends_with_the_kernel_is_interrupted(kernel: Kernel, tmp_path: Path) -> None:
    kernel.cell("h = ja.task(time.sleep, show=False).submit(60)")
    until(lambda: running(tmp_path))
    kernel.client.shutdown()
    ended = {"state": "interrupted", "reason": "its kernel was shut down"}
    until(lambda: recovered(tmp_path)[-1]["data"] == ended)


def test_a_view_is_shown_once_in_a_cell_and_its_text_never_changes(kernel: Kernel) -> None:
    def views(code: str) -> list[str]:
        request = kernel.start_cell(code)
        assert kernel.reply(request)["status"] == "ok"
        kinds = ("display_data", "execute_result")
        return [
            m["content"]["data"]["text/plain"]
            for m in kernel.messages
            if of(m, request) and m["msg_type"] in kinds
        ]

    assert views("h = ja.task(print, name='train').submit('x')\nh") == ["<Task train>"]
    assert views("h.wait()\nh") == ["<Task train>"]
    assert views("ja.task(print, name='quiet', show=False).submit('x')") == ["<Task quiet>"]
    assert views("h = ja.task(print, name='quiet', show=False).submit('x')") == []


def test_what_a_quick_task_prints_comes_below_its_view(kernel: Kernel) -> None:
    request = kernel.start_cell("h = ja.task(print, name='quick').submit('hello')\nh.wait()")
    assert kernel.reply(request)["status"] == "ok"
    kernel.wait_for(lambda m: m["msg_type"] == "stream" and of(m, request))
    kinds = [m["msg_type"] for m in kernel.messages if of(m, request)]
    assert kinds.index("display_data") < kinds.index("stream")
