"""The MIME bundle, the static HTML, and the copy that the kernel keeps for its widget."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from jupyter_agent.core.events import Error, Log, Result, TaskState
from jupyter_agent.core.snapshots import MetricPoint, ProgressSnapshot
from jupyter_agent.core.task import Task
from jupyter_agent.errors import NotNow
from jupyter_agent.notebook.display import bundle
from jupyter_agent.notebook.display.widget_sync import DRAW_TIMEOUT, IdleTime, View, WidgetSync
from jupyter_agent.rendering.curves import Curve
from jupyter_agent.rendering.html import html, start_html
from jupyter_agent.runtime import origin
from jupyter_agent.system.ids import new_id

MIME = bundle.MIME


@dataclass
class Handle:
    task: Task
    name: str = "train"
    calls: list[Any] = field(default_factory=list)
    is_local: bool = True
    log_tail: tuple[Log, ...] = ()
    curves: tuple[Curve, ...] = ()
    slim: bool = False

    @property
    def id(self) -> str:
        return self.task.id

    def cancel(self) -> None:
        self.calls.append("cancel")

    def retry(self) -> None:
        self.calls.append("retry")

    def send(self, text: str, _: str | None = None) -> None:
        self.calls.append(text)

    def snapshot(self) -> Task:
        return self.task

    def __repr__(self) -> str:
        return "<Task train>"


class Samplers:
    """A producer, as far as views know it."""

    def __init__(self) -> None:
        self.samplers: dict[object, Any] = {}

    def add_sampler(self, key: object, sampler: Any) -> None:
        self.samplers[key] = sampler

    def remove_sampler(self, key: object) -> None:
        self.samplers.pop(key, None)


class Kernel:
    """A kernel, as far as views know it."""

    def __init__(self) -> None:
        self.message = "a cell"
        self.published: list[dict[str, Any]] = []

    def get_parent(self, channel: str) -> dict[str, Any]:
        assert channel == "shell"
        return {"header": {"msg_id": self.message}}


class Events:
    """IPython's events."""

    def __init__(self) -> None:
        self.calls: dict[str, list[Any]] = {}

    def register(self, name: str, call: Any) -> None:
        self.calls.setdefault(name, []).append(call)

    def trigger(self, name: str) -> None:
        for call in self.calls[name]:
            call(None)


class Widget:
    def __init__(self) -> None:
        self.snapshot: dict[str, Any] | None = None
        self.live = False
        self.say: Any = None

    def on_msg(self, callback: Any) -> None:
        self.say = lambda content: callback(self, content, [])


class Page:
    """A widget of a task and the follower that writes to it, with a clock of their own."""

    def __init__(self, task: Task, widget: Any = None) -> None:
        self.task = task
        self.now = 0.0
        self.widget = widget or Widget()
        self.events = Events()
        self.stopped = 0
        view = View(self.widget, IdleTime(self.events, lambda: self.now))
        self.follower = WidgetSync(view, lambda: self.task, lambda: self.now, self.stop)

    def stop(self) -> None:
        self.stopped += 1

    def sent(self, seconds: float) -> int:
        """Count the snapshots sent in so many seconds of a task that changes all the time."""
        count = 0
        for _ in range(round(seconds * 16)):
            self.now += 0.0625
            self.task.logs += 1
            before, self.widget.snapshot = self.widget.snapshot, None
            self.follower()
            count += self.widget.snapshot is not None
            self.widget.snapshot = self.widget.snapshot or before
        return count


@pytest.fixture
def page() -> Page:
    return Page(Task(new_id(), name="train", state=TaskState.RUNNING))


@pytest.fixture
def handle() -> Handle:
    return Handle(Task(new_id(), name="train", state=TaskState.RUNNING))


@pytest.fixture
def producer(monkeypatch: pytest.MonkeyPatch) -> Samplers:
    samplers = Samplers()
    monkeypatch.setattr(bundle, "current_producer", lambda: samplers)
    return samplers


def test_outside_a_kernel_the_bundle_says_the_same_in_every_run(handle: Handle) -> None:
    data, metadata = bundle.bundle(handle)
    assert data == {MIME: {"v": 1}, "text/html": start_html("train"), "text/plain": "<Task train>"}
    assert metadata[MIME]["task_id"] == handle.id
    assert metadata[MIME]["snapshot"]["state"] == "running"


def test_outside_a_kernel_nothing_is_shown(handle: Handle, capsys: pytest.CaptureFixture[str]) -> None:
    assert bundle.show(handle) is False
    bundle.finish(handle)
    assert capsys.readouterr().out == ""


