"""Displays that replace each other, by their id or by clearing the output."""

from __future__ import annotations

from typing import Any

from jupyter_agent.runtime.output.displays import Displays
from jupyter_agent.runtime.output.mime import recordable

Recorded = list[tuple[str | None, dict[str, Any]]]


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def recorder() -> tuple[Displays, Recorded, Clock]:
    clock, recorded = Clock(), Recorded()
    return Displays(lambda data, _, name: recorded.append((name, data)), "shown", clock), recorded, clock


def html(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    return {"text/html": text}, {}


def test_updates_are_recorded_once_a_second_and_the_last_one_always() -> None:
    displays, recorded, clock = recorder()
    for n in range(10):
        displays.show(*html(str(n)), "bar")
    assert recorded == [("bar", {"text/html": "0"})]
    displays.sample()
    assert len(recorded) == 1
    clock.now += 1
    displays.sample()
    assert recorded[1:] == [("bar", {"text/html": "9"})]
    displays.show(*html("end"), "bar")
    displays.sample(is_last=True)
    assert recorded[2:] == [("bar", {"text/html": "end"})]


def test_what_is_shown_after_a_clear_takes_the_places_of_what_was_there() -> None:
    displays, recorded, clock = recorder()
    for text in ("a", "b"):
        displays.show(*html(text))
    displays.clear()
    clock.now += 1
    displays.show(*html("c"))
    displays.sample()
    assert recorded[2:] == [("shown-1", {"text/html": "c"}), ("shown-2", {})]
    displays.show(*html("d"))
    assert recorded[4:] == [("shown-3", {"text/html": "d"})]


def test_a_clear_touches_its_own_area_only_and_no_display_of_another_id() -> None:
    displays, recorded, _ = recorder()
    displays.show(*html("in the cell"), None)
    displays.show(*html("in a widget"), None, "widget")
    displays.show(*html("named"), "bar", "widget")
    displays.clear("widget")
    displays.show(*html("anew"), None, "widget")
    displays.sample(is_last=True)
    assert recorded[3:] == [("shown-2", {"text/html": "anew"}), ("bar", {})]


def test_bytes_and_colours_of_a_bundle_can_be_stored() -> None:
    data = {"image/png": b"\x89PNG", "text/plain": "\x1b[31mred\x1b[0m", "text/html": "<b>"}
    assert recordable(data) == {"image/png": "iVBORw==", "text/plain": "red", "text/html": "<b>"}


def test_a_state_that_waited_when_the_output_was_cleared_is_never_recorded() -> None:
    displays, recorded, _ = recorder()
    displays.show(*html("first"), "bar")
    displays.show(*html("waits"), "bar")
    displays.clear()
    displays.sample(is_last=True)
    assert recorded == [("bar", {"text/html": "first"}), ("bar", {})]
