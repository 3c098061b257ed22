"""Callables: importing a function by name, and calling one in the worker's main thread."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from difflib import get_close_matches
from functools import partial
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from ...detached.target_parser import file_of_function
from ...errors import BadTarget
from ...runtime.engines.calls import value_of
from ...system.start import PROTECTED, use_caller_path
from .coroutines import run_coroutine


def find_function(name: str) -> Callable[..., Any]:
    """Return the function ``module:function``, imported from the working directory first, or that of
    ``file.py:function``.

    Of one made with `task`, the plain function. Raises `BadTarget`, and what importing the module raises.
    """
    module_name, _, attributes = name.rpartition(":")
    found = _load(Path(module_name)) if file_of_function(name) else _import(module_name)
    for attribute in attributes.split("."):
        found = _get(found, attribute)
    function = _without_task(found)
    if not callable(function):
        raise BadTarget(f"{name} is not a function but of type {type(function).__name__}")
    return function


def call(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call *function* and return its result; a coroutine is run to its end."""
    return value_of(partial(function, *args, **kwargs), run_coroutine)


def _import(name: str) -> Any:
    use_caller_path()
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if name != missing and not name.startswith(f"{missing}."):
            raise
        raise BadTarget(
            f"there is no module {missing!r} in {Path.cwd()} nor among what is installed"
        ) from error


def _load(path: Path) -> Any:
    """Import the module in a file as ``python file.py`` would find its neighbours: from its own folder.

    It gets the file's name, unless that is the name of a module which is needed here.
    """
    use_caller_path()
    sys.path.insert(0, str(path.parent))
    is_taken = path.stem in sys.modules or path.stem in PROTECTED or path.stem in sys.stdlib_module_names
    name = f"_{path.stem}_file" if is_taken or not path.stem.isidentifier() else path.stem
    spec = spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None, "its name ends in .py"
    module = sys.modules[name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _get(owner: Any, name: str) -> Any:
    try:
        return getattr(owner, name)
    except AttributeError as error:
        where = getattr(owner, "__name__", type(owner).__name__)
        near = get_close_matches(name, dir(owner), 1)
        hint = f"; is {near[0]} meant?" if near else ""
        raise BadTarget(f"{where} has no {name!r}{hint}") from error


def _without_task(found: Any) -> object:
    """Return the plain function of what `task` made; anything else as it is.

    The mark is looked up on the type, as Python does for special methods, so that a module or object
    with a ``__getattr__`` is not taken for one. A worker must not import `notebook` to use `isinstance`.
    """
    is_marked = hasattr(type(found), "__jupyter_agent_function__")
    return found.__jupyter_agent_function__ if is_marked else found
