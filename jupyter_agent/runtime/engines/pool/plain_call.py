"""Plain call of a function in another process: an item of a map."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

from ..calls import value_of


class RemoteCall:
    """A function with its arguments, as another process runs it."""

    def __init__(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._call = (function, args, kwargs)

    def __call__(self) -> Any:
        function, args, kwargs = self._call
        return value_of(partial(function, *args, **kwargs))


class PicklableCall:
    """A call that any executor can pickle, lambdas and notebook functions included."""

    def __init__(self, call: RemoteCall) -> None:
        self._call = call
        import_module("cloudpickle")  # not in the executor's thread, beside which another pool may fork

    def __call__(self) -> Any:
        return self._call()

    def __reduce__(self) -> Any:
        import pickle

        import cloudpickle

        return pickle.loads, (cloudpickle.dumps(self._call),)
