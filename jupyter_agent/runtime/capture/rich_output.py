"""What rich prints in a kernel, where it makes displays of text, and its live displays and status lines.

In a terminal and in a worker, rich writes to the streams, which record it as they record any redrawn text.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from io import StringIO
from types import ModuleType
from typing import Any

from .post_import import when_imported
from .recording import muted, open_context, recording_context
from .wrapping import wrap_method


def install() -> None:
    """Record what rich prints, once it is imported. Idempotent."""
    when_imported("rich.jupyter", _hook_jupyter)
    when_imported("rich.live", _hook_live)
    when_imported("rich.status", _hook_status)


def plain_text(renderable: Any) -> str:
    """Return what rich prints for *renderable*, without colours."""
    from rich.console import Console

    into = StringIO()
    Console(file=into, force_terminal=False, force_jupyter=False, color_system=None, width=100).print(
        renderable
    )
    return "".join(line.rstrip() + "\n" for line in into.getvalue().splitlines())


def _hook_jupyter(module: ModuleType) -> None:
    display = getattr(module, "display", None)
    if display is None or hasattr(display, "_jupyter_agent"):
        return

    @functools.wraps(display)
    def display_text(segments: Any, text: str) -> Any:
        context = recording_context()
        if context is None:
            return display(segments, text)
        context.screen.expect_output()
        with muted:
            result = display(segments, text)
        if text:
            context.stream("stdout").write(text)
        return result

    display_text._jupyter_agent = True  # type: ignore[attr-defined]  # noqa: SLF001
    module.display = display_text  # type: ignore[attr-defined]


def _hook_live(module: ModuleType) -> None:
    wrap_method(getattr(module, "Live", None), "refresh", _refresh)
    wrap_method(getattr(module, "Live", None), "stop", _stop)


def _refresh(method: Callable[..., Any], live: Any) -> Any:
    if not live.console.is_jupyter:
        return method(live)
    with muted:  # it is drawn anew in an output widget
        return method(live)


def _stop(method: Callable[..., Any], live: Any) -> Any:
    context = recording_context()
    is_shown = live.is_started and live.console.is_jupyter and not live.transient
    is_nested = getattr(live, "_nested", False)
    result = method(live)
    if context is not None and is_shown and not is_nested:
        context.stream("stdout").write(plain_text(live.get_renderable()))
    return result


def _hook_status(module: ModuleType) -> None:
    status = getattr(module, "Status", None)
    wrap_method(status, "start", _show_status)
    wrap_method(status, "update", _show_status)
    wrap_method(status, "stop", _end_status)


def _show_status(method: Callable[..., Any], status: Any, *args: Any, **kwargs: Any) -> Any:
    result = method(status, *args, **kwargs)
    context = open_context()
    if context is not None:
        vars(status)["_jupyter_agent"] = text = plain_text(status.status).strip()
        context.progress(message=text)
    return result


def _end_status(method: Callable[..., Any], status: Any) -> Any:
    result = method(status)
    text = vars(status).pop("_jupyter_agent", None)
    context = open_context()
    if context is not None and text is not None:
        context.end_message(text)
    return result
