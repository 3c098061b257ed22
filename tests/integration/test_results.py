"""The executed notebook of a task over HTTP."""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from jupyter_agent.system.files import make_private, write_private
from tests.support.builders import until
from tests.support.servers import Server, assert_problem
from tests.support.wire import Story, producer

NAME = 'daily "report"\nof größe'


@pytest.fixture(scope="module")
def task(shared: Server) -> str:
    """It kept a notebook at its attempts 2 and 10."""
    story = Story()

    async def publish() -> None:
        async with producer(shared, story.producer) as writer:
            await writer.published([*story.start(NAME), story.state("completed")])

    asyncio.run(publish())
    results = make_private(shared.paths.results)
    for attempt in (2, 10):
        write_private(
            results / f"{story.task}-{attempt}.ipynb", b'{"attempt": %d}' % attempt + b" " * 3_000_000
        )
    return story.task


def test_the_newest_notebook_is_downloaded_under_the_tasks_name(shared: Server, task: str) -> None:
    answer = shared.ask(f"tasks/{task}/notebook")
    assert answer.json == {"attempt": 10}
    assert len(answer.body) == 15 + 3_000_000
    assert answer.headers["Content-Type"] == "application/x-ipynb+json"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    disposition = answer.headers["Content-Disposition"]
    assert disposition == (
        f'attachment; filename="{task}.ipynb"; '
        "filename*=UTF-8''daily%20%22report%22%0Aof%20gr%C3%B6%C3%9Fe.ipynb"
    )


def test_that_of_an_attempt_is_given(shared: Server, task: str) -> None:
    assert shared.ask(f"tasks/{task}/notebook?attempt=2").json == {"attempt": 2}


@pytest.mark.parametrize(
    ("path", "status", "code", "words"),
    [
        (
            "{task}/notebook?attempt=3",
            404,
            "no_notebook",
            "no notebook of its attempt 3 on this machine",
        ),
        ("{task}/notebook?attempt=x", 400, "bad_request", "attempt must be a whole number"),
        ("01M8033V4TBP292XC3A46WDYF1/notebook", 404, "unknown_task", "there is no task"),
        ("..%2F..%2Fetc/notebook", 404, "unknown_task", "there is no task"),
    ],
)
def test_what_is_not_there_is_one_sentence(
    path: str, status: int, code: str, words: str, shared: Server, task: str
) -> None:
    answer = shared.ask(f"tasks/{path.format(task=task)}")
    assert_problem(answer, status, code)
    assert words in answer.json["detail"]


def test_a_task_without_one_says_so(shared: Server) -> None:
    story = Story()

    async def publish() -> None:
        async with producer(shared, story.producer) as writer:
            await writer.published(story.start("plain"))

    asyncio.run(publish())
    assert_problem(shared.ask(f"tasks/{story.task}/notebook"), 404, "no_notebook")


def test_a_user_without_rights_does_not_get_it(shared: Server, task: str) -> None:
    answer = shared.ask(f"tasks/{task}/notebook", token=None)
    assert answer.status == 403


def test_a_notebook_that_is_asked_for_over_http_runs_and_is_linked(shared: Server, tmp_path: Path) -> None:
    cells = [
        new_code_cell("n = 1", metadata={"tags": ["parameters"]}),
        new_code_cell("print('n is', n)\n{'n': n}"),
    ]
    path = tmp_path / "numbers.ipynb"
    nbformat.write(new_notebook(cells=cells), path)
    answer = shared.ask("tasks", method="POST", body={"target": str(path), "parameters": {"n": 5}})
    assert answer.status == 201
    task = answer.json["id"]
    assert answer.json["name"] == "numbers"
    until(lambda: shared.task(task)["state"] == "completed", 60)
    assert shared.lines(task) == ["n is 5\n", "{'n': 5}\n"]
    link = shared.events(task, "display")[0]["data"]["data"]["text/html"]
    found = re.fullmatch(r'<a href="(/x/jupyter-agent/(tasks/.*))" download>executed notebook</a>', link)
    assert found is not None
    executed = shared.ask(found[2].replace("&amp;", "&"))
    assert nbformat.reads(executed.body.decode(), as_version=4).cells[2].outputs[0].text == "n is 5\n"


@pytest.mark.parametrize("kind", ["link", "pipe", "open"])
def test_only_a_file_of_this_users_own_is_served(
    shared: Server, task: str, tmp_path: Path, kind: str
) -> None:
    """A task may put a link to any file there, and the server would show it in a browser."""
    secret = tmp_path / "secret"
    secret.write_text("of somewhere else")
    path = shared.paths.results / f"{task}-7.ipynb"
    match kind:
        case "link":
            path.symlink_to(secret)
        case "pipe":
            os.mkfifo(path)
        case "open":
            path.write_text("{}")
            path.chmod(0o666)
    try:
        assert_problem(shared.ask(f"tasks/{task}/notebook?attempt=7"), 404, "no_notebook")
    finally:
        path.unlink()
