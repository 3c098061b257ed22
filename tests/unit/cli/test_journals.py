"""A journal whose holder changes between two questions."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from jupyter_agent.cli.backends.journals import Journals
from jupyter_agent.errors import ServerUnreachable
from jupyter_agent.system.paths import DataPaths


class Source:
    """Opened again and again; asked the first time, it is gone."""

    def __init__(self) -> None:
        self.asked = 0
        self.closed = 0

    async def answer(self) -> str:
        self.asked += 1
        if self.asked == 1:
            raise ServerUnreachable("it went away just now")
        return "here"

    def close(self) -> None:
        self.closed += 1


def ask(paths: DataPaths, monkeypatch: pytest.MonkeyPatch, source: Source, *, once: bool) -> str:
    async def opened(self: Journals, slot: str) -> Any:
        return source

    async def answer(_: Any) -> str:
        return await source.answer()

    monkeypatch.setattr(Journals, "open", opened)
    return asyncio.run(Journals(paths).use("default", answer, once=once))


def test_a_server_that_goes_away_between_two_questions_is_looked_for_again(
    paths: DataPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Source()
    assert ask(paths, monkeypatch, source, once=False) == "here"
    assert (source.asked, source.closed) == (2, 2)


def test_what_may_be_done_only_once_is_not_asked_again(
    paths: DataPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Source()
    with pytest.raises(ServerUnreachable):
        ask(paths, monkeypatch, source, once=True)
    assert (source.asked, source.closed) == (1, 1)
