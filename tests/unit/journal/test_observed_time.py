"""The time that a journal has seen: no clock that was set makes anything old, and time that passed does."""

from __future__ import annotations

import pytest

from jupyter_agent.journal.observed_time import CATCH_UP, MAX_MARKS, Look, ObservedTime

HOUR, DAY, NOW = 3600.0, 86_400.0, 1_700_000_000.0


class Machine:
    """Looks at a journal as servers on one machine do; its wall clock is *off* by so many seconds."""

    def __init__(self) -> None:
        self.time, self.real, self.off, self.boot, self.booted = ObservedTime(), NOW, 0.0, "first", NOW
        self.look()

    def look(self, seconds: float = 0.0) -> float:
        self.real += seconds
        return self.time.look(Look(self.real + self.off, self.boot, self.real - self.booted))

    def run(self, seconds: float, every: float = HOUR) -> None:
        for _ in range(int(seconds / every)):
            self.look(every)

    def reboot(self, after: float = 0.0) -> float:
        self.real += after
        self.boot, self.booted = f"{self.boot}+", self.real
        return self.look()


@pytest.fixture
def machine() -> Machine:
    return Machine()


def test_time_passes_as_it_does(machine: Machine) -> None:
    machine.run(10 * DAY)
    assert machine.time.seen == pytest.approx(10 * DAY)


def test_a_machine_that_sleeps_or_has_no_server_for_days_sees_them_at_once(machine: Machine) -> None:
    machine.look(40 * DAY)
    assert machine.time.seen == pytest.approx(40 * DAY)


@pytest.mark.parametrize(
    "off", [40 * DAY, -40 * DAY, 1e9, -NOW], ids=["ahead", "behind", "far ahead", "1970"]
)
@pytest.mark.parametrize("reboots", [False, True], ids=["set", "after a boot"])
def test_a_clock_that_is_wrong_at_one_look_changes_nothing(
    machine: Machine, off: float, reboots: bool
) -> None:
    machine.run(DAY)
    machine.off = off
    if reboots:
        machine.reboot()
    else:
        assert machine.look(60) == pytest.approx(off)
    assert machine.time.seen <= DAY + 60
    machine.off = 0
    machine.look(60)
    machine.run(5 * DAY)
    assert machine.time.seen <= 6 * DAY + 2 * HOUR


def test_a_look_far_from_the_last_one_believes_no_step_either(machine: Machine) -> None:
    machine.off = 40 * DAY
    machine.look(20 * HOUR)
    assert machine.time.seen == pytest.approx(20 * HOUR)


def test_a_machine_that_was_off_for_40_days_sees_them_within_40_hours(machine: Machine) -> None:
    assert machine.reboot(40 * DAY) == pytest.approx(40 * DAY)
    assert machine.time.seen == 0
    machine.run(HOUR, every=600)
    assert machine.time.seen <= DAY + HOUR
    machine.run(42 * HOUR)
    assert machine.time.seen == pytest.approx(40 * DAY + 43 * HOUR, rel=0.01)


def test_a_machine_that_is_on_for_an_hour_a_day_keeps_up(machine: Machine) -> None:
    for _ in range(30):
        machine.reboot(23 * HOUR)
        machine.run(HOUR, every=600)
    assert 24 * DAY < machine.time.seen <= 31 * DAY


def test_two_clocks_40_days_apart_that_take_turns_add_nothing(machine: Machine) -> None:
    for turn in range(100):
        machine.off = 40 * DAY * (turn % 2)
        machine.reboot(HOUR)
        machine.run(HOUR, every=600)
    assert machine.time.seen <= 100 * (HOUR + CATCH_UP * HOUR) / 2 + 100 * HOUR


def test_a_snapshot_that_is_restored_goes_on_where_it_was(machine: Machine) -> None:
    machine.run(DAY)
    machine.booted += 12 * HOUR  # the boot's clock is back where it was then
    assert machine.look(60) == pytest.approx(60)
    assert machine.time.seen == pytest.approx(DAY)


def test_a_mark_is_as_old_as_what_was_seen_since(machine: Machine) -> None:
    machine.time.mark(10, HOUR)
    machine.look(60)
    machine.time.mark(20, HOUR)
    machine.look(HOUR)
    machine.time.mark(30, HOUR)
    assert [machine.time.offset_before(age) for age in (0, HOUR, HOUR + 60, 2 * HOUR)] == [30, 10, 10, 0]


def test_marks_are_bounded(machine: Machine) -> None:
    for offset in range(3 * MAX_MARKS):
        machine.look(HOUR)
        machine.time.mark(offset, 0)
    assert len(machine.time.marks) == MAX_MARKS
    assert machine.time.offset_before(HOUR) == 3 * MAX_MARKS - 2
