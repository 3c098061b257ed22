"""`tasks`: a list whose slices are lists of handles, shown as a table that says of which moment it is."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

import jupyter_agent as ja
from jupyter_agent.notebook import remote_task, task_list
from jupyter_agent.notebook.task_list import MIME, TaskList
from tests.support.runtime import own_producer, run_script  # noqa: F401

WORK = """
import jupyter_agent as ja
for name, tags in (("first", ()), ("second", ("nightly", "gpu"))):
    ja.task(lambda: 42, name=name, tags=tags).submit().wait()
"""


def three() -> TaskList:
    for number in range(3):
        ja.task(lambda: None, name=f"task {number}").submit().wait(10)
    return ja.tasks()


def names(handles: list[ja.TaskHandle]) -> list[str]:
    return [handle.name for handle in handles]


def test_it_is_a_list_and_so_are_its_parts() -> None:
    found = three()
    assert isinstance(found, list)
    assert names(found) == ["task 2", "task 1", "task 0"]
    assert names([handle for handle in found if handle.state == "completed"]) == names(found)
    head, plain = found[:1], list(found[1:])
    for part in (head, found[::-1], found.copy(), head + plain, plain + head, head + found[1:]):
        assert type(part) is TaskList
    assert isinstance(found[0], ja.TaskHandle)
    assert names(head + plain) == names(found)
    assert names(plain + head) == ["task 1", "task 0", "task 2"]


def test_in_a_notebook_text_and_still_table_say_how_the_tasks_were_at_that_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def work() -> None:
        raise ValueError

    handle = ja.task(work, name="work").submit()
    handle.wait(10)
    monkeypatch.setattr(task_list, "kernel_shell", object)
    data = ja.tasks()._repr_mimebundle_()[0]
    assert sorted(data) == sorted([MIME, "text/html", "text/plain"])
    assert data[MIME] == {"v": 1}
    when, _, row = data["text/plain"].splitlines()
    assert re.fullmatch(rf"work  failed  0\.\ds      {handle.id[-6:]}", row)
    assert f"<caption>{when[:16]}" in data["text/html"]  # not to the second, which may be the next one
    assert re.search(rf"<td>failed</td><td>0\.\ds</td><td>{handle.id[-6:]}</td>", data["text/html"])


def test_the_metadata_has_what_is_known_of_each_task() -> None:
    found = three()
    snapshots = found._repr_mimebundle_()[1][MIME]["tasks"]
    assert [task["id"] for task in snapshots] == [handle.id for handle in found]
    assert {task["state"] for task in snapshots} == {"completed"}
    json.dumps(snapshots, allow_nan=False)


def test_the_still_table_has_tags_and_keys_where_there_are_any(tmp_path: Path) -> None:
    run_script(tmp_path, WORK)
    assert "<th>Tags</th>" in ja.tasks()._repr_html_()
    assert "<td>nightly, gpu</td>" in ja.tasks()._repr_html_()
    assert "<th>Key</th>" not in ja.tasks()._repr_html_()
    assert "<th>Tags</th>" not in ja.tasks(name="first")._repr_html_()


def test_showing_tasks_of_other_processes_asks_nobody_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_script(tmp_path, WORK)
    found = ja.tasks()
    monkeypatch.setattr(remote_task, "SNAPSHOT_AGE", -1.0)
    monkeypatch.setattr(remote_task, "show_task", lambda *_: pytest.fail("asked again"))
    assert len(found._repr_mimebundle_()[1][MIME]["tasks"]) == 2


def test_in_a_terminal_it_is_text() -> None:
    found = three()
    shell = InteractiveShell.instance()
    try:
        data, _ = shell.display_formatter.format(found, include={"text/plain"})  # type: ignore[union-attr]
    finally:
        InteractiveShell.clear_instance()
    parts = zip((2, 1, 0), found, strict=True)
    lines = [rf"<Task task {n} completed (just now|\d+s ago) {handle.id[-6:]}>" for n, handle in parts]
    assert re.fullmatch(r"\[" + ",\n ".join(lines) + r"\]", data["text/plain"])


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"state": "faild"}, "'faild' does not exist; use one of 'queued', 'running'"),
        ({"limit": 0}, "limit=0"),
    ],
)
def test_what_cannot_be_asked_for_is_said_in_a_sentence(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        ja.tasks(**given)


def test_no_tasks_say_so() -> None:
    found = ja.tasks(name="nobody")
    assert found == []
    assert found._repr_html_() == "<p>No tasks.</p>"
    assert ja.tasks(state=ja.submit(print).state, name="nobody") == []
