"""Common parts of the engines: the work, its run in one thread, and a base class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...errors import TaskCancelled
from ..attempt import Attempt
from ..context import set_current
from ..interrupt import AsyncExceptionInterrupter, SignalInterrupter
from ..stopping.sleep import waking
from .calls import is_coroutine_function


class Work:
    """A function with its arguments."""

    def __init__(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.function = function
        self.args = args
        self.kwargs = kwargs

    def __call__(self) -> Any:
        return waking(self.function)(*self.args, **self.kwargs)

    @property
    def is_coroutine(self) -> bool:
        """Whether calling it returns a coroutine."""
        return is_coroutine_function(self.function)


def run_attempt(
    attempt: Attempt, call: Callable[[], Any], stop: AsyncExceptionInterrupter | SignalInterrupter
) -> None:
    """Run *call* as *attempt* in this thread, from begin to end.

    Raises only an interrupt that arrives while the outcome is being recorded; then, too, the attempt has an
    end.
    """
    before = set_current(attempt.context)

    def call_unless_cancelled() -> Any:
        # The interrupter is open here: a cancel comes before this line, or is raised after it.
        if attempt.context.cancelled:
            raise TaskCancelled("cancelled before it began")
        return call()

    try:
        # From the first step on: a stop button pressed between `begin` and `run` is an outcome too.
        try:
            if not attempt.begin():
                return
            with attempt.context.cancellation.own_thread():
                value = stop.run(call_unless_cancelled)
        except BaseException as error:  # noqa: BLE001 - any exception of the user's code is an outcome
            attempt.raised(error)
        else:
            attempt.completed(value)
    except BaseException as error:
        # A notebook's stop button while the outcome above was recorded. Recording again is safe: an attempt
        # that has its end keeps it.
        attempt.raised(error)
        raise
    finally:
        set_current(before)


class BaseEngine:
    """Holds the attempt; methods that an engine does not override do nothing."""

    kills = False
    reports = True
    note: str | None = None
    interrupted = False
    retries_death = False
    """Whether an attempt whose process died is retried, as one that failed is."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt

    @property
    def thread(self) -> int | None:
        return None

    def withdraw(self) -> bool:
        """Nothing to do: a queued attempt that has ended does not begin."""
        return True

    def hasten(self) -> None:
        """Nothing to do: `force` follows."""

    def interrupt(self) -> None:
        """Nothing to do: `cancel` has interrupted it."""

    def poll(self) -> None:
        """Nothing to check."""

    def abandon(self) -> None:
        """Nothing to do: what runs in this process goes on until it is gone."""

    def answer(self, text: str, prompt_id: str | None) -> bool:
        return self._attempt.context.answer(text, prompt_id)
