"""Pickled targets: a function of a notebook with its arguments."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

from ...system.start import use_caller_path
from .callables import call


def run(content: Path) -> Any:
    """Call the function that is pickled in *content* and return its result.

    Raises what it raises, and what unpickling raises when a module is missing here.
    """
    use_caller_path()
    function, args, kwargs = pickle.loads(content.read_bytes())  # noqa: S301 - this user's own file
    return call(function, *args, **kwargs)
