"""Bars of libraries that draw by themselves: which of them a task follows, and until when."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import click

import jupyter_agent as ja
from jupyter_agent.core.events import Progress, decode_data
from tests.support.runtime import emitted, logs, own_producer  # noqa: F401


def progress_of(work: Callable[[], Any]) -> list[tuple[Any, Any, Any]]:
    """Run *work* as a task; its progress events."""
    handle = ja.task(work, show=False).submit()
    handle.result(30)
    found = [decode_data(event) for event in emitted(handle.id, "progress")]
    return [(data.done, data.total, data.message) for data in found if isinstance(data, Progress)]


def test_a_loop_over_a_click_bar_is_counted_where_click_does_not_count() -> None:
    seen = []

    def work() -> None:
        with click.progressbar("abc", label="rows") as bar:
            for item in bar:
                ja.current().sample()
                seen.append(item)

    assert progress_of(work) == [(0, 3, "rows"), (1, 3, "rows"), (2, 3, "rows"), (3, 3, "rows")]
    assert seen == ["a", "b", "c"]


def test_a_click_bar_that_is_moved_by_hand_keeps_its_last_position() -> None:
    def work() -> None:
        with click.progressbar(length=10) as bar:
            bar.update(4)

    assert progress_of(work)[-1] == (4, 10, None)


def test_a_loop_that_breaks_has_done_what_it_has_done() -> None:
    def work() -> None:
        with click.progressbar(range(9)) as bar:
            for number in bar:
                if number == 2:
                    break

    assert progress_of(work)[-1] == (2, 9, None)


def test_the_outer_bar_is_the_progress_whichever_library_draws_it() -> None:
    def work() -> None:
        with click.progressbar(range(2)) as outer:
            for _ in outer:
                for _ in ja.track(range(50)):
                    ja.current().sample()

    assert {total for _, total, _ in progress_of(work)} == {2}


def test_a_bar_of_no_task_is_not_followed() -> None:
    progress_of(lambda: None)  # installs the capture
    with click.progressbar(range(2)) as bar:
        list(bar)
    assert not hasattr(bar, "_jupyter_agent")


def test_a_bar_that_is_dropped_before_its_end_does_not_silence_the_next() -> None:
    def work() -> None:
        bar = click.progressbar(range(9))
        bar.__enter__()
        del bar
        gc.collect()
        with click.progressbar(range(3)) as second:
            for _ in second:
                ja.current().sample()

    assert progress_of(work)[-1] == (3, 3, None)
