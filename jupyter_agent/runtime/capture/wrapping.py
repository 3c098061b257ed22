"""Wrapping of methods of other packages, in their classes, each once."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any


def wrap_method(owner: Any, name: str, wrapper: Callable[..., Any]) -> None:
    """Have *wrapper* called with the method, then what the method is called with. Idempotent."""
    method = getattr(owner, name, None)
    if method is None or getattr(vars(owner).get(name), "_jupyter_agent", False):
        return

    @functools.wraps(method)
    def wrapped(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        return wrapper(method, self, *args, **kwargs)

    wrapped._jupyter_agent = True  # type: ignore[attr-defined]  # noqa: SLF001
    setattr(owner, name, wrapped)