def test_the_package_loads_no_widgets() -> None:
    code = (
        "import sys, jupyter_agent, jupyter_agent.notebook.display.bundle;"
        "print([m for m in ('anywidget', 'ipywidgets', 'jupyter_server', 'sqlite3') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_static_html_escapes_what_the_task_says(handle: Handle) -> None:
    evil = "<script>alert(1)</script>\x1b[31m&"
    task = handle.task
    task.name, task.state = evil, TaskState.FAILED
    task.error = Error(evil, evil, evil)
    task.progress = ProgressSnapshot(1, 4, evil)
    task.metrics = {evil: MetricPoint(0.5, None)}
    drawn = html(task)
    assert "<script" not in drawn
    assert "\x1b[" not in drawn
    assert "width:25.0%" in drawn


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (TaskState.COMPLETED, ["completed", "5 / 5", "1m 05s", "{&#x27;loss&#x27;: 1}", "0.1235"]),
        (TaskState.INTERRUPTED, ["interrupted", "ended before the task was done"]),
        (TaskState.CANCELLED, ["cancelled", "attempt 2"]),
    ],
)
def test_the_static_html_tells_how_it_ended(handle: Handle, state: TaskState, words: list[str]) -> None:
    task = handle.task
    task.state, task.attempt, task.started, task.ended = state, 2, 1000.0, 1065.0
    task.progress, task.metrics = ProgressSnapshot(5, 5, None), {"loss": MetricPoint(0.123456, 3)}
    task.result = Result("{'loss': 1}") if state is TaskState.COMPLETED else None
    drawn = html(task)
    assert [word for word in words if word not in drawn] == []


def test_the_widget_gets_a_copy_four_times_a_second_while_its_cell_runs(page: Page) -> None:
    assert page.sent(10) == 40
    assert page.widget.snapshot is not None
    assert page.widget.snapshot["state"] == "running"


def test_the_last_state_goes_out_always_and_then_nothing(page: Page) -> None:
    page.widget.live = True
    assert page.sent(2) == 0
    page.task.state = TaskState.FAILED
    assert page.sent(0.25) == 1
    assert page.widget.snapshot is not None
    assert page.widget.snapshot["state"] == "failed"
    page.sent(1.5)
    assert page.stopped >= 1


def test_where_no_page_draws_the_widget_nothing_more_is_sent_once_the_kernel_could_have_heard(
    page: Page,
) -> None:
    page.events.trigger("post_run_cell")
    assert page.sent(DRAW_TIMEOUT) > 0
    assert page.sent(60) == 0
    page.task.state = TaskState.COMPLETED
    assert page.sent(0.25) == 1


def test_a_kernel_that_was_never_at_rest_cannot_have_heard(page: Page) -> None:
    for _ in range(10):
        page.events.trigger("post_run_cell")
        assert page.sent(DRAW_TIMEOUT / 2) > 0
        page.events.trigger("pre_run_cell")
        assert page.sent(2 * DRAW_TIMEOUT) > 0


def test_a_page_that_draws_the_widget_and_does_not_hear_the_server_goes_on_getting_copies(page: Page) -> None:
    page.events.trigger("post_run_cell")
    page.sent(2 * DRAW_TIMEOUT)
    page.widget.say({"command": "none", "args": {}})
    assert page.sent(1) == 0
    page.widget.say({"live": False})
    assert page.sent(60) == 240
    page.widget.live = True
    assert page.sent(60) == 0


def test_a_new_attempt_within_a_moment_is_followed_too(page: Page) -> None:
    page.task.state = TaskState.FAILED
    page.sent(0.5)
    page.task.state = TaskState.RUNNING
    assert page.sent(5) > 15
    assert page.stopped == 0


def test_a_widget_that_cannot_be_written_is_given_up_once() -> None:
    class Broken(Widget):
        def __setattr__(self, name: str, value: object) -> None:
            if name == "snapshot" and value is not None:
                raise RuntimeError("the socket is closed")
            super().__setattr__(name, value)

    page = Page(Task(new_id(), name="train", state=TaskState.RUNNING), Broken())
    with pytest.raises(RuntimeError, match="closed"):
        page.follower()
    assert page.stopped == 1


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Iterator[Kernel]:
    """Makes this process look like a kernel without a front-end."""
    kernel = Kernel()
    shell = InteractiveShell.instance()
    fake = SimpleNamespace(kernel=kernel, events=Events())
    for module in (bundle, origin):
        monkeypatch.setattr(module, "kernel_shell", lambda: fake)
    monkeypatch.setattr(shell.display_pub, "publish", lambda **message: kernel.published.append(message))
    yield kernel
    InteractiveShell.clear_instance()


