"""MIME bundles of objects: by IPython where it runs a shell, else by the same methods of the objects.

Nothing is imported for it: a worker has no shell, and user code may not have loaded IPython.
"""

from __future__ import annotations

import base64
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from io import BytesIO
from typing import Any

from ...core.sanitize import strip_controls

Bundle = tuple[dict[str, Any], dict[str, Any]]
"""Data and metadata, by MIME type."""

_METHODS = {
    "text/html": "_repr_html_",
    "text/markdown": "_repr_markdown_",
    "image/svg+xml": "_repr_svg_",
    "image/png": "_repr_png_",
    "application/pdf": "_repr_pdf_",
    "image/jpeg": "_repr_jpeg_",
    "text/latex": "_repr_latex_",
    "application/json": "_repr_json_",
    "application/javascript": "_repr_javascript_",
}
"""The methods that IPython calls, in its order."""

_collected: ContextVar[list[Bundle] | None] = ContextVar("jupyter_agent_displayed", default=None)


def collector() -> list[Bundle] | None:
    """Return where what is displayed here goes instead of being shown; ``None``: it is shown."""
    return _collected.get()


def has_shell() -> bool:
    """Return whether IPython runs a shell in this process."""
    module = sys.modules.get("IPython.core.interactiveshell")
    shell = getattr(module, "InteractiveShell", None)
    return bool(shell is not None and shell.initialized())


def displayed(obj: object) -> list[Bundle]:
    """Return what displaying *obj* shows: one bundle, or those that its own display method displays.

    None where that method displays nothing: what it prints is in the log.
    """
    with _collecting() as found:
        is_done, bundle = _formatted(obj)
    if bundle[0]:
        found.append(bundle)
    elif not found and not is_done:
        found.append(({"text/plain": _text(obj)}, {}))
    return found


def formatted(obj: object, include: Any = None, exclude: Any = None) -> Bundle:
    """Return the bundle of *obj* without a shell; an empty one if its own display method has shown it."""
    if _shows_itself(obj):
        return {}, {}
    data, metadata = _mime_bundle(obj, include, exclude)
    for kind, name in _METHODS.items():
        if kind not in data and _wanted(kind, include, exclude):
            _add(data, metadata, kind, _call(obj, name))
    if type(obj).__module__.startswith("matplotlib.") and not set(data) & {"image/png", "image/svg+xml"}:
        _add(data, metadata, "image/png", _picture(obj))
    if _wanted("text/plain", include, exclude):
        data.setdefault("text/plain", _text(obj))
    return data, metadata


def recordable(data: dict[str, Any]) -> dict[str, Any]:
    """Return *data* as an event has it: bytes as base64, text without colours and other escape sequences."""
    return {kind: _recordable(kind, value) for kind, value in data.items()}


@contextmanager
def _collecting() -> Iterator[list[Bundle]]:
    found: list[Bundle] = []
    token = _collected.set(found)
    try:
        yield found
    finally:
        _collected.reset(token)


def _formatted(obj: object) -> tuple[bool, Bundle]:
    """Return whether *obj* has a display method of its own, which was called, and its bundle."""
    if not has_shell():
        data, metadata = formatted(obj)
        return not data, (data, metadata)
    from IPython.core.interactiveshell import InteractiveShell

    data, metadata = InteractiveShell.instance().display_formatter.format(obj)  # type: ignore[union-attr]
    return _method(obj, "_ipython_display_") is not None, (data, metadata)


def _shows_itself(obj: object) -> bool:
    method = _method(obj, "_ipython_display_")
    if method is None:
        return False
    try:
        method()
    except NotImplementedError:
        return False
    except Exception as error:  # noqa: BLE001 - as IPython does: the other representations count then
        _say(obj, "_ipython_display_", error)
        return False
    return True


def _mime_bundle(obj: object, include: Any, exclude: Any) -> Bundle:
    found = _call(obj, "_repr_mimebundle_", include=include, exclude=exclude)
    data, metadata = found if isinstance(found, tuple) and len(found) == 2 else (found, {})
    if not isinstance(data, dict):
        return {}, {}
    return {kind: data[kind] for kind in data if _wanted(kind, include, exclude)}, dict(metadata or {})


def _add(data: dict[str, Any], metadata: dict[str, Any], kind: str, found: Any) -> None:
    if isinstance(found, tuple) and len(found) == 2:
        found, metadata[kind] = found
    if found is not None:
        data[kind] = found


def _wanted(kind: str, include: Any, exclude: Any) -> bool:
    return (not include or kind in include) and kind not in (exclude or ())


def _method(obj: object, name: str) -> Callable[..., Any] | None:
    """Return a method of *obj*; ``None`` for a class, and for what answers to any name."""
    try:
        if (
            isinstance(obj, type)
            or getattr(obj, "_ipython_canary_method_should_not_exist_", None) is not None
        ):
            return None
        method = getattr(obj, name, None)
    except Exception:  # noqa: BLE001 - a broken `__getattr__`: it has no such method
        return None
    return method if callable(method) else None


def _call(obj: object, name: str, **kwargs: Any) -> Any:
    method = _method(obj, name)
    if method is None:
        return None
    try:
        return method(**kwargs)
    except NotImplementedError:
        return None
    except Exception as error:  # noqa: BLE001 - as IPython does: the other representations count then
        _say(obj, name, error)
        return None


def _say(obj: object, name: str, error: Exception) -> None:
    if sys.stderr is not None:
        sys.stderr.write(f"{type(obj).__name__}.{name}: {type(error).__name__}: {error}\n")


def _picture(obj: Any) -> bytes | None:
    if _method(obj, "savefig") is None:
        return None
    into = BytesIO()
    try:
        obj.savefig(into, format="png", bbox_inches="tight")
    except Exception as error:  # noqa: BLE001 - a figure that cannot be drawn is named by its text
        _say(obj, "savefig", error)
        return None
    return into.getvalue()


def _text(obj: object) -> str:
    """Return the repr of *obj*; where that fails, what it is, and why."""
    pretty = sys.modules.get("IPython.lib.pretty")
    try:
        return str(repr(obj) if pretty is None else pretty.pretty(obj))
    except Exception as error:  # noqa: BLE001 - anything may be wrong with a repr
        return f"<{type(obj).__name__} without a repr: {type(error).__name__}>"


def _recordable(kind: str, value: Any) -> Any:
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(value).decode()
    if kind == "text/plain" and isinstance(value, str):
        return strip_controls(value)
    return value
