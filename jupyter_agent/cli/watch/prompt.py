"""Answering the question of a watched task, at the terminal it is watched on."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable

import click

from ...core.events import Command, Event
from ...core.sanitize import to_single_line
from ...core.snapshots import PromptSnapshot
from ...errors import AgentError
from ...rendering.transcript import decode_payload
from ..backends.base import first_line
from .model import Row

Answer = Callable[[str, str], Awaitable[object]]
"""Sends a text as the answer to the question with an id. Raises `AgentError` when it was not taken."""


class Pausable:
    """What draws by itself, and would draw over what is typed."""

    def pause(self) -> None:
        """Draw no more."""

    def go_on(self) -> None:
        """Draw again."""


def at_a_terminal() -> bool:
    """Whether somebody can type here: standard input is a terminal, and this process is in front."""
    if not sys.stdin.isatty() or not hasattr(os, "tcgetpgrp"):  # not on Windows
        return False
    try:
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except OSError:  # a terminal, but not of this session: behind `su -c`, say
        return False


class Asking:
    """Shows one question at a time and sends the line that is typed; `close` lets the terminal go.

    While a question is open nothing is drawn. When somebody else answers, the half-typed line is thrown away.
    """

    def __init__(self, view: Pausable, answer: Answer) -> None:
        self._view = view
        self._answer = answer
        self._prompt: PromptSnapshot | None = None
        self._reading = False
        self._typed = b""
        self._mine = ""
        self._by = ""
        self._sending: asyncio.Task[None] | None = None

    def event(self, event: Event) -> None:
        """Note whose answer was taken."""
        data = decode_payload(event) if event.type == "command" else None
        if (
            isinstance(data, Command)
            and self._prompt
            and data.args.get("prompt_id") == self._prompt.prompt_id
        ):
            self._by = to_single_line(data.by or "")

    def look(self, row: Row) -> None:
        """The task may ask, or ask something else, or nothing any more."""
        prompt = None if row.task.state.ended else row.task.prompt
        if (prompt and prompt.prompt_id) == (self._prompt and self._prompt.prompt_id):
            return
        if self._prompt is not None:
            self._taken()
        self._prompt, self._by = prompt, ""
        if prompt is not None:
            self._ask(prompt)

    def close(self) -> None:
        """Read no more."""
        self._stop_reading()
        if self._sending is not None:
            self._sending.cancel()

    def _ask(self, prompt: PromptSnapshot) -> None:
        self._view.pause()
        click.echo(f"? {to_single_line(prompt.text)}")
        for number, choice in enumerate(prompt.choices or (), 1):
            click.echo(f"  {number}) {to_single_line(choice)}")
        self._mine, self._typed, self._reading = "", b"", True
        asyncio.get_running_loop().add_reader(sys.stdin.fileno(), self._read)
        self._invite()

    def _invite(self) -> None:
        click.echo("> ", nl=False)

    def _taken(self) -> None:
        """The question is closed: by this terminal's answer, or somebody else's."""
        if self._reading:
            click.echo()
            _forget_typed()
            self._leave()
        if not self._mine:
            click.echo(f"answered by {self._by}" if self._by else "answered elsewhere")

    def _read(self) -> None:
        data = os.read(sys.stdin.fileno(), 4096)
        self._typed += data
        if not data:  # Ctrl-D: not from here
            click.echo()
            self._leave()
        elif self._typed.endswith(b"\n"):
            line = self._typed.decode(errors="replace").strip()
            self._typed = b""
            self._line(line)

    def _line(self, line: str) -> None:
        assert self._prompt is not None
        if not line:
            self._invite()
            return
        self._mine = chosen(self._prompt, line)
        self._leave()
        send = self._send(self._prompt.prompt_id, self._mine)
        self._sending = asyncio.create_task(send, name="jupyter-agent-answer")

    async def _send(self, prompt_id: str, text: str) -> None:
        try:
            await self._answer(prompt_id, text)
        except AgentError as error:
            self._mine = ""
            click.echo(to_single_line(first_line(error)))

    def _leave(self) -> None:
        self._stop_reading()
        self._view.go_on()

    def _stop_reading(self) -> None:
        if self._reading:
            self._reading = False
            asyncio.get_running_loop().remove_reader(sys.stdin.fileno())


def _forget_typed() -> None:
    import termios

    termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)


def chosen(prompt: PromptSnapshot, line: str) -> str:
    """The answer that *line* means: a choice by its number, or the text itself."""
    choices = prompt.choices or ()
    if line not in choices and line.isdecimal() and 1 <= int(line) <= len(choices):
        return choices[int(line) - 1]
    return line
