"""Schedules fire once for each due, whatever the clock does and whichever process is killed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_agent.core.events import About, State, TaskState
from jupyter_agent.core.query import TaskQuery
from jupyter_agent.core.task import Task
from jupyter_agent.core.trigger_parser import Overlap, ScheduleSpec
from jupyter_agent.core.triggers import At, Cron, Every, Trigger, next_due
from jupyter_agent.detached.run_spec import RunSpec
from jupyter_agent.detached.targets import CommandTarget, PickledTarget
from jupyter_agent.detached.work_queue import waiting_work_items, withdraw_work_item
from jupyter_agent.errors import BadSchedule, NotNow, UnknownSchedule
from jupyter_agent.journal.base import HolderEvent
from jupyter_agent.journal.operations import detached_tasks
from jupyter_agent.journal.operations import schedules as schedules_module
from jupyter_agent.journal.operations.firing import ScheduleRunner, TickResult
from jupyter_agent.journal.operations.interruption import Leases, interrupt_orphans
from jupyter_agent.journal.operations.schedules import (
    KIND,
    Schedule,
    add_schedule,
    all_schedules,
    delete_schedule,
    find_schedule,
    pause_schedule,
    resume_schedule,
    show_schedule,
)
from jupyter_agent.journal.records import Firing
from jupyter_agent.journal.session import JournalSession
from jupyter_agent.journal.sqlite.journal import SQLiteJournal
from jupyter_agent.system.ids import new_id
from jupyter_agent.system.paths import DataPaths
from tests.support.builders import python

START = 1_800_000_000.0
MINUTELY = Every(60.0, START)
CALL = RunSpec(
    CommandTarget(["true"]), About("beat", tags=("night",)), "/usr/bin/python3", "/", {"SECRET": "s3cret"}
)


class Killed(BaseException):
    """As ``kill -9``: nothing of ours runs after it."""


class Line:
    """A journal with schedules, and the process that runs them; it can be killed and opened again."""

    def __init__(self, paths: DataPaths, path: Path) -> None:
        self.paths = paths
        self.path = path
        self.open()

    def open(self) -> None:
        self.journal = SQLiteJournal(self.path, new_id(), "epoch")
        self.session = JournalSession(self.journal, lambda stored, seconds: None)
        self.runner = ScheduleRunner(self.paths, "default")

    def reopen(self) -> None:
        self.journal.close()
        self.open()

    def add(self, trigger: Trigger = MINUTELY, overlap: Overlap = "allow", *, now: float = START) -> str:
        return add_schedule(
            self.session, CALL, ScheduleSpec(trigger, "UTC", overlap), ident=new_id(), now=now
        ).id

    def look(self, seconds: float) -> TickResult:
        return self.runner.tick(self.session, START + seconds)

    def tasks(self) -> list[Task]:
        return sorted(self.journal.tasks(TaskQuery(limit=10_000)), key=lambda task: task.id)

    def work_items(self) -> list[str]:
        return [item.task for item in waiting_work_items(self.paths)]

    def firings(self, ident: str) -> list[Firing]:
        return self.journal.firings(ident, 10_000)[::-1]

    def outcomes(self, ident: str) -> list[tuple[float, str]]:
        return [(firing.due - START, firing.outcome) for firing in self.firings(ident)]

    def end(self, number: int = -1, to: TaskState = TaskState.COMPLETED) -> None:
        """The worker of a task has run it."""
        task = self.tasks()[number]
        withdraw_work_item(self.paths, task.producer or "")
        for step in (TaskState.RUNNING, to):
            self.session.append(HolderEvent(task.id, task.attempt, "state", State(step)))


@pytest.fixture
def line(paths: DataPaths, tmp_path: Path) -> Iterator[Line]:
    line = Line(paths, tmp_path / "journal.sqlite")
    yield line
    line.journal.close()


class TestFiring:
    def test_each_due_is_one_task(self, line: Line) -> None:
        ident = line.add()
        assert line.look(0) == TickResult(START + 60, 0, 0)
        assert line.look(59.9) == TickResult(START + 60, 0, 0)
        assert line.look(60) == TickResult(START + 120, 1, 0)
        assert line.look(60.1) == TickResult(START + 120, 0, 0)
        assert line.look(120) == TickResult(START + 180, 1, 0)
        assert line.outcomes(ident) == [(60, "queued"), (120, "queued")]
        tasks = line.tasks()
        assert [(t.name, t.state, t.tags) for t in tasks] == [("beat", TaskState.QUEUED, ("night",))] * 2
        assert [f.task for f in line.firings(ident)] == line.work_items() == [t.id for t in tasks]

    def test_what_was_missed_is_one_run_that_says_how_many(self, line: Line) -> None:
        ident = line.add()
        line.look(60)
        line.reopen()
        assert line.look(60 + 300 + 5) == TickResult(START + 420, 1, 0)
        assert line.outcomes(ident) == [(60, "queued"), (360, "queued")]
        assert line.firings(ident)[-1].missed == 4
        assert line.look(420).queued == 1

    def test_schedules_do_not_mind_each_other(self, line: Line) -> None:
        first, second = line.add(), line.add(Every(90.0, START))
        assert line.look(60) == TickResult(START + 90, 1, 0)
        assert line.look(90) == TickResult(START + 120, 1, 0)
        assert line.look(180) == TickResult(START + 240, 2, 0)
        assert [due for due, _ in line.outcomes(first)] == [60, 180]
        assert [due for due, _ in line.outcomes(second)] == [90, 180]

    def test_once_is_once(self, line: Line) -> None:
        ident = line.add(At(START + 30, "UTC"))
        assert line.look(0).next == START + 30
        assert line.look(31) == TickResult(None, 1, 0)
        assert line.look(9999) == TickResult(None, 0, 0)
        assert show_schedule(line.session, find_schedule(line.session, ident), START + 9999).next is None

    def test_a_clock_that_is_set_back_fires_nothing_again(self, line: Line) -> None:
        ident = line.add()
        for seconds in (60, 120, 180):
            line.look(seconds)
        for seconds in (70, 119, 120, 121, 180, 181):
            assert line.look(seconds).queued == 0
        assert line.look(240).queued == 1
        assert len(line.firings(ident)) == 4

    def test_a_clock_that_was_a_year_ahead_for_a_while_costs_one_run(self, line: Line) -> None:
        ident = line.add()
        line.look(60)
        assert line.look(365 * 86_400).queued == 1
        assert [line.look(seconds).queued for seconds in (61, 120, 180)] == [0, 1, 1]
        assert len(line.firings(ident)) == 4

    @pytest.mark.parametrize("trigger", [Every(60.0, START + 86_400), Cron("* * * * *", "UTC")])
    def test_one_made_by_a_clock_that_was_ahead_begins_when_it_is_set_right(
        self, line: Line, trigger: Trigger
    ) -> None:
        line.add(trigger, now=START + 86_400)
        line.look(0)
        assert [line.look(seconds).queued for seconds in (0, 60, 120)] == [0, 1, 1]

    @pytest.mark.parametrize(
        "trigger", [Every(3600.0, START), Cron("0 0 * * *", "UTC"), At(START + 86_400, "UTC")], ids=repr
    )
    def test_a_machine_that_starts_in_1970_misses_nothing_and_runs_nothing_more(
        self, line: Line, trigger: Trigger
    ) -> None:
        """Its clock is set when it has found the network, minutes later."""
        line.add(trigger)
        due = next_due(trigger, START)
        assert due is not None
        for seconds in (30.0 - START, 600.0 - START, 60.0):
            line.reopen()
            assert line.look(seconds).queued == 0
        assert line.look(due - START - 1).queued == 0
        assert line.look(due - START).queued == 1

    @pytest.mark.parametrize("trigger", [Every(3600.0, START), Cron("0 * * * *", "UTC")], ids=repr)
    def test_an_hour_that_comes_twice_or_not_at_all_is_one_run(self, line: Line, trigger: Trigger) -> None:
        line.add(trigger)
        first = next_due(trigger, START)
        assert first is not None
        at = first - START
        runs = [line.look(at + step).queued for step in (0, 10, -3590, -10, 0, 10)]
        assert runs == [1, 0, 0, 0, 0, 0], "set back by an hour"
        assert [line.look(at + 3500 + step).queued for step in (0, 3600, 3610)] == [0, 1, 0], "and forward"

    def test_a_record_that_cannot_be_read_stops_only_itself(
        self, line: Line, caplog: pytest.LogCaptureFixture
    ) -> None:
        bad, good = line.add(), line.add()
        line.journal.claim(Firing(bad, START + 60, START, "claimed", new_id(), new_id()))
        line.journal.put_record(KIND, bad, b'{"id": "changed on disk"}')
        assert [line.look(seconds).queued for seconds in (60, 120)] == [1, 1]
        assert line.outcomes(bad) == [(60, "failed")]
        assert len(line.outcomes(good)) == 2
        assert [r.getMessage() for r in caplog.records if bad in r.getMessage()][1:] == [], "said once"

    def test_a_disk_that_is_full_for_a_while_costs_nothing(
        self, line: Line, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ident = line.add()
        with monkeypatch.context() as patch:
            patch.setattr(detached_tasks, "save_run_spec", _no_space)
            assert line.look(60).queued == 0
        assert line.look(61).queued == 1
        assert len(line.tasks()) == len(line.work_items()) == 1
        assert line.outcomes(ident) == [(60, "queued")]


def _no_space(*_: object) -> None:
    raise OSError(28, "No space left on device")


class TestOverlap:
    def test_a_due_is_skipped_while_the_previous_run_is_open(self, line: Line) -> None:
        ident = line.add(overlap="skip")
        for seconds in (60, 120, 180):
            line.look(seconds)
        assert line.outcomes(ident) == [(60, "queued"), (120, "skipped"), (180, "skipped")]
        assert line.firings(ident)[1].reason == f"task {line.tasks()[0].id} has not ended"
        line.end()
        assert line.look(200).queued == 0, "what was skipped is not made up for"
        assert line.look(240).queued == 1

    def test_however_long_it_lasts(self, line: Line) -> None:
        ident = line.add(Every(1.0, START), overlap="skip")
        for seconds in range(1, 300):
            line.look(seconds)
        assert len(line.tasks()) == 1
        assert line.outcomes(ident)[0] == (1, "queued")
        line.end()
        assert line.look(300).queued == 1

    def test_one_due_waits_for_the_run_before_and_no_more(self, line: Line) -> None:
        ident = line.add(overlap="queue")
        assert [line.look(seconds).waiting for seconds in (60, 120, 180)] == [0, 1, 1]
        assert line.outcomes(ident) == [(60, "queued"), (120, "waiting"), (180, "skipped")]
        assert line.firings(ident)[2].reason == "a run waits already"
        line.end()
        assert line.look(190) == TickResult(START + 240, 1, 0)
        assert line.outcomes(ident)[1] == (120, "queued")
        assert len(line.tasks()) == 2
        assert line.look(240).waiting == 1

    @pytest.mark.parametrize("end", [TaskState.FAILED, TaskState.CANCELLED, TaskState.INTERRUPTED])
    def test_any_end_is_an_end(self, line: Line, end: TaskState) -> None:
        line.add(overlap="queue")
        line.look(60)
        line.look(120)
        line.end(to=end)
        assert line.look(121).queued == 1

    def test_a_run_that_was_deleted_has_ended(self, line: Line) -> None:
        line.add(overlap="skip")
        line.look(60)
        line.end()
        line.journal.forget([line.tasks()[0].id])
        assert line.look(120).queued == 1

    def test_runs_may_overlap_where_that_is_allowed(self, line: Line) -> None:
        line.add(overlap="allow")
        assert [line.look(seconds).queued for seconds in (60, 120, 180)] == [1, 1, 1]


class TestAsking:
    def test_a_run_now_is_beside_the_dues(self, line: Line) -> None:
        ident = line.add()
        firing = line.runner.run(line.session, ident, START + 59)
        assert (firing.outcome, firing.asked, firing.task) == ("queued", True, line.tasks()[0].id)
        assert [line.look(seconds).queued for seconds in (59.5, 60, 61)] == [0, 1, 0]

    def test_twice_at_the_same_moment_is_two_runs(self, line: Line) -> None:
        ident = line.add()
        assert (
            line.runner.run(line.session, ident, START).task
            != line.runner.run(line.session, ident, START).task
        )
        assert len(line.tasks()) == 2

    def test_at_the_very_moment_of_a_due_it_is_that_dues_run(self, line: Line) -> None:
        ident = line.add()
        line.runner.run(line.session, ident, START + 60)
        assert [line.look(seconds).queued for seconds in (60, 61, 120)] == [0, 0, 1]

    def test_it_is_refused_while_the_previous_run_is_open(self, line: Line) -> None:
        ident = line.add(overlap="skip")
        line.runner.run(line.session, ident, START)
        with pytest.raises(NotNow, match=f"schedule {ident} does not run now: task .* has not ended"):
            line.runner.run(line.session, ident, START + 1)
        assert len(line.firings(ident)) == 1

    def test_it_waits_where_runs_wait_but_only_one(self, line: Line) -> None:
        ident = line.add(overlap="queue")
        line.runner.run(line.session, ident, START)
        assert line.runner.run(line.session, ident, START + 1).outcome == "waiting"
        with pytest.raises(NotNow, match="a run waits already"):
            line.runner.run(line.session, ident, START + 2)

    def test_a_paused_one_runs_when_it_is_asked_to(self, line: Line) -> None:
        ident = line.add()
        pause_schedule(line.session, ident, START)
        assert line.runner.run(line.session, ident, START + 1).outcome == "queued"
        assert line.look(60).queued == 0

    def test_what_was_missed_in_a_pause_is_not_made_up_for(self, line: Line) -> None:
        ident = line.add()
        assert pause_schedule(line.session, ident, START).paused
        assert pause_schedule(line.session, ident, START + 1).paused
        assert line.look(300) == TickResult(None, 0, 0)
        assert not resume_schedule(line.session, ident, START + 301).paused
        assert resume_schedule(line.session, ident, START + 359) == find_schedule(line.session, ident)
        assert line.look(301) == TickResult(START + 360, 0, 0)
        assert line.look(360).queued == 1, "on the old beat"

    def test_a_pause_ends_waiting(self, line: Line) -> None:
        ident = line.add(overlap="queue")
        line.look(60)
        line.look(120)
        pause_schedule(line.session, ident, START + 130)
        line.end()
        assert line.look(140).queued == 0
        assert line.outcomes(ident) == [(60, "queued"), (120, "skipped")]

    def test_deleting_leaves_the_tasks(self, line: Line) -> None:
        ident = line.add()
        line.look(60)
        delete_schedule(line.session, ident)
        assert line.look(600) == TickResult(None, 0, 0)
        assert len(line.tasks()) == len(line.work_items()) == 1
        assert all_schedules(line.session) == []
        assert line.firings(ident) == []

    @pytest.mark.parametrize("ask", [find_schedule, delete_schedule])
    def test_an_unknown_one_is_named(self, line: Line, ask: Callable[[JournalSession, str], object]) -> None:
        with pytest.raises(UnknownSchedule, match="there is no schedule 'NOBODY'"):
            ask(line.session, "NOBODY")


class TestAdding:
    def test_what_is_shown_has_no_secrets(self, line: Line) -> None:
        ident = line.add()
        line.look(60)
        shown = show_schedule(line.session, find_schedule(line.session, ident), START + 61)
        assert (shown.name, shown.text, shown.next, shown.last_due) == (
            "beat", "every minute", START + 120, START + 60,
        )  # fmt: skip
        assert shown.last_task == line.tasks()[0].id
        assert "s3cret" not in str(shown)

    @pytest.mark.parametrize(
        ("changed", "said"),
        [
            ({"target": PickledTarget("f")}, "a function of a notebook cannot be scheduled"),
            ({"about": About("x", key="k")}, "a schedule takes no key"),
        ],
    )
    def test_what_cannot_be_scheduled(self, line: Line, changed: dict[str, Any], said: str) -> None:
        call = RunSpec(**{name: getattr(CALL, name) for name in CALL.__struct_fields__} | changed)
        with pytest.raises(BadSchedule, match=said):
            add_schedule(line.session, call, ScheduleSpec(MINUTELY, "UTC"), ident=new_id(), now=START)

    def test_there_is_a_bound(self, line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(schedules_module, "MAX_SCHEDULES", 2)
        line.add(), line.add()
        with pytest.raises(BadSchedule, match="there are 2 schedules already"):
            line.add()


class Mortal:
    """Kills its owner at a step of its life: before or after each thing that stays on disk."""

    def __init__(self, line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
        self._line = line
        self._patch = monkeypatch
        self._steps = 0
        self._dies_at: int | None = None
        self.deaths = self.survived = 0
        self._watch(detached_tasks, "save_run_spec")
        self._watch(detached_tasks, "enqueue_work_item")

    def live(self, seconds: float, dies_at: int | None, *, orphans_first: bool) -> bool:
        """One life: open the journal, perhaps look for orphans, look after the schedules; its end if any."""
        self._line.reopen()
        for name in ("claim", "settle", "append"):
            self._watch(self._line.journal, name)
        self._steps, self._dies_at = 0, dies_at
        try:
            if orphans_first:
                session, paths = self._line.session, self._line.paths
                interrupt_orphans(session, paths, lambda _: False, Leases(1.0))
            self._line.look(seconds)
        except Killed:
            self.deaths += 1
            return False
        finally:
            self._dies_at = None
        self.survived += 1
        return True

    def _watch(self, owner: Any, name: str) -> None:
        original = getattr(owner, name)

        def mortal(*args: Any, **kwargs: Any) -> Any:
            self._step()
            answer = original(*args, **kwargs)
            self._step()
            return answer

        self._patch.setattr(owner, name, mortal)

    def _step(self) -> None:
        if self._steps == self._dies_at:
            raise Killed
        self._steps += 1


@pytest.mark.parametrize("overlap", ["skip", "queue"])
@pytest.mark.parametrize("orphans_first", [False, True])
def test_whatever_it_is_killed_at_each_due_is_one_task(
    line: Line, monkeypatch: pytest.MonkeyPatch, overlap: Overlap, orphans_first: bool
) -> None:
    """Killed at every step, and at each of the first steps of the life after that."""
    mortal = Mortal(line, monkeypatch)
    ident = line.add(overlap=overlap)
    deaths = [(step, later) for step in range(13) for later in range(3)]
    for count, steps in enumerate(deaths, 1):
        for step in steps:
            mortal.live(60.0 * count, step, orphans_first=orphans_first)
        assert mortal.live(60.0 * count, None, orphans_first=orphans_first)
        newest = line.tasks()[-1]
        assert len(line.tasks()) == count
        assert (newest.state, line.work_items()) == (TaskState.QUEUED, [newest.id])
        assert line.outcomes(ident)[-1] == (60.0 * count, "queued")
        line.end()
    assert sorted(f.task or "" for f in line.firings(ident)) == [task.id for task in line.tasks()]
    assert mortal.deaths > 30
    assert mortal.survived > len(deaths), "the last steps are behind the last commit"


def test_a_schedule_is_a_record_that_a_file_keeps(line: Line) -> None:
    ident = line.add(Cron("0 9 * * *", "Europe/Berlin"), "queue")
    before = find_schedule(line.session, ident)
    line.reopen()
    assert find_schedule(line.session, ident) == before
    assert isinstance(before, Schedule)
    assert before.call == CALL


CLOCKWORK = """
import sys
from pathlib import Path
from jupyter_agent.journal.operations.firing import ScheduleRunner
from jupyter_agent.journal.session import JournalSession
from jupyter_agent.journal.sqlite.journal import SQLiteJournal
from jupyter_agent.system.paths import DataPaths; from jupyter_agent.system.ids import new_id

