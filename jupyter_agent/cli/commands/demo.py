"""``jupyter agent demo``: a real server, a real kernel, a real notebook, watched from the terminal."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path

import click
from rich.console import Console

from ...client import AgentClient
from ...core.task import Task
from ...errors import AgentError
from ...protocol.subscriber import Apply, Restart
from ...transport.discovery import remote_address
from ..jupyter.kernel_session import Cell, kernel_session, read_cells
from ..jupyter.server_process import OwnServer, own_server
from ..output import console
from ..watch.model import Row, WatchModel
from ..watch.view import FEW_LINES, Screen, screen, take
from .help import examples
from .tasks import print_tasks

KERNEL = "python3"
NAME = "quickstart.ipynb"
HERE = "demo"
COMMITTED = Cell(
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
"""Returns once the server has every event that the cells made."""


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
    with _notebook(notebook) as path:
        cells = read_cells(path)
        asyncio.run(_demo(path, cells, keep=keep))


@contextmanager
def _notebook(given: Path | None) -> Iterator[Path]:
    """The notebook to run; the packaged one as a copy, because its own folder may be read-only."""
    if given is not None:
        yield given.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="jupyter-agent-demo-") as folder:
        yield Path(shutil.copy(packaged_notebook(), folder))


def packaged_notebook() -> Path:
    """Where the package (or its source tree) has the quickstart. Raises `AgentError` when neither has."""
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
        page = f"{server.url}jupyter-agent/?token={server.token}"
        terminal.print(f"\nThe tasks page: {page}", markup=False, soft_wrap=True)
        if keep:
            terminal.print("The server goes on until Ctrl-C.")
            await asyncio.Event().wait()
    terminal.print("The server is stopped; 'jupyter agent serve' starts one for the page.", soft_wrap=True)


async def _run(
    client: AgentClient, server: OwnServer, name: str, cells: list[Cell], terminal: Console, known: set[str]
) -> None:
    """Run the cells while their tasks are shown, until the last task has ended."""
    board = WatchModel()
    with screen(board, terminal, FEW_LINES) as view:
        async with aclosing(client.follow()) as news, kernel_session(server, name, KERNEL) as session:
            board.restart(HERE, await _beginning(news))
            shown = asyncio.create_task(_show(client, board, news, view), name="jupyter-agent-demo-view")
            try:
                for cell in [*cells, COMMITTED]:
                    await session.execute(cell)
                await _until_ended(client, known)
            finally:
                shown.cancel()
                await asyncio.wait([shown])
    if not shown.cancelled():
        shown.result()


async def _beginning(news: AsyncGenerator[Restart | Apply]) -> Restart:
    """The first item; without the tasks of before, which are not this notebook's."""
    first = await anext(news)
    return Restart(first.id, [], False, first.cursor)


async def _show(
    client: AgentClient, board: WatchModel, news: AsyncGenerator[Restart | Apply], view: Screen
) -> None:
    async for item in news:
        await take(lambda _, ident: client.task(ident), board, HERE, item, view)


async def _until_ended(client: AgentClient, known: set[str]) -> None:
    """Wait for tasks, beside the *known* ones, that the cells left running in the background."""
    left = [*await client.tasks(state="running", limit=None), *await client.tasks(state="queued", limit=None)]
    for task in left:
        if task.id not in known:
            await _until_one_ended(client, task)


async def _until_one_ended(client: AgentClient, task: Task) -> None:
    row = Row(task, HERE)
    async with aclosing(client.follow([task.id], types=["state"])) as news:
        async for item in news:
            if isinstance(item, Restart):
                row = Row(item.tasks[0], HERE)
            else:
                for event in item.events:
                    row.take(event)
            if row.task.state.ended:
                return
