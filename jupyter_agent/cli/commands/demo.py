"""``jupyter agent demo``: a notebook run in a server of its own, watched from the terminal."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import uuid
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console

from ...client import AgentClient
from ...core.task import Task
from ...errors import AgentError
from ...protocol.subscriber import Apply, Restart
from ...system.paths import data_paths, ensure_temporary_folder
from ...transport.discovery import remote_address
from ..jupyter.kernel_session import Cell, kernel_session, read_cells
from ..jupyter.server_process import OwnServer, own_server
from ..output import console
from ..watch.model import Row, WatchModel
from ..watch.screen import FEW_LINES, Screen, open_screen
from ..watch.view import show_item
from .help import examples
from .tasks import print_tasks

KERNEL = "python3"
NAME = "quickstart.ipynb"
JOURNAL = "demo"
"""The name of the server's journal in the watch model; there is only one."""

FLUSH_CELL = Cell(
    0,
    "committed",
    """try:
    from jupyter_agent.producer.producer import existing_producer
except ImportError:
    pass
else:
    existing_producer() and existing_producer().flush(10)
""",
)
"""Returns once the server has committed every event of the cells."""


@click.command(
    short_help="See tasks of a notebook run here.",
    epilog=examples("demo", "demo --keep", "demo --notebook train.ipynb"),
)
@click.option(
    "--notebook",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Run this notebook, where it is, instead of the one that comes with the package.",
)
@click.option("--keep", is_flag=True, help="Leave the server running until Ctrl-C.")
def demo(*, notebook: Path | None, keep: bool) -> None:
    """Run a notebook in a Jupyter server of its own and show its tasks as they go."""
    ensure_temporary_folder(data_paths())
    with _notebook(notebook) as path:
        cells = read_cells(path)
        if notebook is None:
            cells = [_nowhere_else(cell) for cell in cells]
        asyncio.run(_demo(path, cells, keep=keep))


@contextmanager
def _notebook(given: Path | None) -> Iterator[Path]:
    """Yield the notebook to run: the packaged one as a copy, because its own folder may be read-only."""
    if given is not None:
        yield given.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="jupyter-agent-demo-") as folder:
        yield Path(shutil.copy(packaged_notebook(), folder))


def _nowhere_else(cell: Cell) -> Cell:
    """Return *cell* with an id of its own: its tasks must not be put into the notebook it was copied from."""
    return replace(cell, id=uuid.uuid4().hex[:8])


def packaged_notebook() -> Path:
    """Return the path of the quickstart in the package or its source tree. Raises `AgentError`."""
    package = Path(__file__).parents[2]
    for folder in (package.parent / "notebooks", package / "notebooks"):
        if (folder / NAME).is_file():
            return folder / NAME
    raise AgentError(f"{NAME} is not installed with this package; name a notebook with --notebook")


async def _demo(path: Path, cells: list[Cell], *, keep: bool) -> None:
    terminal = console()
    terminal.print(f"Starting a Jupyter server for {path.name} …", markup=False)
    async with own_server(path.parent) as server:
        async with AgentClient(remote_address(server.url, server.token)) as client:
            known = {task.id for task in await client.tasks(limit=None)}
            await _run(client, server, path.name, cells, terminal, known)
            made = [task for task in await client.tasks(limit=None) if task.id not in known]
        terminal.print(f"\nThe history of {path.name}:", markup=False)
        print_tasks(made)
        if keep:
            page = f"{server.url}jupyter-agent/?token={server.token}"
            terminal.print(f"\nThe tasks page: {page}", markup=False, soft_wrap=True)
            terminal.print("The server keeps running until Ctrl-C.")
            await asyncio.Event().wait()
    terminal.print(
        "\nThe server is stopped; 'jupyter agent serve' starts one with the tasks page.", soft_wrap=True
    )


async def _run(
    client: AgentClient, server: OwnServer, name: str, cells: list[Cell], terminal: Console, known: set[str]
) -> None:
    """Run the cells while their tasks are shown, until the last task has ended."""
    model = WatchModel()
    with open_screen(model, terminal, FEW_LINES) as screen:
        async with aclosing(client.follow()) as items, kernel_session(server, name, KERNEL) as session:
            model.restart(JOURNAL, await _beginning(items))
            shown = asyncio.create_task(_show(client, model, items, screen), name="jupyter-agent-demo-view")
            try:
                for cell in [*cells, FLUSH_CELL]:
                    await session.execute(cell)
                await _until_ended(client, known)
            finally:
                shown.cancel()
                await asyncio.wait([shown])
    if not shown.cancelled():
        shown.result()


async def _beginning(items: AsyncGenerator[Restart | Apply]) -> Restart:
    """Return the first item without its tasks: those that exist already are not this notebook's."""
    first = await anext(items)
    return Restart(first.id, [], False, first.cursor)


async def _show(
    client: AgentClient, model: WatchModel, items: AsyncGenerator[Restart | Apply], screen: Screen
) -> None:
    async for item in items:
        await show_item(lambda _, ident: client.task(ident), model, JOURNAL, item, screen)


async def _until_ended(client: AgentClient, known: set[str]) -> None:
    """Wait for the tasks that the cells left running; the *known* ones are not theirs."""
    left = [*await client.tasks(state="running", limit=None), *await client.tasks(state="queued", limit=None)]
    for task in left:
        if task.id not in known:
            await _until_one_ended(client, task)


async def _until_one_ended(client: AgentClient, task: Task) -> None:
    row = Row(task, JOURNAL)
    async with aclosing(client.follow([task.id], types=["state"])) as items:
        async for item in items:
            if isinstance(item, Restart):
                row = Row(item.tasks[0], JOURNAL)
            else:
                for event in item.events:
                    row.apply(event)
            if row.task.state.ended:
                return
