"""Answering a watched task's question at the terminal where it is watched."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Protocol

import click

from ...core.events import Command, Event
from ...core.sanitize import to_single_line
from ...core.snapshots import PromptSnapshot
from ...errors import AgentError
from ...rendering.transcript import decode_payload
from ..backends.base import first_line
from .model import Row

Answer = Callable[[str, str], Awaitable[object]]
"""Sends the answer to the question with an id. Raises `AgentError` when it was refused."""


class Pausable(Protocol):
    """A view that redraws itself, and would draw over what is typed."""

    def pause(self) -> None:
        """Stop drawing."""

    def resume(self) -> None:
        """Draw again."""


def can_type() -> bool:
    """Return whether standard input is a terminal and this process is in its foreground."""
    if not sys.stdin.isatty() or not hasattr(os, "tcgetpgrp"):  # not on Windows
        return False
    try:
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except OSError:  # a terminal of another session, as behind `su -c`
        return False


class PromptReader:
    """Shows one question at a time and sends the line that is typed; `close` releases the terminal.

    While a question is open the view is paused. When another client answers, a half-typed line is discarded.
    """

    def __init__(self, view: Pausable, answer: Answer) -> None:
        self._view = view
        self._answer = answer
        self._prompt: PromptSnapshot | None = None
        self._reading = False
        self._typed = b""
        self._own_answer = ""
        self._answered_by = ""
        self._sending: asyncio.Task[None] | None = None

    def event(self, event: Event) -> None:
        """Remember who answered the open question."""
        data = decode_payload(event) if event.type == "command" else None
        if (
            isinstance(data, Command)
            and self._prompt
            and data.args.get("prompt_id") == self._prompt.prompt_id
        ):
            self._answered_by = to_single_line(data.by or "")

    def update(self, row: Row) -> None:
        """Ask the task's question, when it has a new one; take away a question that is closed."""
        prompt = None if row.task.state.ended else row.task.prompt
        if (prompt and prompt.prompt_id) == (self._prompt and self._prompt.prompt_id):
            return
        if self._prompt is not None:
            self._take_away()
        self._prompt, self._answered_by = prompt, ""
        if prompt is not None:
            self._ask(prompt)

    def close(self) -> None:
        """Stop reading. Idempotent."""
        self._stop_reading()
        if self._sending is not None:
            self._sending.cancel()

    def _ask(self, prompt: PromptSnapshot) -> None:
        self._view.pause()
        click.echo(f"? {to_single_line(prompt.text)}")
        for number, choice in enumerate(prompt.choices or (), 1):
            click.echo(f"  {number}) {to_single_line(choice)}")
        self._own_answer, self._typed, self._reading = "", b"", True
        asyncio.get_running_loop().add_reader(sys.stdin.fileno(), self._read)
        self._print_invitation()

    def _print_invitation(self) -> None:
        click.echo("> ", nl=False)

    def _take_away(self) -> None:
        """Take the question away: it was answered here, or by another client."""
        if self._reading:
            click.echo()
            _discard_typed()
            self._resume_view()
        if not self._own_answer:
            click.echo(f"answered by {self._answered_by}" if self._answered_by else "answered elsewhere")

    def _read(self) -> None:
        data = os.read(sys.stdin.fileno(), 4096)
        self._typed += data
        if not data:  # Ctrl-D: the answer will come from another client
            click.echo()
            self._resume_view()
        elif self._typed.endswith(b"\n"):
            line = self._typed.decode(errors="replace").strip()
            self._typed = b""
            self._answer_with(line)

    def _answer_with(self, line: str) -> None:
        assert self._prompt is not None
        if not line:
            self._print_invitation()
            return
        self._own_answer = chosen_answer(self._prompt, line)
        self._resume_view()
        send = self._send(self._prompt.prompt_id, self._own_answer)
        self._sending = asyncio.create_task(send, name="jupyter-agent-answer")

    async def _send(self, prompt_id: str, text: str) -> None:
        try:
            await self._answer(prompt_id, text)
        except AgentError as error:
            self._own_answer = ""
            click.echo(to_single_line(first_line(error)))

    def _resume_view(self) -> None:
        self._stop_reading()
        self._view.resume()

    def _stop_reading(self) -> None:
        if self._reading:
            self._reading = False
            asyncio.get_running_loop().remove_reader(sys.stdin.fileno())


def _discard_typed() -> None:
    import termios

    termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)


def chosen_answer(prompt: PromptSnapshot, line: str) -> str:
    """Return the answer that *line* means: a choice by its number, or the text itself."""
    choices = prompt.choices or ()
    if line not in choices and line.isdecimal() and 1 <= int(line) <= len(choices):
        return choices[int(line) - 1]
    return line
