"""The ipywidgets view of a task, for front-ends that draw widgets.

The browser part talks to the Jupyter server itself; the kernel only names the task and, for
front-ends whose browser cannot reach a Jupyter server, keeps ``snapshot`` fresh and takes commands.
Importing this module needs anywidget; nothing imports it before a view is shown.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import anywidget
import traitlets

STATIC = Path(__file__).parents[2] / "static"
"""Where the built front-end is."""

_NOT_BUILT = """export default { render({ el }) {
  el.textContent = "jupyter_agent's front-end is not built: run `make frontend` in its source tree.";
} };"""

_LOADER = """
const LOADED = Symbol.for("jupyter_agent.widget modules");
async function load(model) {
  const keeper = await model.widget_manager.get_model(model.get("keeper"));
  const address = URL.createObjectURL(new Blob([keeper.get("code")], { type: "text/javascript" }));
  try { return (await import(address)).default; } finally { URL.revokeObjectURL(address); }
}
export default { async render(context) {
  const modules = (window[LOADED] ??= new Map());
  const keeper = context.model.get("keeper");
  if (!modules.has(keeper)) {
    modules.set(keeper, load(context.model));
    modules.get(keeper).catch(() => modules.delete(keeper)); // asked again, it may work
  }
  return (await modules.get(keeper)).render(context);
} };"""
"""A widget's own text travels with each of them, so it only says where the one copy of the element is."""

OnCommand = Callable[[str, dict[str, Any]], None]


def browser_module() -> str:
    """The built element as a module, or one that says how to build it."""
    built = STATIC / "widget.js"
    return built.read_text("utf-8") if built.is_file() else _NOT_BUILT


class AssetWidget(anywidget.AnyWidget):
    """Keeps the element for all views of this kernel: 70 kB that are sent to a page once."""

    _esm = "export default {};"
    code = traitlets.Unicode().tag(sync=True)


@cache
def asset_widget() -> AssetWidget:
    """This process's keeper."""
    return AssetWidget(code=browser_module())


class TaskWidget(anywidget.AnyWidget):
    """One view of the task ``task_id``; ``snapshot`` is the task folded, as JSON, or ``None``.

    ``slim``: on one line. ``live`` says that the browser hears of the task from the server, and needs
    nothing from here.
    """

    _esm = _LOADER
    asset_widget = traitlets.Unicode().tag(sync=True)
    task_id = traitlets.Unicode().tag(sync=True)
    snapshot = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)
    slim = traitlets.Bool(default_value=False).tag(sync=True)

    def __init__(
        self, task_id: str, snapshot: dict[str, Any] | None, on_command: OnCommand, *, slim: bool = False
    ) -> None:
        super().__init__(task_id=task_id, snapshot=snapshot, slim=slim, keeper=asset_widget().model_id)
        self.live = False
        self._on_command = on_command
        self.on_msg(self._message)

    def _message(self, _widget: object, content: object, _buffers: object) -> None:
        match content:
            case {"command": str(command), "args": dict(args)}:
                self._on_command(command, args)
            case {"live": bool(live)}:
                self.live = live
