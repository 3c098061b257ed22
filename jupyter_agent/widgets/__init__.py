"""The ipywidgets view of a task, for front-ends that draw widgets.

The browser part talks to the Jupyter server itself; the kernel only names the task and, for
front-ends whose browser cannot reach a Jupyter server, keeps ``snapshot`` fresh and takes commands.
Importing this module needs anywidget; nothing imports it before a view is shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

HERE = Path(__file__).parent
PARTS = ("protocol", "connection", "fold", "feed", "view", "task")
"""The modules in the order of their imports; `task` is the entry."""

_IMPORT = re.compile(r'^import \{[^}]*\} from "\./\w+\.js";\n', re.MULTILINE)
OnCommand = Callable[[str, dict[str, Any]], None]


def browser_module() -> str:
    """The modules as the one text that anywidget loads: their imports of each other are left out."""
    return "\n".join(_IMPORT.sub("", (HERE / f"{part}.js").read_text("utf-8")) for part in PARTS)


class TaskWidget(anywidget.AnyWidget):
    """One view of the task ``task_id``; ``snapshot`` is the task folded, as JSON, or ``None``.

    ``live`` says that the browser hears of the task from the server, and needs nothing from here.
    """

    _esm = browser_module()
    _css = (HERE / "task.css").read_text("utf-8")
    task_id = traitlets.Unicode().tag(sync=True)
    snapshot = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)

    def __init__(self, task_id: str, snapshot: dict[str, Any] | None, on_command: OnCommand) -> None:
        super().__init__(task_id=task_id, snapshot=snapshot)
        self.live = False
        self._on_command = on_command
        self.on_msg(self._message)

    def _message(self, _widget: object, content: object, _buffers: object) -> None:
        match content:
            case {"command": str(command), "args": dict(args)}:
                self._on_command(command, args)
            case {"live": bool(live)}:
                self.live = live
