"""The ipywidgets view of a task, for front-ends that draw widgets.

The browser part connects to the Jupyter server itself. The kernel only names the task and, for browsers that
cannot reach a Jupyter server, keeps ``snapshot`` fresh and accepts commands.
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
"""Folder of the built front-end."""

_NOT_BUILT = """export default { render({ el }) {
  el.textContent = "jupyter_agent's front-end is not built: run `make frontend` in its source tree.";
} };"""

_LOADER = """
const LOADED = Symbol.for("jupyter_agent.widget modules");
async function load(model) {
  const assets = await model.widget_manager.get_model(model.get("assets"));
  const address = URL.createObjectURL(new Blob([assets.get("code")], { type: "text/javascript" }));
  try { return (await import(address)).default; } finally { URL.revokeObjectURL(address); }
}
export default { async render(context) {
  const modules = (window[LOADED] ??= new Map());
  const assets = context.model.get("assets");
  if (!modules.has(assets)) {
    modules.set(assets, load(context.model));
    modules.get(assets).catch(() => modules.delete(assets)); // the next view tries again
  }
  return (await modules.get(assets)).render(context);
} };"""
"""The module of each task widget. It is sent with every widget, so it only loads the shared `AssetWidget`."""

OnCommand = Callable[[str, dict[str, Any]], None]


def browser_module() -> str:
    """Return the built front-end module, or one that says how to build it."""
    built = STATIC / "widget.js"
    return built.read_text("utf-8") if built.is_file() else _NOT_BUILT


class AssetWidget(anywidget.AnyWidget):
    """Holds the front-end module for all views of this kernel: 70 kB, sent to a page once."""

    _esm = "export default {};"
    code = traitlets.Unicode().tag(sync=True)


@cache
def asset_widget() -> AssetWidget:
    """Return the one `AssetWidget` of this process."""
    return AssetWidget(code=browser_module())


class TaskWidget(anywidget.AnyWidget):
    """One view of the task ``task_id``.

    ``snapshot`` is the folded task as JSON, or ``None``. ``slim``: drawn on one line. ``assets``: the model
    id of the `AssetWidget`. ``live``: the browser gets events from the server and needs none from here.
    """

    _esm = _LOADER
    assets = traitlets.Unicode().tag(sync=True)
    task_id = traitlets.Unicode().tag(sync=True)
    snapshot = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)
    slim = traitlets.Bool(default_value=False).tag(sync=True)

    def __init__(
        self, task_id: str, snapshot: dict[str, Any] | None, on_command: OnCommand, *, slim: bool = False
    ) -> None:
        super().__init__(task_id=task_id, snapshot=snapshot, slim=slim, assets=asset_widget().model_id)
        self.live = False
        self._on_command = on_command
        self.on_msg(self._message)

    def _message(self, _widget: object, content: object, _buffers: object) -> None:
        match content:
            case {"command": str(command), "args": dict(args)}:
                self._on_command(command, args)
            case {"live": bool(live)}:
                self.live = live