path, root, ident, start = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], float(sys.argv[4])
session = JournalSession(SQLiteJournal(path, new_id(), "epoch"), lambda stored, seconds: None)
runner = ScheduleRunner(DataPaths(root), "default")
now = session.journal.last_due(ident, 1e12) or start
while True:
    runner.tick(session, now)
    print(now, flush=True)
    now += 0.5
"""


def test_a_process_that_is_killed_again_and_again_makes_one_task_of_each_second(line: Line) -> None:
    ident = line.add(Every(1.0, START))
    for lines in (3, 20, 11, 1, 14):
        line.journal.close()
        with python(CLOCKWORK, line.path, line.paths.root, ident, START) as process:
            assert process.stdout is not None
            reached = [float(process.stdout.readline()) for _ in range(lines)][-1]
            process.kill()
            process.wait()
        line.open()
    last = line.journal.last_due(ident, reached + 60) or 0.0
    line.look(last - START)
    fired = line.firings(ident)
    assert last >= reached - 1
    assert [firing.due for firing in fired] == [
        START + second for second in range(1, round(last - START) + 1)
    ]
    assert {(firing.outcome, firing.missed) for firing in fired} == {("queued", 0)}
    tasks = line.tasks()
    assert (
        sorted(firing.task or "" for firing in fired)
        == [task.id for task in tasks]
        == sorted(line.work_items())
    )
    assert {(task.attempt, task.state) for task in tasks} == {(1, TaskState.QUEUED)}
