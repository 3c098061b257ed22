"""Display of a task in a notebook: one MIME bundle for every kind of front-end.

The data of the bundle is the same for every run of a notebook; the task's id and snapshot travel in
its metadata. Nothing here is imported before a view is shown.
"""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol

from ...core.events import Log
from ...core.task import Task
from ...errors import NotNow
from ...producer.producer import current_producer
from ...rendering.curves import Curve
from ...rendering.html import html, last_lines, start_html
from ...rendering.summary import saved_line
from ...rendering.transcript import log_text
from ...runtime.capture.ipython_displays import after_clear
from ...runtime.capture.recording import muted
from ...runtime.origin import cell_run, kernel_shell, saves_pictures
from .picture import send_picture
from .widget_sync import IdleTime, View, WidgetSync, as_json

if TYPE_CHECKING:
    from .widget import TaskWidget

log = logging.getLogger(__name__)
MIME = "application/vnd.jupyter-agent.task.v1+json"
WIDGET_MIME = "application/vnd.jupyter.widget-view+json"
Bundle = tuple[dict[str, Any], dict[str, Any]]


class Viewable(Protocol):
    """What a view needs of a task. Its repr is the plain text of the view.

    ``is_local``: this process runs the task. ``slim`` asks for a view of one line.
    """

    @property
    def is_local(self) -> bool: ...

    @property
    def slim(self) -> bool: ...

    @property
    def log_tail(self) -> Iterable[Log]:
        """The end of the log; empty for a task whose log another process writes."""

    @property
    def curves(self) -> Iterable[Curve]:
        """The metrics, where they are kept for a picture."""

    @property
    def id(self) -> str: ...

    @property
    def name(self) -> str: ...

    def cancel(self) -> object: ...

    def retry(self) -> object: ...

    def send(self, text: str, prompt_id: str | None) -> object: ...

    def snapshot(self) -> Task: ...


def show(view: Viewable) -> bool:
    """Display the task's view, once in the running cell; false outside a kernel."""
    if kernel_shell() is None:
        return False
    cell = cell_run()
    if cell is None or _shown.get(view.id) != cell:
        _shown[view.id] = cell
        _display(view)
    return True


def _display(view: Viewable) -> None:
    from IPython.display import display

    data, metadata = bundle(view)
    with muted:  # inside of another task, it is a view in the cell, and no display of that task
        display(data, raw=True, metadata=metadata, display_id=view.id)
    if view.snapshot().state.ended:
        finish(view)
    else:
        _keep(view)
        after_clear(_put_back)


def _keep(view: Viewable) -> None:
    """Keep a view that `_put_back` may need, and those of no earlier cell: only this one can be cleared."""
    cell = cell_run()
    if cell not in _kept:
        _kept.clear()
    _kept.setdefault(cell, {})[view.id] = view


def _put_back() -> None:
    """Display the views of running tasks again in a cell that was cleared: with them went their *Cancel*."""
    for view in list(_kept.get(cell_run(), {}).values()):
        if not view.snapshot().state.ended:
            _display(view)


def finish(view: Viewable) -> None:
    """Replace the view of an ended task by static HTML, in a kernel without a front-end.

    A notebook saved by a headless run then shows how the task ended. Where a notebook session is open, its
    front-end does that.
    """
    for views in list(_kept.values()):
        views.pop(view.id, None)
    if not saves_pictures():
        return
    task = view.snapshot()
    lines = last_lines(log_text(one.stream, one.text) for one in view.log_tail)
    data = {MIME: {"v": 1}, "text/html": html(task, lines, view.curves), "text/plain": saved_line(task)}
    send_picture(data, _metadata(view, task), view.id)


def bundle(view: Viewable) -> Bundle:
    """Return the data and metadata that display the task."""
    task = view.snapshot()
    data: dict[str, Any] = {MIME: {"v": 1}, "text/html": start_html(view.name), "text/plain": repr(view)}
    widget = _widget(view, task)
    if widget is not None:
        data[WIDGET_MIME] = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    return data, _metadata(view, task)


def follow(view: Viewable) -> None:
    """Keep the snapshot of a task of this process fresh in its widget, if it has one, until it ends."""
    widget_view = _views.get(_key(view))
    if widget_view is not None and view.is_local:
        key, producer = ("view", *_key(view)), current_producer()
        stop = functools.partial(producer.remove_sampler, key)
        producer.add_sampler(key, WidgetSync(widget_view, view.snapshot, time.monotonic, stop))


_shown: dict[str, str | None] = {}
_kept: dict[str | None, dict[str, Viewable]] = {}
"""Views of tasks that had not ended when they were displayed, of the cell that displayed one last."""

_views: dict[tuple[str, bool], View[TaskWidget]] = {}
_idle: IdleTime | None = None


def _widget(view: Viewable, task: Task) -> TaskWidget | None:
    """Return the task's widget, one for all views of a kind; ``None`` where no front-end could draw it."""
    global _idle
    shell = kernel_shell()
    if shell is None or not _has_widgets():
        return None
    from .widget import TaskWidget

    _idle = _idle or IdleTime(shell.events, time.monotonic)
    key = _key(view)
    if key not in _views:
        widget = TaskWidget(view.id, as_json(task), _commander(view), slim=view.slim)
        _views[key] = View(widget, _idle)
        if not task.state.ended:
            follow(view)
    return _views[key].widget


def _key(view: Viewable) -> tuple[str, bool]:
    return view.id, view.slim


def _commander(view: Viewable) -> Callable[[str, dict[str, Any]], None]:
    def command(name: str, args: dict[str, Any]) -> None:
        try:
            execute(name, args)
        except NotNow as error:  # the task ended, or started anew, before the click arrived
            log.debug("%s came too late: %s", name, error)

    def execute(name: str, args: dict[str, Any]) -> None:
        match name:
            case "cancel":
                view.cancel()
            case "retry":
                view.retry()
                follow(view)
            case "input":
                view.send(str(args.get("text", "")), args.get("prompt_id"))

    return command


def _has_widgets() -> bool:
    return find_spec("anywidget") is not None and find_spec("ipywidgets") is not None


def _metadata(view: Viewable, task: Task) -> dict[str, Any]:
    slim = {"slim": True} if view.slim else {}
    return {MIME: {"task_id": task.id, "snapshot": as_json(task), **slim}}


__all__ = ["MIME", "Bundle", "Viewable", "bundle", "finish", "follow", "html", "show"]
