"""Pickled targets: a function of a notebook with its arguments."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

from ...runtime.artifacts.pickle_files import open_own
from ...system.start import use_caller_path
from . import pool_pickling
from .callables import call


def run(content: Path) -> Any:
    """Call the function that is pickled in *content* and return its result.

    Raises what it raises, and what unpickling raises when a module is missing here.
    """
    use_caller_path()
    pool_pickling.install()
    with open_own(content, content.parent.name) as file:
        function, args, kwargs = pickle.load(file)  # noqa: S301 - `open_own` has checked its owner
    return call(function, *args, **kwargs)
