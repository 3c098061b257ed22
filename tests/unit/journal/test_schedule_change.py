"""A schedule is changed as a whole or not at all, and what it has fired stays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from jupyter_agent.core.trigger_parser import parse_schedule
from jupyter_agent.core.triggers import At, Cron, Every
from jupyter_agent.detached.resubmission import changed_run_spec
from jupyter_agent.detached.run_spec import RunSpec
from jupyter_agent.detached.submission import Submission, run_spec_of
from jupyter_agent.detached.targets import AgentTarget, CommandTarget, FunctionTarget, NotebookTarget
from jupyter_agent.errors import AgentError, BadSchedule, BadTarget, UnknownSchedule
from jupyter_agent.journal.base import Journal
from jupyter_agent.journal.memory import MemoryJournal
from jupyter_agent.journal.operations.schedule_change import change_schedule
from jupyter_agent.journal.operations.schedules import (
    KIND,
    Schedule,
    add_schedule,
    find_schedule,
    fired_until,
    pause_schedule,
    show_schedule,
)
from jupyter_agent.journal.records import Firing
from jupyter_agent.journal.session import JournalSession
from jupyter_agent.journal.sqlite.journal import SQLiteJournal
from tests.support.builders import HOLDER

START = 1_800_000_000.0
LATER = START + 90.0


@pytest.fixture(params=["memory", "sqlite"])
def session(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[JournalSession]:
    made: Journal = (
        MemoryJournal(HOLDER, "x")
        if request.param == "memory"
        else SQLiteJournal(tmp_path / "j", HOLDER, "x")
    )
    yield JournalSession(made, lambda _stored, _seconds: None)
    made.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "report.ipynb").write_text("{}")
    (tmp_path / "other.ipynb").write_text("{}")
    return tmp_path


def add(session: JournalSession, folder: Path, when: Mapping[str, Any], **fields: Any) -> Schedule:
    fields = {"target": "report.ipynb", "cwd": str(folder), "env": {"A": "b"}} | fields
    run_spec = run_spec_of(Submission(**fields), agent="jobs:agent", cwd="/", owner="ada")
    spec = parse_schedule(when, timezone="Europe/Berlin", now=START)
    return add_schedule(session, run_spec, spec, ident="s", now=START)


def change(session: JournalSession, when: Mapping[str, Any] | None = None, **fields: Any) -> Schedule:
    def run_spec(before: RunSpec) -> RunSpec:
        return changed_run_spec(before, fields, agent="new:agent", cwd="/") if fields else before

    return change_schedule(session, "s", run_spec=run_spec, when=when, timezone="UTC", now=LATER)


class TestWhen:
    def test_another_trigger_counts_from_now(self, session: JournalSession, folder: Path) -> None:
        add(session, folder, {"every": "1m"})
        changed = change(session, {"every": "1h"})
        assert changed.trigger == Every(3600.0, LATER)
        assert fired_until(session, changed, LATER) == LATER
        assert show_schedule(session, changed, LATER).next == LATER + 3600
        assert find_schedule(session, "s") == changed

    def test_the_same_trigger_sent_again_is_not_shifted(self, session: JournalSession, folder: Path) -> None:
        before = add(session, folder, {"every": "1m"})
        assert change(session, {"every": "60s", "overlap": "queue"}).trigger == before.trigger
        assert find_schedule(session, "s").overlap == "queue"
        assert find_schedule(session, "s").since == START

    def test_what_is_not_given_stays(self, session: JournalSession, folder: Path) -> None:
        add(session, folder, {"cron": "0 9 * * *", "overlap": "allow"})
        changed = change(session, {"timezone": "Asia/Tokyo"})
        assert changed.trigger == Cron("0 9 * * *", "Asia/Tokyo")
        assert (changed.timezone, changed.overlap) == ("Asia/Tokyo", "allow")
        changed = change(session, {"cron": "@daily"})
        assert changed.trigger == Cron("0 0 * * *", "Asia/Tokyo")
        assert change(session, {"timezone": None, "overlap": None}).overlap == "skip"
        assert find_schedule(session, "s").timezone == "UTC"

    def test_once_keeps_its_time_on_the_clock_of_another_zone(
        self, session: JournalSession, folder: Path
    ) -> None:
        add(session, folder, {"at": "2031-07-01T09:30"})
        changed = change(session, {"timezone": "UTC"})
        assert isinstance(changed.trigger, At)
        assert show_schedule(session, changed, LATER).text == "once at 2031-07-01 09:30:00 (UTC)"

    def test_a_time_that_has_passed_may_stay_and_may_not_be_set(
        self, session: JournalSession, folder: Path
    ) -> None:
        passed = datetime.fromtimestamp(START + 60, UTC).isoformat()
        before = add(session, folder, {"at": passed})
        assert change(session, {"at": passed, "overlap": "queue"}).trigger == before.trigger
        with pytest.raises(BadSchedule, match="has passed already"):
            change(session, {"at": datetime.fromtimestamp(START + 61, UTC).isoformat()})


class TestWhat:
    def test_fields_are_replaced_and_the_others_stay(self, session: JournalSession, folder: Path) -> None:
        add(session, folder, {"every": 60}, parameters={"days": 7}, retries=3, kernel="ir", tags=["a"])
        changed = change(session, parameters={"days": 14}, timeout=60.0, tags=["b", "c"])
        call = changed.call
        path = str(folder / "report.ipynb")
        assert call.target == NotebookTarget(path, {"days": 14}, kernel="ir")
        assert (call.retries, call.timeout, call.about.tags) == (3, 60.0, ("b", "c"))
        assert (call.cwd, call.env, call.about.owner) == (str(folder), {"A": "b"}, "ada")
        assert call.about.params == {"days": "14"}
        assert changed.trigger == Every(60.0, START)

    def test_nothing_resets_a_field(self, session: JournalSession, folder: Path) -> None:
        add(session, folder, {"every": 60}, name="mine", timeout=5.0, retries=2, parameters={"a": 1})
        call = change(session, name=None, timeout=None, retries=None, parameters=None).call
        assert (call.about.name, call.timeout, call.retries) == ("report", None, 0)
        assert isinstance(call.target, NotebookTarget)
        assert call.target.parameters == {}

    def test_another_target_starts_without_what_was_given_for_the_old_one(
        self, session: JournalSession, folder: Path
    ) -> None:
        add(session, folder, {"every": 60}, parameters={"a": 1}, kernel="ir")
        call = change(session, target="other.ipynb").call
        assert call.target == NotebookTarget(str(folder / "other.ipynb"))
        assert call.about.name == "other"
        assert change(session, target=["true"]).call.target == CommandTarget(["true"])
        assert change(session, target="m:f", name="mine").call.target == FunctionTarget("m:f")
        assert change(session, target=["false"]).call.about.name == "mine"

    def test_text_keeps_its_agent(self, session: JournalSession, folder: Path) -> None:
        add(session, folder, {"every": 60}, target="Tidy up")
        assert change(session, retries=1).call.target == AgentTarget("jobs:agent", "Tidy up")
        assert change(session, target="Do it").call.target == AgentTarget("new:agent", "Do it")

    def test_secrets_are_masked_and_come_back_as_they_were(
        self, session: JournalSession, folder: Path
    ) -> None:
        given = {"api_key": "sk-1", "days": 7, "token": None}
        shown = show_schedule(session, add(session, folder, {"every": 60}, parameters=given), LATER)
        assert isinstance(shown.target, NotebookTarget)
        assert shown.target.parameters == {"api_key": "••••", "days": 7, "token": None}
        call = change(session, parameters=shown.target.parameters | {"days": 8}).call
        assert isinstance(call.target, NotebookTarget)
        assert call.target.parameters == {"api_key": "sk-1", "days": 8, "token": None}

    def test_secrets_within_parameters_are_masked_and_come_back_as_they_were(
        self, session: JournalSession, folder: Path
    ) -> None:
        given = {
            "db": "postgres://u:pw@h",
            "more": {"password": "x", "n": 1},
            "urls": ["https://u:pw@h", "plain"],
        }
        shown = show_schedule(session, add(session, folder, {"every": 60}, parameters=given), LATER)
        assert isinstance(shown.target, NotebookTarget)
        assert shown.target.parameters == {
            "db": "postgres://u:••••@h",
            "more": {"password": "••••", "n": 1},
            "urls": ["https://u:••••@h", "plain"],
        }
        call = change(session, parameters=shown.target.parameters | {"days": 8}).call
        assert isinstance(call.target, NotebookTarget)
        assert call.target.parameters == given | {"days": 8}
        with pytest.raises(BadTarget, match=r"the parameter 'db' has a masked part"):
            change(session, parameters={"db": "postgres://u:••••@other"})

    def test_a_command_comes_back_as_it_was_shown(self, session: JournalSession, folder: Path) -> None:
        argv = ["true", "--password", "hunter2", "x"]
        shown = show_schedule(session, add(session, folder, {"every": 60}, target=argv), LATER)
        assert shown.target == CommandTarget(["true", "--password", "••••", "x"])
        again = change(session, target=["true", "--password", "••••", "x"], retries=1)
        assert again.call.target == CommandTarget(argv)
        with pytest.raises(BadTarget, match="the command has a masked word"):
            change(session, target=["true", "--password", "••••", "y"])

    def test_a_command_as_one_text_keeps_its_secrets_or_is_refused(
        self, session: JournalSession, folder: Path
    ) -> None:
        argv = ["true", "--password", "hunter2"]
        add(session, folder, {"every": 60}, target=argv)
        assert change(session, target="-- true --password ••••").call.target == CommandTarget(argv)
        with pytest.raises(BadTarget, match="the command has a masked word"):
            change(session, target="-- true --password '••••' y")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"target": "no.ipynb"}, "there is no notebook"),
        ({"target": 5}, "Expected 'str | array', got 'int' - at '$.target'"),
        ({"retries": -1}, "Expected 'int' >= 0 - at '$.retries'"),
        ({"timeout": "soon"}, "at '$.timeout'"),
        ({"parameters": [1]}, "Expected 'object', got 'array' - at '$.parameters'"),
        ({"parameters": {"not a name": 1}}, "cannot be a parameter"),
        ({"cwd": "/no/such/folder"}, "cwd: there is no folder"),
        ({"python": "/no/python"}, "python: "),
        ({"when": {"every": "soon"}}, "every 'soon' is not a time span"),
        ({"when": {"every": 5, "cron": "@daily"}}, "one of every, cron and at, not every and cron"),
        ({"when": {"colour": "red"}}, "a schedule has no 'colour'"),
        ({"when": {"at": "2001-01-01"}}, "has passed already"),
        ({"retries": 9, "when": {"overlap": "never"}}, "overlap must be skip, queue or allow"),
    ],
)
def test_what_is_wrong_with_a_change_is_one_sentence_and_changes_nothing(
    session: JournalSession, folder: Path, fields: dict[str, Any], said: str
) -> None:
    add(session, folder, {"every": 60})
    before = session.journal.record(KIND, "s")
    with pytest.raises(AgentError) as caught:
        change(session, **fields)
    assert isinstance(caught.value, BadTarget | BadSchedule)
    assert said in str(caught.value)
    assert session.journal.record(KIND, "s") == before


def test_firings_and_a_pause_stay(session: JournalSession, folder: Path) -> None:
    add(session, folder, {"every": 60})
    pause_schedule(session, "s", LATER)
    firings = [
        Firing("s", START + 60, LATER, "claimed", "task", "worker"),
        Firing("s", START + 70, LATER, "waiting", reason="task task has not ended"),
    ]
    for firing in firings:
        assert session.journal.claim(firing)
    changed = change(session, {"every": 5}, retries=1)
    assert changed.paused
    assert session.journal.open_firings("s") == firings


def test_an_unknown_schedule_cannot_be_changed(session: JournalSession) -> None:
    with pytest.raises(UnknownSchedule):
        change(session, {"every": 60})


def test_a_schedule_whose_notebook_is_gone_still_gets_another_time(
    session: JournalSession, folder: Path
) -> None:
    add(session, folder, {"every": 60})
    (folder / "report.ipynb").unlink()
    assert change(session, {"every": 120}).trigger == Every(120.0, LATER)
    assert change(session, target="other.ipynb").call.about.name == "other"


def test_a_function_whose_file_is_gone_does_not_become_text_for_the_agent(
    session: JournalSession, folder: Path
) -> None:
    file = folder / "my jobs.py"
    file.touch()
    add(session, folder, {"every": "1m"}, target="my jobs.py:nightly")
    assert change(session, name="renamed").call.about.name == "renamed"
    file.unlink()
    with pytest.raises(BadTarget, match="means something else by now"):
        change(session, name="again")
