"""What people type to mean a task: parts of ids, names, the newest."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest

from jupyter_agent.cli.backends.references import LAST, fitting, task_id_of
from jupyter_agent.core.query import TaskQuery
from jupyter_agent.core.task import Task
from jupyter_agent.errors import UnknownTask

pytestmark = pytest.mark.asyncio
NEWEST = "01M8MQJCEPWY628829JPZ5PNY7"
OLDER = "01M8MQJCEPWY628829JPZ5ABCD"
OLDEST = "01K5Y4C9D6QW8V0T2N3B4M5X6Z"
TASKS = [Task(NEWEST, "train"), Task(OLDER, "train"), Task(OLDEST, "report")]


def search_in(tasks: Sequence[Task]) -> object:
    """A search over *tasks* that filters as journals do."""

    async def search(query: TaskQuery) -> list[Task]:
        fits = [task for task in tasks if query.name in (None, task.name)]
        return [task for task in fits if query.before is None or task.id < query.before][: query.limit]

    return search


async def meant(reference: str, tasks: Sequence[Task] = TASKS) -> str:
    return await task_id_of(search_in(tasks), reference)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("reference", "task"),
    [
        (NEWEST, NEWEST),
        (NEWEST.lower(), NEWEST),
        ("01K5", OLDEST),
        ("01k5y4", OLDEST),
        ("PNY7", NEWEST),
        ("z5abcd", OLDER),
        (LAST, NEWEST),
        ("train", NEWEST),
        ("report", OLDEST),
    ],
)
async def test_it_means_a_task(reference: str, task: str) -> None:
    assert await meant(reference) == task
    assert fitting(reference, [(one.id, one.name) for one in TASKS]) == [task]


async def test_an_unknown_whole_id_is_left_to_the_journals() -> None:
    assert await meant("0" * 26) == "0" * 26
    assert fitting("0" * 26, [(one.id, one.name) for one in TASKS]) == []


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("01M8", "'01M8' is part of more than one task's id; give more of it"),
        ("01M8MQJCEPWY628829JPZ5", "is part of more than one task's id"),
        ("K5", "'K5' is not the id of a task, the beginning or end of one, or a task's name"),
        ("Train", "'Train' is not the id of a task"),
        ("../etc", "'../etc' is not the id of a task"),
        ("", "'' is not the id of a task"),
    ],
)
async def test_it_means_none_or_several(reference: str, words: str) -> None:
    with pytest.raises(UnknownTask, match=re.escape(words)):
        await meant(reference)


async def test_a_name_that_looks_like_a_part_of_an_id_is_a_name_where_no_id_fits() -> None:
    assert await meant("NAME", [Task(NEWEST, "NAME")]) == NEWEST
    assert await meant("PNY7", [Task(NEWEST, "a"), Task(OLDER, "PNY7")]) == NEWEST


async def test_a_whole_name_counts_more_than_a_part_of_several_ids() -> None:
    tasks = [Task(NEWEST, "a"), Task(OLDER, "01M8")]
    assert await meant("01M8", tasks) == OLDER
    assert fitting("01M8", [(one.id, one.name) for one in tasks]) == [OLDER]


async def test_without_tasks_there_is_no_newest() -> None:
    with pytest.raises(UnknownTask, match="there is no task yet"):
        await meant(LAST, [])
