"""When the server is told of a spool's trouble."""

from __future__ import annotations

from jupyter_agent.producer.spool_report import MIN_INTERVAL, QUIET_SECONDS, SpoolReport


def told(report: SpoolReport, trouble: str, now: float) -> str | None:
    due = report.due(trouble, now)
    if due is not None:
        report.sent(due)
    return due


def test_trouble_is_told_once_and_its_end_once() -> None:
    report = SpoolReport()
    assert [told(report, trouble, now) for now, trouble in enumerate(["", "full", "full"])] == [
        None,
        "full",
        None,
    ]
    assert told(report, "", 2 + QUIET_SECONDS) == ""
    assert told(report, "", 3 + QUIET_SECONDS) is None


def test_a_spool_that_goes_to_and_fro_is_told_once() -> None:
    report = SpoolReport()
    said = [told(report, "full" if step % 2 else "", step * 0.05) for step in range(100)]
    assert [one for one in said if one is not None] == ["full"]


def test_other_trouble_replaces_the_first_after_a_moment() -> None:
    report = SpoolReport()
    assert told(report, "in memory", 0) == "in memory"
    assert told(report, "dropped", MIN_INTERVAL / 2) is None
    assert told(report, "dropped", MIN_INTERVAL) == "dropped"


def test_what_could_not_be_sent_is_due_again_and_all_of_it_to_another_connection() -> None:
    report = SpoolReport()
    assert report.due("full", 0) == report.due("full", 0.1) == "full"
    report.sent("full")
    report.forget()
    assert report.due("full", 0.2) == "full"
