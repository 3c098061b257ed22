"""What tasks show by `IPython.display`, as displays of the task.

In a shell, what its publisher publishes is recorded. Without one, as in a worker, `display` would print, so
the bundles are made here. Nothing is imported: the modules are hooked when user code imports them.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from contextvars import ContextVar
from types import FunctionType, ModuleType
from typing import Any

from ..context import TaskContext
from ..origin import ipython_shell
from ..output.displays import CELL
from ..output.mime import collector, formatted, has_shell
from .post_import import when_imported
from .recording import muted, open_context, recording_context
from .wrapping import wrap_method

_area: ContextVar[str] = ContextVar("jupyter_agent_output_area", default=CELL)
"""The output widget that gets what is shown here."""

_after_clear: list[Callable[[], None]] = []


def install() -> None:
    """Record what tasks display. Idempotent."""
    when_imported("IPython.core.displaypub", _hook_publishers)
    when_imported("IPython.core.display_functions", _hook_functions)
    when_imported("ipywidgets.widgets.widget_output", _hook_output_widget)
    shell = ipython_shell()
    if shell is not None:
        _hook_publisher(type(shell.display_pub))


def after_clear(call: Callable[[], None]) -> None:
    """Have *call* called when code has cleared the output of its cell, before anything else appears there."""
    if call not in _after_clear:
        _after_clear.append(call)


def _hook_publishers(module: ModuleType) -> None:
    for name in ("DisplayPublisher", "CapturingDisplayPublisher"):
        _hook_publisher(getattr(module, name, None))


def _hook_publisher(publisher: Any) -> None:
    wrap_method(publisher, "publish", _publish)
    wrap_method(publisher, "clear_output", _clear)


def _publish(method: Callable[..., Any], publisher: Any, data: Any, *args: Any, **kwargs: Any) -> Any:
    context = recording_context()
    if context is None or not isinstance(data, dict):
        return method(publisher, data, *args, **kwargs)
    metadata = kwargs.get("metadata", args[0] if args else None) or {}
    found = collector()
    if found is not None:
        found.append((data, metadata))
        return None
    context.screen.expect_output()
    with muted:  # a terminal's publisher prints
        result = method(publisher, data, *args, **kwargs)
    _record(context, data, metadata, kwargs.get("transient"))
    return result


def _record(context: TaskContext, data: dict[str, Any], metadata: Any, transient: Any) -> None:
    display_id = (transient or {}).get("display_id")
    context.screen.show(
        data, dict(metadata or {}), None if display_id is None else str(display_id), _area.get()
    )


def _clear(method: Callable[..., Any], publisher: Any, wait: bool = False) -> Any:
    with muted:
        result = method(publisher, wait)
    cleared(wait)
    return result


def cleared(wait: Any) -> None:
    """Clear the record of an output that was cleared or, with *wait*, will be by the next one."""
    context, area = open_context(), _area.get()

    def clear() -> None:
        if context is not None:
            context.screen.clear(area)
        if area == CELL:
            with muted:
                for call in _after_clear:
                    call()

    if context is not None and wait:
        context.screen.before_output = clear
    else:
        clear()


def _hook_functions(module: ModuleType) -> None:
    if has_shell():  # its publisher is hooked
        return
    for name, code in _CODES.items():
        function = getattr(module, name, None)
        if isinstance(function, FunctionType) and name not in _originals:
            _originals[name] = _replace_code(function, code)


def _replace_code(function: FunctionType, code: FunctionType) -> FunctionType:
    """Have *function* run *code*; return one that runs its own code.

    It stays the same object: others have imported it already, and a pickle of it names it.
    """
    original = FunctionType(function.__code__, function.__globals__, function.__name__, function.__defaults__)
    original.__kwdefaults__ = function.__kwdefaults__
    function.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
    function.__code__ = code.__code__
    return original


def _code_of_display(*args: Any, **kwargs: Any) -> Any:
    from jupyter_agent.runtime.capture.ipython_displays import _display

    return _display(*args, **kwargs)


def _code_of_publish(*args: Any, **kwargs: Any) -> Any:
    from jupyter_agent.runtime.capture.ipython_displays import _publish_data

    return _publish_data(*args, **kwargs)


def _code_of_clear(*args: Any, **kwargs: Any) -> Any:
    from jupyter_agent.runtime.capture.ipython_displays import _clear_output

    return _clear_output(*args, **kwargs)


_CODES: dict[str, Any] = {
    "display": _code_of_display,
    "publish_display_data": _code_of_publish,
    "clear_output": _code_of_clear,
}
_originals: dict[str, Callable[..., Any]] = {}
"""The functions as IPython has them."""


def _without_shell() -> TaskContext | None:
    return None if has_shell() else recording_context()


def _display(*objects: Any, **kwargs: Any) -> Any:
    context = _without_shell()
    if context is None:
        return _originals["display"](*objects, **kwargs)
    include, exclude = kwargs.get("include"), kwargs.get("exclude")
    extra, transient = kwargs.get("metadata") or {}, dict(kwargs.get("transient") or {})
    handle = _handle(kwargs.get("display_id"))
    if handle is not None:
        transient["display_id"] = handle.display_id
    if kwargs.get("clear"):
        cleared(wait=True)
    shown: list[Any] = list(objects) or ([{}] if handle is not None else [])
    for obj in shown:
        if kwargs.get("raw") or not objects:
            _publish_data(obj, extra, transient=transient)
            continue
        data, metadata = formatted(obj, include, exclude)
        if data:
            if not kwargs.get("update") and collector() is None:
                _print(data)
            _publish_data(data, {**metadata, **extra}, transient=transient)
    return handle


def _print(data: dict[str, Any]) -> None:
    with muted:  # for the terminal, as a shell there does
        sys.stdout.write(f"{data.get('text/plain', '')}\n")


def _handle(display_id: Any) -> Any:
    if not display_id:
        return None
    from IPython.core.display_functions import DisplayHandle

    return DisplayHandle(None if display_id is True else display_id)


def _publish_data(data: Any, metadata: Any = None, *, transient: Any = None, **kwargs: Any) -> Any:
    context = _without_shell()
    if context is None:
        # Outside a task, this makes a shell. So it must not where a task is muted: user code runs there.
        is_muted = open_context() is not None and not has_shell()
        function = _originals["publish_display_data"]
        return None if is_muted else function(data, metadata, transient=transient, **kwargs)
    found = collector()
    if found is not None:
        found.append((data, metadata or {}))
    else:
        context.screen.expect_output()
        _record(context, data, metadata, transient)
    return None


def _clear_output(wait: bool = False) -> Any:
    if has_shell():
        return _originals["clear_output"](wait)
    with muted:
        _originals["clear_output"](wait)
    cleared(wait)
    return None


def _hook_output_widget(module: ModuleType) -> None:
    """Follow which output widget is written to: clearing it clears nothing else."""
    wrap_method(getattr(module, "Output", None), "__enter__", _enter_output)
    wrap_method(getattr(module, "Output", None), "__exit__", _exit_output)


def _enter_output(method: Callable[..., Any], output: Any) -> Any:
    outer = vars(output).setdefault("_jupyter_agent_outer", [])
    outer.append(_area.get())
    _area.set(str(getattr(output, "model_id", None) or id(output)))
    return method(output)


def _exit_output(method: Callable[..., Any], output: Any, *details: Any) -> Any:
    outer = vars(output).get("_jupyter_agent_outer")
    if outer:
        _area.set(outer.pop())
    return method(output, *details)
