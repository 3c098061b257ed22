"""Plots in processes without a shell, where matplotlib would show nothing, and plotly open a browser."""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any

from ..output.mime import displayed, has_shell
from .post_import import when_imported
from .recording import open_context, recording_context


def install() -> None:
    """Have plots shown as displays of the task. Idempotent."""
    when_imported("matplotlib.pyplot", _hook_pyplot)
    when_imported("plotly.io._renderers", _hook_plotly)


def _hook_pyplot(module: ModuleType) -> None:
    show = getattr(module, "show", None)
    if show is None or has_shell() or hasattr(show, "_jupyter_agent"):
        return

    @functools.wraps(show)
    def show_in_task(*args: Any, **kwargs: Any) -> Any:
        context = recording_context()
        if context is None or has_shell() or str(module.get_backend()).lower() != "agg":
            return show(*args, **kwargs)
        context.screen.expect_output()
        for number in module.get_fignums():
            for data, metadata in displayed(module.figure(number)):
                context.screen.show(data, metadata)
        module.close("all")  # as the backend of notebooks does: the next `show` shows the next figures
        return None

    show_in_task._jupyter_agent = True  # type: ignore[attr-defined]  # noqa: SLF001
    module.show = show_in_task  # type: ignore[attr-defined]


def _hook_plotly(module: ModuleType) -> None:
    renderers = getattr(module, "renderers", None)
    if renderers is None or has_shell() or open_context() is None:
        return
    if renderers.default in ("", "browser", None):
        renderers.default = "plotly_mimetype"
