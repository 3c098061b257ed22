"""Where attempts run in this process: a thread, the running event loop, a given executor."""

from __future__ import annotations

from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import Any

from ...errors import TaskCancelled
from ..attempt import Attempt
from ..context import set_current
from ..interrupt import AsyncExceptionInterrupter, SignalInterrupter


class Work:
    """A function with its arguments."""

    def __init__(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.function = function
        self.args = args
        self.kwargs = kwargs

    def __call__(self) -> Any:
        return self.function(*self.args, **self.kwargs)

    @property
    def is_coroutine(self) -> bool:
        """Whether calling it gives a coroutine."""
        return iscoroutinefunction(self.function)


def run_attempt(
    attempt: Attempt, call: Callable[[], Any], stop: AsyncExceptionInterrupter | SignalInterrupter
) -> None:
    """Run *call* as *attempt* in this thread, begin to end.

    Raises nothing but what hits it while how the attempt ended is being kept; it has an end then, too.
    """
    if not attempt.begin():
        return
    if attempt.context.cancelled:
        attempt.raised(TaskCancelled("cancelled before it began"))
        return
    before = set_current(attempt.context)
    try:
        try:
            value = stop.run(call)
        except BaseException as error:  # noqa: BLE001 - whatever the user's code raises is how it ended
            attempt.raised(error)
        else:
            attempt.completed(value)
    except BaseException as error:  # a notebook's stop button
        attempt.raised(error)
        raise
    finally:
        set_current(before)


class BaseEngine:
    """What engines have in common: the attempt, and nothing to do where an engine does not say."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt

    def poll(self) -> None:
        """Nothing to look at."""

    def abandon(self) -> None:
        """It ends with its process."""

    def answer(self, text: str, prompt_id: str | None) -> bool:
        return self._attempt.context.answer(text, prompt_id)
