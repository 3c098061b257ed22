"""Real-time collaboration: a person who may not write sees the tasks, and changes nothing in the notebook."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from .lab import Lab, run_cell, wait_for_kernel
from .page_faults import watch_scripts
from .room import DOCUMENT, expect_document, wait_for_people
from .stories import expect_tasks, until

READER = "a-reader"
CONFIG = f"""
from jupyter_server.base.call_context import CallContext
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from tornado.web import HTTPError

def is_reader():
    handler = CallContext.get(CallContext.JUPYTER_HANDLER)
    return handler is not None and handler.request.headers.get("User-Agent") == {READER!r}

class Contents(AsyncLargeFileManager):
    async def get(self, *args, **kwargs):
        model = await super().get(*args, **kwargs)
        return model | {{"writable": model["writable"] and not is_reader()}}

    async def save(self, *args, **kwargs):
        if is_reader():
            raise HTTPError(403, "a reader saves")
        return await super().save(*args, **kwargs)

c.ServerApp.contents_manager_class = Contents
"""
HISTORY = f"Object.fromEntries({DOCUMENT}.ydoc.getMap('jupyter-agent').entries())"


@pytest.fixture(scope="module")
def shared_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("lab")
    (folder / "config").mkdir()
    (folder / "config" / "jupyter_server_config.py").write_text(CONFIG)
    lab = Lab(folder, extension=True, collaboration=True)
    yield lab
    lab.stop()


@pytest.fixture
def reader(browser: Browser, shared_lab: Lab) -> Iterator[Page]:
    """A page that may not write: its scripts leave no error, and the server's log nothing loud."""
    context = browser.new_context(viewport={"width": 1100, "height": 700}, user_agent=READER)
    page = context.new_page()
    faults = watch_scripts(page)
    yield page
    context.close()
    assert faults == []
    assert "\n".join(shared_lab.loud()) == ""


@pytest.fixture
def writer(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1100, "height": 700})
    yield context.new_page()
    context.close()


def test_a_reader_beside_a_writer_sees_each_task_once_and_writes_nothing(
    shared_lab: Lab, reader: Page, writer: Page, tmp_path: Path
) -> None:
    stop = tmp_path / "stop"
    shared_lab.open(writer, "both.ipynb", until(stop))
    wait_for_people(writer, 1)
    shared_lab.visit(reader, "both.ipynb")
    wait_for_kernel(reader)
    wait_for_people(reader, 1)
    run_cell(writer, 0)
    for page in (writer, reader):
        expect_tasks(page, "running")
    reader.reload()
    expect_tasks(reader, "running")
    stop.touch()
    for page in (writer, reader):
        expect_tasks(page, "completed")
    expect_document(shared_lab, [writer, reader], "both.ipynb", ("train", "completed"))


def test_a_reader_alone_shows_the_end_and_leaves_the_document_as_it_is(
    shared_lab: Lab, reader: Page, writer: Page, tmp_path: Path
) -> None:
    stop = tmp_path / "stop"
    shared_lab.open(writer, "alone.ipynb", until(stop))
    wait_for_people(writer, 1)
    run_cell(writer, 0)
    expect_tasks(writer, "running")
    writer.wait_for_function(f"Object.keys({HISTORY}).some((key) => key.startsWith('shown '))")
    history = writer.evaluate(HISTORY)
    shared_lab.visit(reader, "alone.ipynb")
    wait_for_kernel(reader)
    expect_tasks(reader, "running")
    writer.close()
    stop.touch()
    expect_tasks(reader, "completed")
    run_cell(reader, 0)
    expect_tasks(reader, "completed")
    assert reader.evaluate(HISTORY) == history
    assert reader.evaluate(f"{DOCUMENT}.awareness.getLocalState()['jupyter-agent'] ?? null") is None
