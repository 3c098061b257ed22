"""``jupyter agent schedule`` where no server runs: schedules are kept, changed, and run when asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from jupyter_agent.cli.commands.schedule import upcoming
from jupyter_agent.cli.main import run
from jupyter_agent.detached.work_queue import waiting_work_items
from jupyter_agent.detached.worker_slots import WorkerLimits, acquire_worker_slot, save_limits
from jupyter_agent.journal.operations.schedules import ScheduleView
from jupyter_agent.system.paths import DataPaths
from tests.support.workers import no_workers_left

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def no_free_worker(paths: DataPaths) -> Iterator[None]:
    save_limits(paths, WorkerLimits(1))
    with no_workers_left(paths):
        slot = acquire_worker_slot(paths)
        assert slot is not None
        yield
        slot.release()


def answer(capsys: Capture, *words: str) -> Any:
    capsys.readouterr()
    assert run(words) == 0
    return json.loads(capsys.readouterr().out)


def made(capsys: Capture, *words: str) -> Any:
    return answer(capsys, "tasks", "add", "--json", *(words or ("--every", "1h")), "--", "true")


def test_a_schedule_is_made_listed_and_shown(capsys: Capture) -> None:
    assert run(["schedule", "list"]) == 0
    assert capsys.readouterr().out == "No schedules.\n"
    assert run(["tasks", "add", "--every", "30m", "--name", "backup", "--", "true"]) == 0
    first, *_, last = capsys.readouterr().out.splitlines()
    assert first.startswith("Scheduled backup (")
    assert first.endswith("): every 30 minutes.")
    (schedule,) = answer(capsys, "schedule", "list", "--json")
    assert last == f"See its runs with: jupyter agent schedule show {schedule['id']}"
    assert run(["schedule", "list"]) == 0
    table = capsys.readouterr().out
    assert schedule["id"] in table
    assert "(in 30m 00s)" in table or "(in 29m" in table
    assert run(["schedule", "show", schedule["id"].lower()]) == 0
    shown = capsys.readouterr().out
    assert "every 30 minutes" in shown
    assert "overlap" in shown


def test_a_schedule_is_edited(capsys: Capture) -> None:
    ident = made(capsys, "--every", "1h", "--name", "beat", "--timeout", "60")["id"]
    assert (
        run(["schedule", "edit", "beat", "--cron", "0 9 * * *", "--timezone", "UTC", "--retries", "2"]) == 0
    )
    changed, upcoming = capsys.readouterr().out.splitlines()
    assert changed == f"Changed beat ({ident}): at 09:00 every day (UTC)."
    assert upcoming.startswith("Next run: ")
    found = answer(capsys, "schedule", "edit", ident, "--reset", "timeout", "--tag", "a", "--json")
    assert (found["timeout"], found["tags"], found["retries"]) == (None, ["a"], 2)
    found = answer(capsys, "schedule", "edit", ident, "--json", "--", "true", "-x")
    assert found["target"]["argv"] == ["true", "-x"]
    found = answer(capsys, "schedule", "edit", ident, "jobs:main", "-p", "a=1", "--json")
    assert found["target"]["parameters"] == {"a": "1"}
    found = answer(capsys, "schedule", "edit", ident, "-p", "b=2", "--json")
    assert found["target"]["parameters"] == {"a": "1", "b": "2"}
    assert found == answer(capsys, "schedule", "list", "--json")[0]


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ("", 2, "say what to change; --help lists it"),
        ("--every soon", 2, "every 'soon' is not a time span"),
        ("no.ipynb", 2, "there is no notebook"),
        ("a b", 2, "give one TARGET, or -- and a command"),
        ("-p a=1", 2, "parameters are for notebooks and functions, which this schedule does not run"),
        ("--reset timeout --timeout 5", 2, "give --reset timeout or a new value, not both"),
        ("--every 1h --at 2999-01-01", 2, "not every and at"),
    ],
)
def test_a_bad_edit_changes_nothing(capsys: Capture, words: str, status: int, said: str) -> None:
    before = made(capsys)
    assert run(["schedule", "edit", before["id"], *words.split()]) == status
    assert said in " ".join(capsys.readouterr().err.split())
    assert answer(capsys, "schedule", "list", "--json") == [before]


def test_it_says_that_schedules_need_a_server(capsys: Capture) -> None:
    assert run(["tasks", "add", "--every", "30m", "--", "true"]) == 0
    assert (
        "Schedules run while a server runs; start one with 'jupyter agent serve'." in capsys.readouterr().out
    )


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--cron", "0 9 * * 1-5", "--timezone", "Europe/Berlin"), "(Europe/Berlin)"),
        (("--at", "2131-05-17T09:30+00:00", "--timezone", "UTC"), "once at 2131-05-17 09:30:00 (UTC)"),
        (("--every", "90", "--overlap", "queue"), "every 1 minute 30 seconds"),
    ],
)
def test_each_kind_says_when_it_runs(capsys: Capture, words: tuple[str, ...], text: str) -> None:
    assert text in made(capsys, *words)["text"]


def test_pausing_resuming_and_deleting(capsys: Capture) -> None:
    ident = made(capsys)["id"]
    assert run(["schedule", "pause", ident]) == 0
    assert capsys.readouterr().out == f"Paused true ({ident}).\n"
    assert answer(capsys, "schedule", "show", ident, "--json")["next"] is None
    assert run(["schedule", "list"]) == 0
    assert "paused" in capsys.readouterr().out
    assert run(["schedule", "resume", ident]) == 0
    assert capsys.readouterr().out.startswith(f"Resumed true ({ident}). Next run: ")
    assert run(["schedule", "delete", ident]) == 0
    assert run(["schedule", "show", ident]) == 1
    assert "there is no schedule" in capsys.readouterr().err


def test_a_run_that_is_asked_for_is_a_task_and_history(paths: DataPaths, capsys: Capture) -> None:
    ident = made(capsys)["id"]
    assert run(["schedule", "run", ident]) == 0
    (order,) = waiting_work_items(paths)
    assert capsys.readouterr().out == f"true ({ident}) runs now: task {order.task}.\n"
    (firing,) = answer(capsys, "schedule", "show", ident, "--json")["firings"]
    assert (firing["task"], firing["asked"], firing["outcome"]) == (order.task, True, "queued")
    assert run(["schedule", "show", ident]) == 0
    assert "asked for" in capsys.readouterr().out
    assert run(["schedule", "run", ident]) == 1
    assert f"task {order.task} has not ended" in capsys.readouterr().err


def test_a_run_that_has_to_wait_says_so(paths: DataPaths, capsys: Capture) -> None:
    ident = made(capsys, "--every", "1h", "--overlap", "queue")["id"]
    assert run(["schedule", "run", ident]) == 0
    capsys.readouterr()
    assert run(["schedule", "run", ident]) == 0
    assert capsys.readouterr().out == f"true ({ident}) runs once the run before it has ended.\n"
    assert len(list(waiting_work_items(paths))) == 1


def test_status_counts_schedules_and_what_waits_for_workers(capsys: Capture) -> None:
    made(capsys)
    assert run(["tasks", "add", "--", "true"]) == 0
    report = answer(capsys, "status", "--json")
    assert report["workers"] == {"running": 1, "limit": 1, "waiting": 1}
    assert (report["schedules"], report["forwards"]) == (1, 0)
    assert run(["status"]) == 0
    assert "Workers: 1 of 1 busy, 1 waiting. Schedules: 1. Forwards: 0." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("next_run", "paused", "words"),
    [
        (None, False, "none"),
        (None, True, "paused"),
        (1000.0 + 3723, False, "(in 1h 02m)"),
        (999.0, False, "(due)"),
    ],
)
def test_the_next_run_in_words(next_run: float | None, paused: bool, words: str, capsys: Capture) -> None:
    schedule = ScheduleView(**(made(capsys) | {"next": next_run, "paused": paused}))
    assert upcoming(schedule, 1000.0).endswith(words)
