"""Function targets: ``module:function`` with arguments by name."""

from __future__ import annotations

from typing import Any

from ...detached.targets import FunctionTarget
from .arguments import bind_arguments
from .callables import call, find_function


def run(target: FunctionTarget) -> Any:
    """Call the function and return its result.

    Raises `BadTarget` when it cannot be found or its arguments do not fit, and what it raises.
    """
    function = find_function(target.function)
    args, kwargs = bind_arguments(function, target.parameters)
    return call(function, *args, **kwargs)
