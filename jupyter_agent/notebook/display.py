"""How a task gets onto a notebook's page: one MIME bundle for every kind of front-end.

The data of the bundle is the same for every run of a notebook; the task's id and snapshot travel in
its metadata. Nothing here is loaded before a view is shown.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextvars import Context
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from ..core.picture import html, start_html
from ..core.task import Task
from ..producer.producer import current_producer
from .about import kernel_shell

if TYPE_CHECKING:
    from ..widgets import TaskWidget

MIME = "application/vnd.jupyter-agent.task.v1+json"
WIDGET_MIME = "application/vnd.jupyter.widget-view+json"
UPDATE_EVERY = 0.25
"""Seconds between two snapshots that the kernel sends to its widgets."""

LINGER = 1.0
"""Seconds after an end in which a new attempt may still follow by itself."""

Bundle = tuple[dict[str, Any], dict[str, Any]]


class Shown(Protocol):
    """What a view needs of a task's handle.

    ``local`` is ``None`` for a task of another process. ``slim`` asks for a view of one line.
    """

    @property
    def local(self) -> object | None: ...

    @property
    def slim(self) -> bool: ...

    @property
    def id(self) -> str: ...

    @property
    def name(self) -> str: ...

    def cancel(self) -> object: ...

    def retry(self) -> object: ...

    def send(self, text: str) -> object: ...

    def _snapshot(self) -> Task: ...


def show(handle: Shown) -> bool:
    """Display the task's view, once in the cell that runs now; false outside a kernel."""
    shell = kernel_shell()
    if shell is None:
        return False
    cell = _execution(shell)
    if cell is None or _shown.get(handle.id) != cell:
        _shown[handle.id] = cell
        _display(handle)
    return True


def _display(handle: Shown) -> None:
    from IPython.display import display

    data, metadata = bundle(handle)
    display(data, raw=True, metadata=metadata, display_id=handle.id)  # type: ignore[no-untyped-call]
    if _now(handle).state.ended:
        finish(handle)


def finish(handle: Shown) -> None:
    """The task has ended: in a kernel without a front-end, replace its view by a last, still picture.

    A saved notebook then shows how it ended. Where a notebook session is open, its view does that.
    """
    if kernel_shell() is None or os.environ.get("JPY_SESSION_NAME"):
        return
    task = _now(handle)
    data = {MIME: {"v": 1}, "text/html": html(task), "text/plain": repr(handle)}
    # An empty context: the message belongs to the cell that runs now. One that names the cell that
    # started the task, which is over, would be dropped by whoever runs this notebook.
    Context().run(_replace, data, _metadata(handle, task), handle.id)


def _replace(data: dict[str, Any], metadata: dict[str, Any], display_id: str) -> None:
    from IPython.display import update_display

    update_display(data, raw=True, metadata=metadata, display_id=display_id)  # type: ignore[no-untyped-call]


def bundle(handle: Shown) -> Bundle:
    """The data and metadata that show the task."""
    task = _now(handle)
    data: dict[str, Any] = {MIME: {"v": 1}, "text/html": start_html(handle.name), "text/plain": repr(handle)}
    widget = _widget(handle, task)
    if widget is not None:
        data[WIDGET_MIME] = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    return data, _metadata(handle, task)


def follow(handle: Shown) -> None:
    """Keep the snapshot of the task's widget, if it has one, fresh until the task ends."""
    widget = _widgets.get(_key(handle))
    if widget is not None:
        current_producer().add_sampler(("view", *_key(handle)), Follower(handle, widget, time.monotonic))


class Follower:
    """Copies a running task into its widget; called often, from the forwarder's thread.

    A widget's message goes out through IPython's own output thread, so any thread may send it.
    """

    def __init__(self, handle: Shown, widget: TaskWidget, clock: Callable[[], float]) -> None:
        self._handle = handle
        self._widget = widget
        self._clock = clock
        self._next = clock()
        self._until: float | None = None

    def __call__(self) -> None:
        if self._clock() < self._next:
            return
        self._next = self._clock() + UPDATE_EVERY
        task = _now(self._handle)
        if task.state.ended or not self._widget.live:
            self._copy(task)
        self._linger(task.state.ended)

    def _copy(self, task: Task) -> None:
        try:
            self._widget.snapshot = as_json(task)
        except Exception:
            self._stop()
            raise

    def _linger(self, ended: bool) -> None:
        if not ended:
            self._until = None
        elif self._until is None:
            self._until = self._clock() + LINGER
        elif self._clock() >= self._until:
            self._stop()

    def _stop(self) -> None:
        current_producer().remove_sampler(("view", *_key(self._handle)))


_shown: dict[str, str | None] = {}
_widgets: dict[tuple[str, bool], TaskWidget] = {}


def _widget(handle: Shown, task: Task) -> TaskWidget | None:
    """The task's widget: one model for all views of a kind; ``None`` where nothing could draw it."""
    if kernel_shell() is None or not _have_widgets():
        return None
    from ..widgets import TaskWidget

    key = _key(handle)
    if key not in _widgets:
        handle = _without_result(handle)
        _widgets[key] = TaskWidget(handle.id, as_json(task), _commander(handle), slim=handle.slim)
        if not task.state.ended and handle.local is not None:
            follow(handle)
    return _widgets[key]


def _key(handle: Shown) -> tuple[str, bool]:
    return handle.id, handle.slim


def _without_result(handle: Shown) -> Shown:
    """A handle of the same task for a view, which lasts: what the task returned is not kept for it."""
    from .handle import TaskHandle

    if isinstance(handle, TaskHandle) and handle.local:
        return TaskHandle(handle.local, slim=handle.slim)
    return handle


def _commander(handle: Shown) -> Callable[[str, dict[str, Any]], None]:
    def command(name: str, args: dict[str, Any]) -> None:
        match name:
            case "cancel":
                handle.cancel()
            case "retry":
                handle.retry()
                follow(handle)
            case "input":
                handle.send(str(args.get("text", "")))

    return command


def _have_widgets() -> bool:
    return find_spec("anywidget") is not None and find_spec("ipywidgets") is not None


def _execution(shell: Any) -> str | None:
    """What tells one run of a cell from the next."""
    ident = (shell.kernel.get_parent("shell") or {}).get("header", {}).get("msg_id")
    return ident if isinstance(ident, str) else None


def _now(handle: Shown) -> Task:
    return handle._snapshot()  # noqa: SLF001 - the handle's side of this package, not its public face


def _metadata(handle: Shown, task: Task) -> dict[str, Any]:
    slim = {"slim": True} if handle.slim else {}
    return {MIME: {"task_id": task.id, "snapshot": as_json(task), **slim}}


def as_json(task: Task) -> dict[str, Any]:
    """The task's snapshot, as JSON has it."""
    value: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(task))
    return value


__all__ = ["MIME", "Bundle", "Follower", "Shown", "as_json", "bundle", "finish", "follow", "html", "show"]
