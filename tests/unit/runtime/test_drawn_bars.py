"""Bars of libraries that draw by themselves: which of them a task follows, and until when."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import click
import pytest

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


class DaskBar:
    """As dask's ``ProgressBar``, a callback that its schedulers call."""

    def _start(self, _graph: object) -> None:
        self._state: dict[str, Any] | None = None

    def _pretask(self, _key: object, _graph: object, state: dict[str, Any]) -> None:
        self._state = state

    def _finish(self, _graph: object, _state: object, _errored: object) -> None:
        pass


def compute(bar: DaskBar, keys: str) -> None:
    """Compute a graph of *keys*, one by one, as dask's schedulers do."""
    state: dict[str, Any] = {"finished": set(), "ready": list(keys), "waiting": {}, "running": set()}
    bar._start({})
    for _ in keys:
        key = state["ready"].pop(0)
        state["running"].add(key)
        bar._pretask(key, {}, state)
        ja.current().sample()
        state["running"].remove(key)
        state["finished"].add(key)
    bar._finish({}, state, False)
    ja.current().sample()


def test_a_bar_of_dask_is_the_progress_in_each_computation(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("dask.diagnostics.progress")
    vars(module)["ProgressBar"] = DaskBar
    monkeypatch.setitem(sys.modules, module.__name__, module)

    def work() -> None:
        bar = DaskBar()
        compute(bar, "abc")
        compute(bar, "de")

    done = [(done, total) for done, total, _ in progress_of(work)]
    assert done == [(0, 3), (1, 3), (2, 3), (3, 3), (0, 2), (1, 2), (2, 2)]
