"""The command line where a (fake) server holds a journal."""

from __future__ import annotations

import json
import threading

import pytest

from jupyter_agent.cli.main import run
from jupyter_agent.core.events import Prompt, TaskState, encode_data
from jupyter_agent.system.paths import DataPaths
from tests.support.builders import TASK, event, state, story, until
from tests.support.cli import Writer
from tests.support.fake_server import FakeHolder


def test_the_server_is_asked_and_the_journal_is_left_to_it(
    paths: DataPaths, capsys: pytest.CaptureFixture[str]
) -> None:
    holder = FakeHolder(paths)
    with holder as fake:
        holder.append(story())
        until(lambda: fake.journal.task(TASK))
        assert run(["tasks", "list", "--json"]) == 0
        assert [task["id"] for task in json.loads(capsys.readouterr().out)] == [TASK]
        assert run(["tasks", "logs", TASK]) == 0
        assert capsys.readouterr().out == "line 3\nline 4\nline 5\n"
        assert not (paths.journals / "default" / "journal.sqlite").exists()


def test_a_servers_journal_and_an_unheld_one_are_merged(
    paths: DataPaths, capsys: pytest.CaptureFixture[str]
) -> None:
    writer = Writer(paths)
    holder = FakeHolder(paths, "default-2")
    with holder as fake:
        holder.append(story())
        until(lambda: fake.journal.task(TASK))
        assert run(["tasks", "list", "--json"]) == 0
        assert [task["id"] for task in json.loads(capsys.readouterr().out)] == [writer.task, TASK]
        assert run(["tasks", "show", TASK]) == 0
    writer.die()


def test_commands_go_to_the_server(paths: DataPaths, capsys: pytest.CaptureFixture[str]) -> None:
    holder = FakeHolder(paths)
    with holder as fake:
        prompt = event(3, "prompt", encode_data(Prompt("p1", "Go on?")))
        holder.append([*story(end=False)[:2], prompt])
        until(lambda: fake.journal.task(TASK))
        assert run(["tasks", "cancel", TASK]) == 0
        assert run(["tasks", "send", TASK, "yes"]) == 0
        assert run(["tasks", "retry", TASK]) == 0
        assert fake.commands == [
            (TASK, "cancel", {}),
            (TASK, "input", {"text": "yes", "prompt_id": "p1"}),
            (TASK, "retry", {}),
        ]
        assert capsys.readouterr().out.startswith(f"Asked train ({TASK}) to stop.")
        assert run(["tasks", "delete", TASK]) == 1
        assert "cancel it first" in capsys.readouterr().err


def test_watching_a_servers_task_ends_with_it(paths: DataPaths, capsys: pytest.CaptureFixture[str]) -> None:
    holder = FakeHolder(paths)
    with holder as fake:
        holder.append(story(end=False)[:4])
        until(lambda: fake.journal.task(TASK))

        def go_on() -> None:
            until(lambda: fake.subscribed_after)
            holder.append([event(5), state(6, TaskState.COMPLETED)])

        helper = threading.Thread(target=go_on)
        helper.start()
        assert run(["tasks", "watch", TASK]) == 0
        helper.join()
        lines = [line.split(" | ")[1] for line in capsys.readouterr().out.splitlines()]
        assert [line for line in lines if line.startswith("line")] == ["line 3", "line 4", "line 5"]


def test_following_goes_on_without_the_server_when_it_goes(
    paths: DataPaths, capsys: pytest.CaptureFixture[str]
) -> None:
    holder = FakeHolder(paths)
    fake = holder.__enter__()
    holder.append(story(end=False)[:3])
    until(lambda: fake.journal.task(TASK))

    def go_on() -> None:
        until(lambda: fake.subscribed_after)
        holder.__exit__(None, None, None)
        Writer(paths).die()

    helper = threading.Thread(target=go_on)
    helper.start()
    assert run(["tasks", "logs", TASK, "--follow"]) == 1
    helper.join()
    captured = capsys.readouterr()
    assert captured.out == "line 3\n"
    assert "there is no task" in captured.err


def test_following_into_a_new_epoch_doubles_nothing_and_misses_nothing(
    paths: DataPaths, capsys: pytest.CaptureFixture[str]
) -> None:
    holder = FakeHolder(paths)
    with holder as fake:
        holder.append(story(end=False)[:4])
        until(lambda: fake.journal.task(TASK))

        def go_on() -> None:
            until(lambda: fake.subscribed_after)
            events = [*story(end=False)[:4], event(5), event(6)]
            holder.loop.call_soon_threadsafe(fake.replace_journal, events)
            until(lambda: len(fake.subscribed_after) > 1)
            holder.append([event(7), state(8, TaskState.COMPLETED)])

        helper = threading.Thread(target=go_on)
        helper.start()
        assert run(["tasks", "logs", TASK, "--follow"]) == 0
        helper.join()
        assert capsys.readouterr().out == "".join(f"line {n}\n" for n in range(3, 8))


def test_status_tells_what_the_server_says(paths: DataPaths, capsys: pytest.CaptureFixture[str]) -> None:
    with FakeHolder(paths) as fake:
        assert run(["status", "--json"]) == 0
        (journal,) = json.loads(capsys.readouterr().out)["journals"]
        assert (journal["holder"], journal["url"]) == ("server", fake.url)
        assert journal["health"]["status"] == "ok"
        assert run(["status"]) == 0
        assert "ok" in capsys.readouterr().out
