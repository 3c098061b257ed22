"""How a task gets onto a notebook's page: one MIME bundle for every kind of front-end.

The data of the bundle is the same for every run of a notebook; the task's id and snapshot travel in
its metadata. Nothing here is loaded before a view is shown.
"""

from __future__ import annotations

import functools
import logging
import os
import time
from collections.abc import Callable
from contextvars import Context
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol

from ...core.task import Task
from ...errors import NotNow
from ...producer.producer import current_producer
from ...rendering.html import html, last_lines, start_html
from ...rendering.transcript import log_text
from ...runtime.local_task import LocalTask
from ...runtime.origin import kernel_shell
from .widget_sync import Rest, View, WidgetSync, as_json

if TYPE_CHECKING:
    from .widget import TaskWidget

log = logging.getLogger(__name__)
MIME = "application/vnd.jupyter-agent.task.v1+json"
WIDGET_MIME = "application/vnd.jupyter.widget-view+json"
Bundle = tuple[dict[str, Any], dict[str, Any]]


class Viewable(Protocol):
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

    def send(self, text: str, prompt_id: str | None) -> object: ...

    def _snapshot(self) -> Task: ...


def show(handle: Viewable) -> bool:
    """Display the task's view, once in the cell that runs now; false outside a kernel."""
    shell = kernel_shell()
    if shell is None:
        return False
    cell = _execution(shell)
    if cell is None or _shown.get(handle.id) != cell:
        _shown[handle.id] = cell
        _display(handle)
    return True


def _display(handle: Viewable) -> None:
    from IPython.display import display

    data, metadata = bundle(handle)
    display(data, raw=True, metadata=metadata, display_id=handle.id)
    if _now(handle).state.ended:
        finish(handle)


def finish(handle: Viewable) -> None:
    """The task has ended: in a kernel without a front-end, replace its view by a last, still picture.

    A saved notebook then shows how it ended. Where a notebook session is open, its view does that.
    """
    if kernel_shell() is None or os.environ.get("JPY_SESSION_NAME"):
        return
    task = _now(handle)
    data = {MIME: {"v": 1}, "text/html": html(task, _last_lines(handle)), "text/plain": repr(handle)}
    # An empty context: the message belongs to the cell that runs now. One that names the cell that
    # started the task, which is over, would be dropped by whoever runs this notebook.
    Context().run(_replace, data, _metadata(handle, task), handle.id)


def _last_lines(handle: Viewable) -> list[str]:
    """The end of its log; nothing for a task whose log another process writes."""
    if not isinstance(handle.local, LocalTask):
        return []
    return last_lines(log_text(one.stream, one.text) for one in handle.local.lately)


def _replace(data: dict[str, Any], metadata: dict[str, Any], display_id: str) -> None:
    from IPython.display import update_display

    update_display(data, raw=True, metadata=metadata, display_id=display_id)


def bundle(handle: Viewable) -> Bundle:
    """The data and metadata that show the task."""
    task = _now(handle)
    data: dict[str, Any] = {MIME: {"v": 1}, "text/html": start_html(handle.name), "text/plain": repr(handle)}
    widget = _widget(handle, task)
    if widget is not None:
        data[WIDGET_MIME] = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    return data, _metadata(handle, task)


def follow(handle: Viewable) -> None:
    """Keep the snapshot of a task of this process fresh in its widget, if it has one, until it ends."""
    view = _views.get(_key(handle))
    if view is not None and handle.local is not None:
        key, producer = ("view", *_key(handle)), current_producer()
        stop = functools.partial(producer.remove_sampler, key)
        producer.add_sampler(key, WidgetSync(view, functools.partial(_now, handle), time.monotonic, stop))


_shown: dict[str, str | None] = {}
_views: dict[tuple[str, bool], View[TaskWidget]] = {}
_rest: Rest | None = None


def _widget(handle: Viewable, task: Task) -> TaskWidget | None:
    """The task's widget: one model for all views of a kind; ``None`` where nothing could draw it."""
    global _rest
    shell = kernel_shell()
    if shell is None or not _have_widgets():
        return None
    from .widget import TaskWidget

    _rest = _rest or Rest(shell.events, time.monotonic)
    key = _key(handle)
    if key not in _views:
        handle = _without_result(handle)
        widget = TaskWidget(handle.id, as_json(task), _commander(handle), slim=handle.slim)
        _views[key] = View(widget, _rest)
        if not task.state.ended:
            follow(handle)
    return _views[key].widget


def _key(handle: Viewable) -> tuple[str, bool]:
    return handle.id, handle.slim


def _without_result(handle: Viewable) -> Viewable:
    """A handle of the same task for a view, which lasts: what the task returned is not kept for it."""
    from ..handle import TaskHandle

    if isinstance(handle, TaskHandle) and handle.local:
        return TaskHandle(handle.local, slim=handle.slim)
    return handle


def _commander(handle: Viewable) -> Callable[[str, dict[str, Any]], None]:
    def command(name: str, args: dict[str, Any]) -> None:
        try:
            carry_out(name, args)
        except NotNow as error:  # it ended, or began anew, while somebody clicked: the view shows that
            log.debug("%s came too late: %s", name, error)

    def carry_out(name: str, args: dict[str, Any]) -> None:
        match name:
            case "cancel":
                handle.cancel()
            case "retry":
                handle.retry()
                follow(handle)
            case "input":
                handle.send(str(args.get("text", "")), args.get("prompt_id"))

    return command


def _have_widgets() -> bool:
    return find_spec("anywidget") is not None and find_spec("ipywidgets") is not None


def _execution(shell: Any) -> str | None:
    """What tells one run of a cell from the next."""
    ident = (shell.kernel.get_parent("shell") or {}).get("header", {}).get("msg_id")
    return ident if isinstance(ident, str) else None


def _now(handle: Viewable) -> Task:
    return handle._snapshot()  # noqa: SLF001 - the handle's side of this package, not its public face


def _metadata(handle: Viewable, task: Task) -> dict[str, Any]:
    slim = {"slim": True} if handle.slim else {}
    return {MIME: {"task_id": task.id, "snapshot": as_json(task), **slim}}


__all__ = ["MIME", "Bundle", "Viewable", "bundle", "finish", "follow", "html", "show"]
