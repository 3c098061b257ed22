"""Output of a child process that reads it itself, as far as its parent has to do with it."""

from __future__ import annotations

import codecs
import os
from contextlib import ExitStack
from typing import Literal

from .overflow import Overflow, Rescuer
from .pipes import CHUNK, open_output_pipe, waiting_bytes

OutputPart = tuple[Literal["stdout", "stderr"], str]
"""The stream's name and the text."""

_NAMES: tuple[Literal["stdout", "stderr"], ...] = ("stdout", "stderr")


class ChildOutput:
    """The pipes into which a child process redirects its output, to read it itself, and their overflow.

    Its parent keeps them open: what the child wrote last, when it crashed, it cannot read any more. Raises
    `OSError` when there are no more descriptors.
    """

    def __init__(self) -> None:
        self.pipes: list[tuple[int, int]] = []
        self._has_writers = True
        with ExitStack() as stack:
            stack.callback(self._close_pipes)
            for _ in _NAMES:
                self.pipes.append(open_output_pipe())
            self.overflow = Overflow.new()
            stack.callback(self.overflow.close)
            self.rescuer = Rescuer([reading for reading, _ in self.pipes], self.overflow)
            stack.pop_all()

    @property
    def fds(self) -> list[int]:
        """What the child needs: all ends, and the overflow."""
        return [self.overflow.fd, *(fd for pipe in self.pipes for fd in pipe)]

    @property
    def kept(self) -> list[int]:
        """What the parent needs: the ends to read from, and the overflow."""
        return [self.fds[0], *(reading for reading, _ in self.pipes)]

    def started(self) -> None:
        """Close what only the child writes to. Idempotent."""
        if self._has_writers:
            self._has_writers = False
            for _, writing in self.pipes:
                os.close(writing)

    def rest(self) -> list[OutputPart]:
        """Return the texts that the child, which is gone, has left unread."""
        # Of each stream, since a part may end in the middle of a character.
        decoders = [codecs.getincrementaldecoder("utf-8")("replace") for _ in _NAMES]
        found: list[OutputPart] = [
            (_NAMES[pipe], decoders[pipe].decode(data)) for pipe, data in self.overflow.unread()
        ]
        for name, decoder, (reading, _) in zip(_NAMES, decoders, self.pipes, strict=True):
            waiting = waiting_bytes(reading)  # and no more: a program that it started may go on writing
            while waiting > 0:
                data = os.read(reading, min(waiting, CHUNK))
                waiting -= len(data)
                found.append((name, decoder.decode(data)))
            found.append((name, decoder.decode(b"", final=True)))
        return [(name, text) for name, text in found if text]

    def close(self) -> None:
        """Close all ends. Once."""
        self._close_pipes()
        self.overflow.close()

    def _close_pipes(self) -> None:
        self.started()
        for reading, _ in self.pipes:
            os.close(reading)
