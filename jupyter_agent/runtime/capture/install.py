"""Installation of all capture, when the first task starts; nothing is patched at import."""

from __future__ import annotations

import importlib
import os
import sys
import threading
from types import ModuleType
from typing import Any

from . import (
    drawn_bars,
    held_streams,
    ipython_displays,
    log_records,
    plots,
    recording,
    rich_output,
    rich_progress,
    thread_parents,
    threads,
    tqdm_bars,
)
from .streams import Tee, assigned, is_ours

_NAMES = ("stdout", "stderr")

_guard = threading.RLock()


def _after_fork_in_child() -> None:
    global _guard
    _guard = threading.RLock()  # another thread of the parent may have held the old one at the fork


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)


def install_capture() -> None:
    """Install what is missing. Idempotent."""
    with _guard:
        recording.enable()
        _wrap_streams()
        log_records.install()
        thread_parents.install()
        threads.install()
        tqdm_bars.install()
        drawn_bars.install()
        rich_progress.install()
        rich_output.install()
        ipython_displays.install()
        plots.install()


def _wrap_streams() -> None:
    for name in _NAMES:
        stream = getattr(sys, name)
        if stream is not None and not is_ours(stream):
            held_streams.record(stream, name)
            vars(sys)[name] = Tee(stream, name)
        held_streams.record(getattr(sys, f"__{name}__"), name)
    if not isinstance(sys, _Sys):
        sys.__class__ = _class_of_sys(type(sys))


class _Sys(ModuleType):
    """Class of the module `sys`: what is assigned to its streams holds for those whom it concerns.

    An assignment cannot be noticed in another way, and once it is done, what other tasks print is lost in it.
    Reading, which `print` does, is not touched.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _NAMES:
            with _guard:
                super().__setattr__(name, assigned(vars(self).get(name), value, name))
        else:
            super().__setattr__(name, value)

    def __reduce__(self) -> Any:
        # Picklers know modules by their exact class.
        return importlib.import_module, ("sys",)


def _class_of_sys(present: type) -> type:
    return _Sys if present is ModuleType else type(_Sys.__name__, (_Sys, present), {})
