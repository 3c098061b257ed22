"""Body of a tracked loop that a generator runs: the code for which the loop's task is current.

Between its steps a generator is suspended, and other code executes in the same thread with the same context
variables. The body is what the generator executes, and what takes its items: the body of a ``for`` loop over
it, or the call that consumes it. What follows a ``next`` is no body. All this is found out when the current
task is asked for, and only for a loop inside a generator.
"""

from __future__ import annotations

import asyncio
import dis
import inspect
import sys
import threading
import weakref
from collections.abc import Iterator
from types import CodeType, FrameType
from typing import Any, NamedTuple

from ...runtime.context import AnyContext, TaskContext
from ...runtime.stopping.scope import current_task, is_ipythons

_GENERATOR = inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR
_STEPS = ("__next__", "__anext__")
"""Functions that take an item from a generator for the code that calls them."""


def is_generator(frame: FrameType) -> bool:
    """Return whether *frame* may be suspended, with its context variables left to other code."""
    return bool(frame.f_code.co_flags & _GENERATOR)


class ContextOfBody:
    """What is current where a loop began inside a generator: *loop* in its body, else *before*."""

    def __init__(self, loop: TaskContext, before: AnyContext, body: LoopBody) -> None:
        self._loop = loop
        self._before = before
        self._body = body

    @property
    def is_settled(self) -> bool:
        """Whether the loop was left."""
        return self._loop.replaced_by is not None

    @property
    def replaced_by(self) -> AnyContext:
        """The loop's context, or the one of before."""
        if self.is_settled or not self._body.executes():
            return self._before
        return self._loop


class _Part(NamedTuple):
    """Code that belongs to the body: what *code* does at the offsets from *first* until before *end*.

    It also does what it does from *rare*, where the compiler puts handlers of exceptions.
    """

    code: CodeType
    first: int
    end: int
    rare: int


class LoopBody:
    """The body of the loop in the generator's *frame*. Keeps no frame, which would keep the iterator."""

    def __init__(self, frame: FrameType) -> None:
        self._thread = threading.get_ident()
        task = current_task()
        self._around = (lambda: None) if task is None else weakref.ref(task)
        self._parts = dict(_parts(frame))

    def executes(self) -> bool:
        """Return whether this thread executes the body. True in other threads, and in asyncio tasks of the
        user's: they got the loop's context from it."""
        if threading.get_ident() != self._thread:
            return True
        task = current_task()
        if task is not self._around() and not (task is not None and _runs_a_cell(task)):
            return True
        frame: FrameType | None = sys._getframe()  # noqa: SLF001
        while frame is not None:
            part = self._parts.get(id(frame))
            if part is not None and part.code is frame.f_code:
                at = frame.f_lasti
                if part.first <= at < part.end or at >= part.rare:
                    return True
            frame = frame.f_back
        return False


def _runs_a_cell(task: asyncio.Task[Any]) -> bool:
    """Return whether *task* is the kernel's own, which passes its context variables on to the next cell's."""
    frame = getattr(task.get_coro(), "cr_frame", None)
    return frame is not None and is_ipythons(frame)


def _parts(frame: FrameType) -> Iterator[tuple[int, _Part]]:
    """Yield the parts of the body by the id of their frame: the generator, and what takes its items."""
    yield id(frame), _Part(frame.f_code, 0, sys.maxsize, sys.maxsize)
    passes_on, consumer = True, frame.f_back
    while passes_on and consumer is not None:
        yield id(consumer), _part(consumer)
        passes_on = is_generator(consumer) or consumer.f_code.co_name in _STEPS
        consumer = consumer.f_back


def _part(frame: FrameType) -> _Part:
    """Return what *frame* does with the item that it takes now: the loop's body, or this one instruction."""
    code, at = frame.f_code, frame.f_lasti
    bytecode = dis.Bytecode(code)
    instructions = {one.offset: one for one in bytecode}
    entries: list[Any] = list(getattr(bytecode, "exception_entries", ()))
    end = at + 1
    if (now := instructions.get(at)) is not None and now.opname == "FOR_ITER":
        end = now.argval
    elif (before := instructions.get(at - 4)) is not None and before.opname == "GET_ANEXT":  # of `async for`
        end = min((one.target for one in entries if one.start <= at < one.end), default=end)
    handlers = [one.target for one in entries if at <= one.start < end <= one.target]
    return _Part(code, at, end, min(handlers, default=sys.maxsize))
