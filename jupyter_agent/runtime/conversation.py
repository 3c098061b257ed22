"""Conversation of a task with people: one open question at a time, and texts sent without one."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from ..core.events import Data, Input, Message, Prompt
from ..system.ids import new_id
from .output.log_parts import PART

Emit = Callable[[str, Data], None]


class _Question:
    """One question; `answer` is ``None`` while it is open."""

    def __init__(self) -> None:
        self.id = new_id()
        self.answer: str | None = None


class Conversation:
    """The conversation of one attempt. Thread-safe.

    *check* is called whenever a waiting thread is woken, and raises to end the wait. *may_block*: whether
    the attempt has a thread of its own, which may wait.
    """

    def __init__(self, emit: Emit, check: Callable[[], None], *, may_block: bool = True) -> None:
        self._may_block = may_block
        self._emit = emit
        self._check = check
        self._open: _Question | None = None
        self._unasked: deque[str] = deque()
        self.renew_locks()

    def renew_locks(self) -> None:
        """See `LockOwner`; its attempt calls this."""
        # Questions and answers are emitted while this is held, so that the log has them in the order in
        # which they happened and no answer precedes its question.
        self._changed = threading.Condition()

    def check_blocking(self, word: str) -> None:
        """Raise `RuntimeError` where the call *word* would block the kernel's event loop."""
        if not self._may_block:
            raise RuntimeError(
                f"{word} would block the kernel's event loop; run this task with on='thread', not on='loop'"
            )

    def say(self, text: str, role: str, stream: str | None) -> str:
        """Emit a message, or a part of the message *stream*; its id."""
        message = stream or new_id()
        for start in range(0, len(text) or 1, PART):
            part = text[start : start + PART]
            self._emit("message", Message(role, part, message, delta=stream is not None or start > 0))
        return message

    def ask(
        self, text: str, choices: Sequence[str] | None, timeout: float | None, default: str | None
    ) -> str:
        """Emit a question and wait at most *timeout* seconds for its first answer.

        Questions of other threads wait their turn. After the timeout *default* is the answer; without one:
        raises `TimeoutError`.
        """
        deadline = _deadline(timeout)
        with self._changed:
            if self._wait(lambda: self._open is None, deadline):
                with self._question(text, choices) as question:
                    self._wait(lambda: question.answer is not None, deadline)
                    if question.answer is None and default is not None:
                        self._close(question, default, "default")
                    if question.answer is not None:
                        return question.answer
            elif default is not None:
                return default
        raise TimeoutError(f"no answer within {timeout} s")

    def receive(self, timeout: float | None) -> str:
        """Wait for the next text sent without a question. Raises `TimeoutError` after *timeout* seconds."""
        with self._changed:
            if not self._wait(lambda: bool(self._unasked), _deadline(timeout)):
                raise TimeoutError(f"no text within {timeout} s")
            return self._unasked.popleft()

    def deliver(self, text: str, prompt_id: str | None) -> bool:
        """Deliver a person's *text* to the question *prompt_id*, or to whichever is open.

        False when that question is no longer open: the answer came too late and is dropped.
        """
        with self._changed:
            question = self._open
            if prompt_id is not None and (question is None or prompt_id != question.id):
                return False
            if question is not None:
                self._close(question, text, "user")
            else:
                self._emit("input", Input(text))
                self._unasked.append(text)
                self._changed.notify_all()
            return True

    def wake(self) -> None:
        """Make every waiting thread check again."""
        with self._changed:
            self._changed.notify_all()

    @contextmanager
    def _question(self, text: str, choices: Sequence[str] | None) -> Iterator[_Question]:
        """Hold a question open; it is withdrawn if the block is left without an answer."""
        question = self._open = _Question()
        try:
            self._emit("prompt", Prompt(question.id, text, None if choices is None else tuple(choices)))
            yield question
        finally:
            if question.answer is None:
                self._close(question, "", "nobody")

    def _close(self, question: _Question, text: str, role: str) -> None:
        # Emit before waking the asker: what the task does with the answer comes after it in the log.
        self._emit("input", Input(text, question.id, role))
        question.answer, self._open = text, None
        self._changed.notify_all()

    def _wait(self, ready: Callable[[], bool], deadline: float | None) -> bool:
        """Wait until *ready* returns true; false at the *deadline*."""
        while not ready():
            self._check()
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                return False
            self._changed.wait(left)
        self._check()
        return True


def _deadline(timeout: float | None) -> float | None:
    return None if timeout is None else time.monotonic() + timeout
