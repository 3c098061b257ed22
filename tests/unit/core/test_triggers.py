"""When schedules are due."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_agent.core.trigger_parser import (
    ScheduleSpec,
    described,
    parse_at,
    parse_cron,
    parse_every,
    parse_schedule,
)
from jupyter_agent.core.triggers import MAX_COUNTED, At, Cron, Every, Trigger, missed_dues, next_due
from jupyter_agent.errors import BadSchedule

START = 1_764_000_000.25
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "Asia/Kolkata"]
CRONS = [
    "* * * * *",
    "*/7 * * * *",
    "0 * * * *",
    "30 2 * * *",
    "15,45 1-3 * * *",
    "0 0 * * *",
    "*/30 2 * * 0",
    "59 23 L * *",
    "0 9 * * MON-FRI",
    "0 12 29 2 *",
    "0 0 1 1 *",
    "* 1 * * *",
    "5 */2 * * *",
]
times = st.floats(1.5e9, 2e9)
everies = st.builds(Every, st.sampled_from([1.0, 1.1, 59.9, 60.0, 3600.0, 86_400.0, 0.1 * 97]), times)
triggers = st.one_of(everies, st.builds(Cron, st.sampled_from(CRONS), st.sampled_from(ZONES)))


def dues(trigger: Trigger, after: float, count: int) -> list[float]:
    found: list[float] = []
    while len(found) < count and (due := next_due(trigger, after)) is not None:
        found.append(due)
        after = due
    return found


BERLIN = ZoneInfo("Europe/Berlin")


def berlin(*day: int, fold: int = 0) -> float:
    """The clocks in Berlin show this."""
    return datetime(*day, fold=fold, tzinfo=BERLIN).timestamp()  # type: ignore[arg-type, misc]


def on_clock(expression: str, after: float, count: int) -> list[str]:
    found = dues(Cron(expression, "Europe/Berlin"), after, count)
    return [datetime.fromtimestamp(due, BERLIN).strftime("%d. %H:%M %Z") for due in found]


class TestDues:
    @given(triggers, times, st.lists(st.floats(0, 1), min_size=1, max_size=8))
    def test_they_are_the_same_whenever_they_are_asked_for(
        self, trigger: Trigger, after: float, stops: list[float]
    ) -> None:
        expected = dues(trigger, after, 6)
        assert expected == sorted(set(expected)), "never two of the same, always later"
        assert all(due > after for due in expected)
        for due, before in zip(expected, [after, *expected], strict=False):
            for stop in stops:
                between = before + (due - before) * stop
                if before <= between < due:
                    assert next_due(trigger, between) == due

    @given(triggers, times, st.floats(0, 3e6))
    def test_what_has_passed_is_what_was_due(self, trigger: Trigger, after: float, span: float) -> None:
        now = after + span
        found = missed_dues(trigger, after, now)
        expected = [due for due in dues(trigger, after, 300) if due <= now]
        if found is None:
            assert expected == []
        elif len(expected) < 300:
            assert found == (expected[-1], len(expected) - 1)
        else:
            following = next_due(trigger, found.due)
            assert expected[-1] <= found.due <= now < (following or now + 1)
            assert found.earlier >= 299
        assert next_due(trigger, now) == next_due(trigger, max(now, found.due if found else now))

    def test_every_is_anchored_at_its_start(self) -> None:
        trigger = Every(60.0, START)
        assert dues(trigger, 0.0, 2) == [START + 60, START + 120]
        assert next_due(trigger, START + 7 * 60 + 59.9) == START + 8 * 60
        assert missed_dues(trigger, START + 60, START + 119.9) is None

    def test_a_year_away_is_told_at_once_and_counted_as_far_as_it_matters(self) -> None:
        year = START + 366 * 86_400
        assert missed_dues(Every(1.0, START), START, year) == (year, MAX_COUNTED)
        found = missed_dues(Cron("* * * * *", "Europe/Berlin"), START, year)
        assert found is not None
        assert year - 60 < found.due <= year
        assert found.earlier == MAX_COUNTED

    def test_once_is_once(self) -> None:
        trigger = At(START, "UTC")
        assert next_due(trigger, START - 1) == START
        assert next_due(trigger, START) is None
        assert missed_dues(trigger, START - 9, START) == (START, 0)
        assert missed_dues(trigger, START, START + 9) is None


class TestDaylightSaving:
    """In Berlin on 2026-03-29 the clocks go from 02:00 to 03:00; on 2026-10-25 from 03:00 back to 02:00."""

    def test_a_time_that_is_left_out_is_due_when_the_clocks_have_moved(self) -> None:
        found = on_clock("30 2 * * *", berlin(2026, 3, 28), 3)
        assert found == ["28. 02:30 CET", "29. 03:00 CEST", "30. 02:30 CEST"]

    def test_a_time_that_comes_twice_is_due_once(self) -> None:
        found = on_clock("30 2 * * *", berlin(2026, 10, 24), 3)
        assert found == ["24. 02:30 CEST", "25. 02:30 CEST", "26. 02:30 CET"]
        between = berlin(2026, 10, 25, 2, 10, fold=1)
        assert on_clock("30 2 * * *", between, 1) == ["26. 02:30 CET"], "asked for between the two"

    def test_what_goes_by_the_hour_goes_by_the_time_that_passes(self) -> None:
        trigger = Cron("0 * * * *", "Europe/Berlin")
        for day in (berlin(2026, 3, 29), berlin(2026, 10, 25)):
            assert {b - a for a, b in pairwise(dues(trigger, day, 6))} == {3600.0}

    def test_two_times_in_the_hour_that_is_left_out_are_one_run(self) -> None:
        assert on_clock("15,45 2 * * *", berlin(2026, 3, 29), 2) == ["29. 03:00 CEST", "30. 02:15 CEST"]

    def test_the_zone_decides_what_nine_oclock_is(self) -> None:
        there, tokyo = (
            dues(Cron("0 9 * * *", zone), START, 1)[0] for zone in ("Europe/Berlin", "Asia/Tokyo")
        )
        assert (there - tokyo) % 86_400 in (7 * 3600, 8 * 3600)


class TestReading:
    @pytest.mark.parametrize(
        ("text", "seconds"),
        [
            ("30m", 1800),
            ("1h30m", 5400),
            ("90s", 90),
            ("1d", 86_400),
            ("2w", 1_209_600),
            (" 1H 30 min ", 5400),
            (90, 90),
            (1.5, 1.5),
            ("90", 90),
            ("0.5h", 1800),
            (1, 1),
        ],
    )
    def test_spans(self, text: object, seconds: float) -> None:
        assert parse_every(text, START) == Every(seconds, START)

    @pytest.mark.parametrize(
        ("value", "said"),
        [
            ("soon", "every 'soon' is not a time span; say it as 90s, 30m, 1h30m, 1d or in seconds"),
            ("", "is not a time span"),
            ("m", "is not a time span"),
            ("5x", "is not a time span"),
            (None, "is not a time span"),
            (True, "is not a time span"),
            ("-5m", "is not a time span"),
            ("1h30", "is not a time span"),
            ("٣h", "is not a time span"),
            ([], "is not a time span"),
            (0, "every 0 is not from 1 second to 10 years"),
            (0.5, "is not from"),
            ("0s", "is not from"),
            (-60, "is not from"),
            (float("nan"), "is not from"),
            (float("inf"), "is not from"),
            (10**400, "is not from"),
            ("99999d", "is not from"),
        ],
    )
    def test_what_is_no_span(self, value: object, said: str) -> None:
        with pytest.raises(BadSchedule, match=said):
            parse_every(value, START)

    @pytest.mark.parametrize(
        ("expression", "kept"),
        [
            ("0 9 * * MON-FRI", "0 9 * * MON-FRI"),
            ("  */5  *\t* * * ", "*/5 * * * *"),
            ("@daily", "0 0 * * *"),
            ("@Hourly", "0 * * * *"),
            ("0 0 29 2 *", "0 0 29 2 *"),
        ],
    )
    def test_cron_expressions(self, expression: str, kept: str) -> None:
        assert parse_cron(expression, "Europe/Berlin") == Cron(kept, "Europe/Berlin")

    @pytest.mark.parametrize(
        ("expression", "said"),
        [
            ("* * * *", "does not have five fields: minute, hour, day of the month, month, day of the week"),
            ("0 * * * * *", "does not have five fields"),
            ("@reboot", "does not have five fields"),
            ("61 * * * *", "cron '61 \\* \\* \\* \\*': the minute cannot be understood"),
            ("0 24 * * *", "the hour cannot"),
            ("0 0 32 * *", "the day of month cannot"),
            ("0 0 * 13 *", "the month cannot"),
            ("0 0 * * 8", "the day of week cannot"),
            ("a b c d e", "the minute cannot"),
            ("*/0 * * * *", "the minute cannot"),
            ("0 0 31 2 *", "the day of month cannot"),
            ("0 0 */27 2 1#5", "names a day that never comes"),
            ("", "is not text"),
            (None, "is not text"),
            (5, "is not text"),
            ("1 " * 300, "does not have five"),
        ],
    )
    def test_what_is_no_cron_expression(self, expression: object, said: str) -> None:
        with pytest.raises(BadSchedule, match=said):
            parse_cron(expression, "UTC")

    @given(st.text("0123456789*/,-#LWMONa \x00٣", max_size=24), st.sampled_from(ZONES))
    def test_any_text_is_a_cron_expression_or_gets_a_sentence(self, text: str, zone: str) -> None:
        try:
            trigger = parse_cron(text, zone)
        except BadSchedule as error:
            said = str(error)
            assert "\n" not in said
            assert "\x00" not in said
        else:
            found = dues(trigger, START, 3)
            assert found == sorted(set(found))
            assert described(trigger)

    @pytest.mark.parametrize(
        "zone", ["Mars/Olympus", "", "../etc/passwd", "/etc/localtime", "Europe", "a\x00b", 5, None]
    )
    def test_what_is_no_time_zone(self, zone: object) -> None:
        with pytest.raises(
            BadSchedule, match=r"there is no time zone .*; use an IANA name such as Europe/Berlin"
        ):
            parse_cron("0 9 * * *", zone)  # type: ignore[arg-type]

    def test_a_time_is_the_zones_unless_it_says_otherwise(self) -> None:
        now = datetime(2031, 1, 1, tzinfo=ZoneInfo("UTC")).timestamp()
        noon = datetime(2031, 5, 17, 12, tzinfo=ZoneInfo("UTC")).timestamp()
        for text in (
            "2031-05-17T14:00",
            "2031-05-17 14:00:00",
            "2031-05-17T12:00Z",
            "2031-05-17T17:30+05:30",
        ):
            assert parse_at(text, "Europe/Berlin", now) == At(noon, "Europe/Berlin")
        assert parse_at("2031-05-17", "UTC", now).time == noon - 12 * 3600

    @pytest.mark.parametrize(
        ("value", "said"),
        [
            ("tomorrow", "at 'tomorrow' is not a time; say it as 2031-05-17T09:30"),
            ("", "is not a time"),
            (None, "is not a time"),
            (5, "is not a time"),
            ("2026-02-30", "is not a time"),
            ("2020-01-01", "has passed already .2020-01-01 00:00:00 in"),
            ("2031-03-30T02:30", "the clocks of Europe/Berlin leave that time out"),
            ("0001-01-01", "is not a time"),
            ("9999-12-31T23:59-12:00", "is not a time"),
        ],
    )
    def test_what_is_no_time(self, value: object, said: str) -> None:
        with pytest.raises(BadSchedule, match=said):
            parse_at(value, "Europe/Berlin", START)


class TestAsking:
    def test_what_is_not_said_has_a_default(self) -> None:
        asked = parse_schedule({"every": "1m", "cron": None}, timezone="Asia/Tokyo", now=START)
        assert asked == ScheduleSpec(Every(60.0, START), "Asia/Tokyo", "skip")

    def test_everything_can_be_said(self) -> None:
        asked = {"cron": "0 9 * * *", "timezone": "Europe/Berlin", "overlap": "queue"}
        expected = ScheduleSpec(Cron("0 9 * * *", "Europe/Berlin"), "Europe/Berlin", "queue")
        assert parse_schedule(asked, timezone="UTC", now=START) == expected
        once = parse_schedule(
            {"at": "2031-05-17T14:00", "timezone": "Europe/Berlin"}, timezone="UTC", now=START
        )
        assert once.trigger == At(berlin(2031, 5, 17, 14), "Europe/Berlin")

    @pytest.mark.parametrize(
        ("asked", "said"),
        [
            ({}, "a schedule has one of every, cron and at, and none is given"),
            ({"every": 60, "at": "2031-05-17"}, "a schedule has one of every, cron and at, not every and at"),
            ({"evry": "1m"}, "a schedule has no 'evry'; it has every, cron, at, timezone, overlap"),
            ({"every": 60, "overlap": "never"}, "overlap must be skip, queue or allow, not 'never'"),
            ({"every": 60, "overlap": []}, "overlap must be skip, queue or allow"),
            ({"every": 60, "timezone": "Mars"}, "there is no time zone 'Mars'"),
            ({"cron": "x"}, "does not have five fields"),
        ],
    )
    def test_what_makes_no_sense_gets_a_sentence(self, asked: dict[str, object], said: str) -> None:
        with pytest.raises(BadSchedule, match=said):
            parse_schedule(asked, timezone="UTC", now=START)


class TestSaying:
    @pytest.mark.parametrize(
        ("trigger", "text"),
        [
            (Every(1800.0, START), "every 30 minutes"),
            (Every(3600.0, START), "every hour"),
            (Every(1.0, 0), "every second"),
            (Every(5400.0, START), "every 1 hour 30 minutes"),
            (Every(1.5, START), "every 1.5 seconds"),
            (Every(86_400.0 * 9, START), "every 1 week 2 days"),
            (Cron("0 9 * * MON-FRI", "Europe/Berlin"), "at 09:00 on Monday through Friday (Europe/Berlin)"),
            (Cron("*/5 * * * *", "UTC"), "every 5 minutes"),
            (At(0.0, "Asia/Tokyo"), "once at 1970-01-01 09:00:00 (Asia/Tokyo)"),
        ],
    )
    def test_a_person_can_read_it(self, trigger: Trigger, text: str) -> None:
        assert described(trigger) == text


@pytest.mark.parametrize(("month", "day", "hours"), [(3, 29, 23), (10, 25, 25), (6, 1, 24)])
def test_a_day_of_dues_is_as_long_as_its_day(month: int, day: int, hours: int) -> None:
    end = berlin(2026, month, day + 1)
    found = missed_dues(Cron("*/10 * * * *", "Europe/Berlin"), berlin(2026, month, day), end)
    assert found == (end, hours * 6 - 1)
