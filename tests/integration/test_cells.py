"""The tasks of a notebook's cells over HTTP, with a real kernel and with what kernels may say."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from jupyter_agent.core.events import About, State, TaskState
from jupyter_agent.system.ids import new_id
from tests.support import kernels, servers
from tests.support.builders import until
from tests.support.servers import Server, assert_problem
from tests.support.wire import Story, producer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One whose root folder is reached through a link, as many homes are."""
    home = tmp_path_factory.mktemp("real")
    link = tmp_path_factory.mktemp("links") / "home"
    link.symlink_to(home)
    with servers.servers(link) as factory:
        yield factory.start(base_url="/x/")


def save(server: Server, path: str, *cells: str) -> str:
    """Save a notebook with these cells; return its path as a kernel of this server learns it."""
    file = server.home / path
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps({"cells": [{"id": cell} for cell in cells]}))
    return str(file)


def started(server: Server, *locations: tuple[str | None, str | None]) -> list[str]:
    """Tasks that say they were started there; their ids, newest first."""
    story = Story()
    tasks = []

    async def publish() -> None:
        async with producer(server, story.producer) as writer:
            for notebook, cell in locations:
                story.task = new_id()
                about = About("train", notebook=notebook, cell=cell)
                await writer.published([story.event("state", State(TaskState.QUEUED, about=about))])
                tasks.append(story.task)

    asyncio.run(publish())
    return tasks[::-1]


def found(server: Server, **query: Any) -> list[str]:
    """The ids that a list with this question has."""
    text = "&".join(f"{name}={quote(str(value))}" for name, value in query.items())
    answer = server.ask(f"tasks?{text}")
    assert answer.status == 200, answer.body
    assert set(answer.json) == {"tasks", "more", "cursor"}
    return [task["id"] for task in answer.json["tasks"]]


def cell() -> str:
    """Return an id as JupyterLab makes it."""
    return str(uuid.uuid4())


@pytest.mark.parametrize("path", ["study.ipynb", "a folder/mein Heft ü😀.ipynb"])
def test_what_a_real_session_started_is_found_through_every_change(server: Server, path: str) -> None:
    one = cell()
    save(server, path, one)
    body = {"path": path, "name": Path(path).name, "type": "notebook", "kernel": {"name": "python3"}}
    kernel = server.api("sessions", "POST", body).json["kernel"]["id"]
    kernels.execute(server, kernel, "import jupyter_agent as ja\nja.submit(lambda: 1)", cell=one)
    (task,) = until(lambda: found(server, cells=one))
    assert found(server, notebook=path) == found(server, notebook=path, cells=one) == [task]
    copy, moved = f"{path}-Copy1.ipynb", f"{path}-moved.ipynb"
    save(server, copy, one)
    assert found(server, notebook=copy, cells=one) == found(server, notebook=copy) == []
    assert (
        server.ask(f"contents/{quote(path)}", method="PATCH", body={"path": moved}, root="api/").status == 200
    )
    assert found(server, notebook=moved, cells=one) == [task]
    save(server, path, cell())
    assert found(server, notebook=moved, cells=one) == [task], "the name is used again by another notebook"
    assert server.api(f"kernels/{kernel}", "DELETE").status == 204


def test_of_many_cells_the_newest_tasks_come_first_in_pages(server: Server) -> None:
    cells = [cell() for _ in range(3)]
    recorded = save(server, "many.ipynb", *cells)
    tasks = started(server, *((recorded, cells[n % 3]) for n in range(9)))
    joined = ",".join(cells)
    assert found(server, notebook="many.ipynb", cells=joined) == tasks
    first = server.ask(f"tasks?notebook=many.ipynb&cells={joined}&limit=5").json
    assert [task["id"] for task in first["tasks"]] == tasks[:5]
    assert first["more"] is True
    assert found(server, notebook="many.ipynb", cells=joined, before=tasks[4]) == tasks[5:]
    assert found(server, notebook="many.ipynb", cells=cells[0]) == tasks[2::3]
    assert found(server, notebook="many.ipynb", cells=cells[0], state="completed") == []


def test_cells_alone_are_those_of_any_notebook(server: Server) -> None:
    one = cell()
    tasks = started(server, (save(server, "a.ipynb", one), one), ("/gone.ipynb", one), (None, one))
    save(server, "b.ipynb", one)
    assert found(server, cells=one) == tasks
    assert found(server, notebook="b.ipynb", cells=one) == tasks[:2]
    assert found(server, notebook="RTC:a.ipynb", cells=one) == tasks


def test_a_notebook_that_shares_given_ids_of_cells_gets_nothing_of_one_that_is_gone(server: Server) -> None:
    recorded = str(server.home / "elsewhere" / "quickstart.ipynb")
    (failed, _) = started(server, (recorded, "fail"), (recorded, "fit"))[::-1]
    save(server, "agent.ipynb", "setup", "fail", "fit")
    save(server, "moved/quickstart.ipynb", "setup", "fail", "fit")
    assert found(server, notebook="agent.ipynb", cells="setup,fail") == []
    assert found(server, notebook="moved/quickstart.ipynb", cells="setup,fail") == [failed]
    save(server, "moved/quickstart.ipynb", "setup", "fail")
    assert found(server, notebook="moved/quickstart.ipynb", cells="setup,fail") == []


def test_a_notebook_alone_is_every_task_of_its_file_and_no_other(server: Server) -> None:
    recorded = save(server, "alone.ipynb", "x")
    tasks = started(
        server, (recorded, cell()), (recorded, None), (recorded + ".gone", cell()), (None, cell())
    )
    assert found(server, notebook="alone.ipynb") == found(server, notebook="/alone.ipynb") == tasks[2:]


def test_no_cells_have_no_tasks(server: Server) -> None:
    started(server, (save(server, "some.ipynb", "x"), "x"))
    assert found(server, cells="") == found(server, notebook="some.ipynb", cells="") == []


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("cells=" + ",".join(f"{n:036}" for n in range(500)), 200),
        ("cells=" + ",".join(map(str, range(501))), 400),
        ("cells=" + "x" * 256, 200),
        ("cells=" + "x" * 257, 400),
        ("cells=a%00b", 200),
        ("cells=a%0d%0aX-Evil:1", 400),
        ("cells=%ff", 400),
        ("cells=%27);DROP TABLE cells;--", 200),
        ("cells=[]&notebook={}", 200),
        ("notebook=", 400),
        ("notebook=/", 400),
        ("notebook=" + "x" * 4097, 400),
        ("notebook=" + "x" * 4096, 200),
        ("notebook=../../etc/passwd", 400),
        ("notebook=a/%2e%2e/b", 400),
        ("notebook=a%00", 200),
        ("notebook=%ff", 400),
        ("notebook=//etc/passwd&cells=x", 200),
        ("notebook=nothing.ipynb&cells=x&limit=0", 400),
    ],
)
def test_any_question_about_cells_is_answered(server: Server, query: str, status: int) -> None:
    answer = server.ask("tasks?" + query.replace(" ", "%20"))
    if status == 200:
        assert answer.json["tasks"] == []
    else:
        assert_problem(answer, status)
    assert "X-Evil" not in answer.headers


def test_nothing_of_all_this_was_an_error_of_the_server(server: Server) -> None:
    assert not [line for line in servers.loud_of_ours(server.log_text()) if not line.startswith("[W")]
