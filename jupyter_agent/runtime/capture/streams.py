"""``sys.stdout`` and ``sys.stderr`` as tasks see them: recorded, and redirected for their own code only.

The streams are wrapped, not replaced: everything but `write` is the stream's own. What is assigned to
``sys.stdout`` later on (`contextlib.redirect_stdout`, ``%%capture``, a tee) becomes a `Redirect`: it holds
for the code that assigned it and for tasks submitted meanwhile, not for tasks that were running before.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from ..context import TaskContext, current, order
from .held_streams import unrecorded_write
from .recording import muted, recording_context, write_unrecorded


class Tee:
    """A stream that also records what a task writes to it as events of that task."""

    def __init__(self, stream: Any, name: str) -> None:
        object.__setattr__(self, "_name", name)
        self.set_stream(stream)

    def set_stream(self, stream: Any) -> None:
        """Write to *stream* from now on."""
        object.__setattr__(self, "_stream", stream)
        # Past the recording of the stream itself, which is for code that kept it from before.
        object.__setattr__(self, "_write", unrecorded_write(stream))

    def write(self, text: str) -> int:
        if not current().id:
            return self._write(text)
        return self._write_recorded(text)

    def _write_recorded(self, text: str) -> int:
        context = recording_context()
        if context is None:
            return write_unrecorded(self._stream, self._write, text)
        if context.screen.before_output is not None:
            context.screen.expect_output()
        with muted:  # a tee of the user's hands it on to a stream that records as well
            count = context.outlets.write(self._stream, self._write, text)
        if isinstance(text, str):
            context.stream(self._name).write(text)
        return count

    _write: Callable[[str], int]

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def visible(self, _context: TaskContext) -> Any:
        """Return the stream that *context* writes to."""
        return self._stream

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        """The class of the wrapped stream, for `isinstance`."""
        return type(self.visible(current()))

    def __getattr__(self, name: str) -> Any:
        context = current()
        stream = self.visible(context)
        return context.outlets.flush_of(stream) if name == "flush" and context.id else getattr(stream, name)

    def __setattr__(self, name: str, value: Any) -> None:
        # While a cell runs, IPython replaces `write` by a function that calls the previous one: this one.
        if name == "write":
            object.__setattr__(self, name, value)
        else:
            setattr(self.visible(current()), name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self.visible(current()), name)

    def __iter__(self) -> Any:
        return iter(self.visible(current()))

    def __enter__(self) -> Any:
        return self.visible(current()).__enter__()

    def __exit__(self, *details: object) -> Any:
        return self.visible(current()).__exit__(*details)

    def __repr__(self) -> str:
        return repr(self.visible(current()))

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.visible(current()).__reduce_ex__(protocol)


class Redirect(Tee):
    """A stream that was assigned to ``sys.stdout`` or ``sys.stderr`` by *owner*; others write to *below*."""

    def __init__(self, stream: Any, name: str, owner: TaskContext, below: Tee) -> None:
        super().__init__(stream, name)
        object.__setattr__(self, "owner", owner)
        object.__setattr__(self, "below", below)
        object.__setattr__(self, "is_open", True)
        object.__setattr__(self, "_opened", next(order))

    def write(self, text: str) -> int:
        context = current()
        wrapper = self._wrapper_for(context)
        if type(wrapper) is Redirect and wrapper.owner is context:  # redirected output stays redirected
            return wrapper._write(text)  # noqa: SLF001
        return wrapper._write_recorded(text)  # noqa: SLF001

    def visible(self, context: TaskContext) -> Any:
        return self._wrapper_for(context)._stream  # noqa: SLF001

    def set_open(self, is_open: bool) -> None:
        """Let it hold, or no longer."""
        object.__setattr__(self, "is_open", is_open)

    def _wrapper_for(self, context: TaskContext) -> Tee:
        wrapper: Tee = self
        if not self.is_open and context is self.owner:  # kept after its end: it is the stream that it was
            return wrapper
        while type(wrapper) is Redirect and not wrapper._holds_for(context):  # noqa: SLF001
            wrapper = wrapper.below
        return wrapper

    def _holds_for(self, context: TaskContext) -> bool:
        if not self.is_open:
            return False
        if context is self.owner:
            return True
        # Of a task that was submitted inside of it, by the code that opened it.
        return bool(context.id) and context.submitter == self.owner.id and context.born > self._opened


def is_ours(stream: Any) -> bool:
    """Return whether *stream* is a `Tee` or a `Redirect`."""
    return type(stream) in (Tee, Redirect)


def untee(stream: Any) -> Any:
    """Return the stream that the current code really writes to; any other stream as it is."""
    return stream.visible(current()) if is_ours(stream) else stream


def shown_to(context: TaskContext, name: str) -> Any:
    """Return the stream *name* that *context* writes to, where nothing is recorded."""
    stream = getattr(sys, name)
    return context.outlets.named(stream.visible(context) if is_ours(stream) else stream)


def assigned(top: Any, value: Any, name: str) -> Any:
    """Return what becomes of ``sys.<name>``, now *top*, when the current code assigns *value* to it."""
    if not is_ours(top) or value is None:
        return value
    target = _wrapper_of(top, value) or _base_for(top, value)
    if target is None:
        return value if is_ours(value) else Redirect(value, name, current(), _open_part(top))
    _close_above(top, target)
    return _open_part(top)


def _wrapper_of(top: Tee, value: Any) -> Tee | None:
    """Return the wrapper among *top* and those below it that *value* is, or is wrapped by."""
    for wrapper in _chain(top):
        if wrapper is value or wrapper._stream is value:  # noqa: SLF001
            return wrapper
    # A wrapper that was taken out meanwhile: what was below it then.
    return _wrapper_of(top, value.below) if type(value) is Redirect else None


def _base_for(top: Tee, value: Any) -> Tee | None:
    """Return the lowest wrapper, now of *value*, where a redirection was open when it was made."""
    base = _chain(top)[-1]
    stream = base._stream  # noqa: SLF001
    if is_ours(value) or _is_real(stream) or not (_is_real(value) or getattr(stream, "closed", False)):
        return None
    base.set_stream(value)
    return base


def _is_real(stream: Any) -> bool:
    """Return whether *stream* is one that the interpreter or the kernel began with."""
    kernels = ("ipykernel.", "xeus_python_shell.", "xpython.")
    return stream in (sys.__stdout__, sys.__stderr__) or f"{type(stream).__module__}.".startswith(kernels)


def _close_above(top: Tee, target: Tee) -> None:
    """Close what the current code has assigned since *target*; what other code has assigned stays."""
    owner = current()
    for wrapper in _chain(top):
        if wrapper is target:
            break
        if isinstance(wrapper, Redirect) and wrapper.owner is owner:
            wrapper.set_open(False)
    if type(target) is Redirect and target.owner is owner:
        target.set_open(True)


def _open_part(top: Tee) -> Tee:
    """Return *top* without the closed redirects on it, and those of tasks that have ended."""
    while type(top) is Redirect and (not top.is_open or top.owner.closed):
        top = top.below
    return top


def _chain(top: Tee) -> list[Tee]:
    chain = [top]
    while type(top) is Redirect:
        top = top.below
        chain.append(top)
    return chain
