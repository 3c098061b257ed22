"""``jupyter agent forward`` where no server runs: the record is written, and says that it waits."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jupyter_agent.cli.main import run
from jupyter_agent.system.paths import DataPaths
from tests.support.cli import Writer

URL = "wss://me:secret-1@example.org/events?token=secret-2"
UNKNOWN_ID = "0" * 26


def listed(capsys: pytest.CaptureFixture[str]) -> Any:
    capsys.readouterr()
    assert run(["forward", "list", "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_one_is_added_listed_and_removed(
    paths: DataPaths, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVENTS_AUTH", "secret-3")
    headers = ["--header", "X-Key: secret-4", "--header-from-env", "Authorization=EVENTS_AUTH"]
    assert run(["forward", "add", URL, "--type", "state", "--format", "cloudevents", *headers]) == 0
    output = capsys.readouterr().out
    assert output.startswith("Forwarding to wss://example.org/events from now on (")
    assert "It waits: no server runs" in output
    (one,) = listed(capsys)
    assert (one["state"], one["delivered"], one["headers"]) == ("waiting", 0, ["X-Key", "Authorization"])
    assert run(["forward", "add", URL, "--type", "state", "--format", "cloudevents"]) == 0
    assert capsys.readouterr().out.startswith("There already: ")
    assert run(["forward", "list"]) == 0
    table = capsys.readouterr().out
    assert one["id"] in table
    assert run(["forward", "remove", one["id"].lower()]) == 0
    assert capsys.readouterr().out == f"Removed the forward to wss://example.org/events ({one['id']}).\n"
    assert run(["forward", "list"]) == 0
    assert capsys.readouterr().out == "No forwards.\n"
    assert "secret" not in output + table + json.dumps(one)


def test_one_of_a_task_begins_with_its_first_event(
    paths: DataPaths, capsys: pytest.CaptureFixture[str]
) -> None:
    writer = Writer(paths)
    assert run(["forward", "add", URL, "--task", writer.task.lower()]) == 0
    assert f"from the first event of {writer.task}" in capsys.readouterr().out
    (one,) = listed(capsys)
    assert one["tasks"] == [writer.task]
    assert one["cursor"].endswith(":0")
    assert one["lag"] == 2
    writer.die()


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (["add"], 2, "Missing argument 'URL'"),
        (["add", "https://example.org/"], 2, "begins with ws://"),
        (["add", URL, "--type", "logs"], 2, "'logs' is not one of"),
        (["add", URL, "--format", "xml"], 2, "'xml' is not one of"),
        (["add", URL, "--header", "secret"], 2, "'Name: value'"),
        (["add", URL, "--header", "Host: secret"], 2, "belongs to the handshake"),
        (["add", URL, "--header-from-env", "X"], 2, "Name=VARIABLE"),
        (["add", URL, "--header-from-env", "X=NOT_THERE"], 2, "no environment variable 'NOT_THERE'"),
        (["add", URL, "--task", "x"], 2, "not a task id"),
        (["add", URL, "--task", UNKNOWN_ID], 1, "there is no task"),
        (["remove", "x"], 1, "'x' is not the id of a forward"),
    ],
)
def test_bad_input_is_one_sentence(
    words: list[str], status: int, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["forward", *words]) == status
    output = capsys.readouterr()
    assert output.out == ""
    assert sentence in output.err
    assert output.err.count("\n") == 1
    assert "secret" not in output.err


def test_every_command_shows_examples(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["forward"], ["forward", "add", "--help"], ["forward", "list", "--help"]):
        assert run(words) == 0
        assert "jupyter agent forward " in capsys.readouterr().out
