"""A journal that is opened after the server's start: what fails on the way leaves nothing open."""

from __future__ import annotations

import asyncio
import errno
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from jupyter_agent.errors import JournalError
from jupyter_agent.journal.slots import try_slot
from jupyter_agent.server import opening
from jupyter_agent.server.extension import JupyterAgent
from jupyter_agent.server.opening import STOPS, JournalOpening, off, open_journal_beside
from jupyter_agent.system.paths import DataPaths


@pytest.fixture
def app(paths: DataPaths, monkeypatch: pytest.MonkeyPatch) -> JupyterAgent:
    """The extension of a server that started without a journal."""
    web_app = SimpleNamespace(settings={})
    server = SimpleNamespace(kernel_manager=None, web_app=web_app, shutdown_no_activity_timeout=0)
    monkeypatch.setattr(JupyterAgent, "_app", server)
    app = JupyterAgent()
    app._paths = paths
    return app


def is_free(paths: DataPaths) -> bool:
    """Whether the one journal that there is can be opened by anybody."""
    assert [folder.name for folder in paths.journals.iterdir()] == ["default"]
    slot = try_slot(paths, "default")
    if slot is not None:
        slot.release()
    return slot is not None


@pytest.mark.asyncio
async def test_a_begin_that_fails_leaves_no_journal_open(
    app: JupyterAgent, paths: DataPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(JupyterAgent, "_begin", fail)
    service = JournalOpening(app._none, app._open_later, app.log)
    for _ in range(3):
        assert await service.tick() == service.interval()
        assert app.services is None
        assert is_free(paths)
        assert app._none.why == off(OSError(errno.ENOSPC, "No space left on device"))


@pytest.mark.asyncio
async def test_once_it_is_open_the_only_reason_to_have_none_is_that_the_server_stops(
    app: JupyterAgent, paths: DataPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def begin(*_: Any) -> None: ...

    monkeypatch.setattr(JupyterAgent, "_begin", begin)
    app._none.why = off(JournalError("the disk is full"))
    assert await JournalOpening(app._none, app._open_later, app.log).tick() == float("inf")
    assert app.services is not None
    assert not is_free(paths)
    assert app._none.why == STOPS
    await app.stop_extension()
    assert is_free(paths)


@pytest.mark.asyncio
async def test_a_cancelled_opening_that_fails_is_cancelled(
    paths: DataPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def fail(_: DataPaths) -> Any:
        begun.set()
        assert go_on.wait(20)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(opening, "open_journal", fail)
    task = asyncio.create_task(open_journal_beside(paths))
    await asyncio.to_thread(begun.wait, 20)
    task.cancel()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.asyncio
async def test_a_journal_that_is_opened_too_late_is_closed_again(
    paths: DataPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on, real = threading.Event(), threading.Event(), opening.open_journal

    def slow(paths: DataPaths) -> Any:
        begun.set()
        assert go_on.wait(20)
        return real(paths)

    monkeypatch.setattr(opening, "open_journal", slow)
    task = asyncio.create_task(open_journal_beside(paths))
    await asyncio.to_thread(begun.wait, 20)
    task.cancel()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert is_free(paths)


def test_each_server_has_its_own_reason(tmp_path: Path) -> None:
    one, other = JupyterAgent(), JupyterAgent()
    one._none.why = off(JournalError(f"{tmp_path} is full"))
    assert other._none.why == STOPS