@pytest.mark.usefixtures("kernel")
def test_in_a_kernel_one_widget_serves_all_views_of_a_task(handle: Handle, producer: Samplers) -> None:
    first, _ = bundle.bundle(handle)
    second, _ = bundle.bundle(handle)
    assert first[bundle.WIDGET_MIME] == second[bundle.WIDGET_MIME]
    assert list(producer.samplers) == [("view", handle.id, False)]


@pytest.mark.usefixtures("kernel")
def test_a_slim_view_says_so_to_every_front_end_and_is_a_model_of_its_own(
    handle: Handle, producer: Samplers
) -> None:
    data, metadata = bundle.bundle(handle)
    assert "slim" not in metadata[MIME]
    handle.slim = True
    slim, metadata = bundle.bundle(handle)
    assert metadata[MIME]["slim"] is True
    assert slim[MIME] == {"v": 1}
    assert slim[bundle.WIDGET_MIME] != data[bundle.WIDGET_MIME]
    assert bundle._views[handle.id, True].widget.slim
    assert not bundle._views[handle.id, False].widget.slim
    assert len(producer.samplers) == 2


@pytest.mark.usefixtures("kernel", "producer")
def test_without_anywidget_the_rest_of_the_bundle_remains(
    handle: Handle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle, "find_spec", lambda name: None if name == "anywidget" else object())
    data, _ = bundle.bundle(handle)
    assert sorted(data) == sorted([MIME, "text/html", "text/plain"])


def test_the_widget_passes_commands_on(handle: Handle) -> None:
    from jupyter_agent.notebook.display.widget import TaskWidget

    widget = TaskWidget(handle.id, None, bundle._commander(handle))
    widget._message(widget, {"command": "cancel", "args": {}}, [])
    widget._message(widget, {"command": "input", "args": {"text": "yes"}}, [])
    widget._message(widget, {"command": "retry", "args": {}}, [])
    widget._message(widget, "no command", [])
    widget._message(widget, {"live": True}, [])
    assert widget.live
    assert handle.calls == ["cancel", "yes", "retry"]


@pytest.mark.usefixtures("kernel")
def test_the_widget_of_another_processes_task_asks_nobody_from_the_forwarders_thread(
    handle: Handle, producer: Samplers
) -> None:
    handle.is_local = False
    bundle.bundle(handle)
    bundle._commander(handle)("retry", {})
    assert producer.samplers == {}


def test_a_command_that_comes_too_late_leaves_no_traceback(handle: Handle) -> None:
    def late() -> None:
        raise NotNow("task train is running; it has not ended yet", task_id=handle.id)

    handle.retry = late  # type: ignore[method-assign]
    bundle._commander(handle)("retry", {})


@pytest.mark.usefixtures("producer")
@pytest.mark.parametrize(("session", "updates"), [(None, 1), ("a.ipynb", 0)])
def test_only_a_kernel_without_a_session_replaces_its_view_at_the_end(
    handle: Handle, kernel: Kernel, monkeypatch: pytest.MonkeyPatch, session: str | None, updates: int
) -> None:
    if session:
        monkeypatch.setenv("JPY_SESSION_NAME", session)
    handle.task.state = TaskState.COMPLETED
    bundle.finish(handle)
    assert len(kernel.published) == updates
    for update in kernel.published:
        assert update["update"] is True
        assert update["transient"] == {"display_id": handle.id}
        assert "completed" in update["data"]["text/html"]
        assert bundle.WIDGET_MIME not in update["data"]


@pytest.mark.usefixtures("producer")
def test_a_view_shows_once_in_a_cell_and_again_in_the_next(handle: Handle, kernel: Kernel) -> None:
    assert bundle.show(handle)
    assert bundle.show(handle)
    assert len(kernel.published) == 1
    kernel.message = "another cell"
    assert bundle.show(handle)
    assert len(kernel.published) == 2


def test_the_element_travels_to_a_page_once_and_not_with_every_view() -> None:
    from jupyter_agent.notebook.display.widget import TaskWidget, asset_widget, browser_module

    widgets = [TaskWidget(ident, None, lambda _name, _args: None) for ident in ("a", "b")]
    assert [widget.assets for widget in widgets] == [asset_widget().model_id] * 2
    assert asset_widget().code == browser_module()
    assert all(len(json.dumps(widget.get_state(), default=str)) < 4000 for widget in widgets)
