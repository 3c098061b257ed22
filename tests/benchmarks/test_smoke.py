"""Tests of the parts of the benchmarks; nothing is measured here."""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from .audience import AudienceSpec, Ear, Hall
from .frames import Endpoint, Wire, text_frame
from .growth import Curve, Growth
from .harness import percentile
from .page import PAGE, replaced, write
from .registry import SUBJECTS, Result
from .rows import Row, at_least, at_most, show, summary, table
from .svg import Panel, Scale, figure, short


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = [float(n) for n in range(100, 0, -1)]
    assert [percentile(values, q) for q in (0, 0.5, 0.99, 1)] == [1, 50, 99, 100]
    assert percentile([7.0], 0.99) == 7
    assert percentile([1, 2, 3], 0.5) == 2
    with pytest.raises(ValueError, match="nothing"):
        percentile([], 0.5)


def test_a_row_says_whether_its_target_is_met() -> None:
    assert Row("w", 4, "ms", at_most(4)).verdict == "met"
    assert Row("w", 4.1, "ms", at_most(4)).verdict == "**missed**"
    assert Row("w", 99, "events/s", at_least(100)).verdict == "**missed**"
    assert Row("w", 4, "ms").verdict == ""


def test_a_table_has_as_many_cells_in_each_line() -> None:
    lines = table([Row("what", 1234.5, "ms", at_most(5), {"tqdm": 0.00123, "rich": 7}, "note")]).splitlines()
    assert {line.count("|") for line in lines} == {7}
    assert lines[-1] == "| what | 1,234 ms | ≤ 5 | **missed** | tqdm 0.00123; rich 7 | note |"
    assert show(0) == "0"


def test_a_summary_names_what_is_missed() -> None:
    rows = [Row("quick", 1, "ms", at_most(2)), Row("slow", 3, "ms", at_most(2)), Row("told", 9, "ms")]
    assert summary(rows) == "1 of 2 targets met; missed:\n\n- slow: 3 ms, ≤ 2"
    assert summary(rows[:1]) == "1 of 1 targets met."


def test_a_growth_is_a_table_and_a_well_formed_plot() -> None:
    points = {1: {"cost, us": 3.0, "lost": 0.0}, 1000: {"cost, us": 30.5, "lost": 2.0}}
    curves = (Curve("cost", "us", {"<ours>": "cost, us"}), Curve("lost", "events", {"lost": "lost"}))
    growth = Growth("sockets", points, curves, "a & b")
    assert growth.table().splitlines()[-1] == "| 1,000 | 30.5 | 2 |"
    root = ET.fromstring(growth.plot())
    lines = root.findall(".//{http://www.w3.org/2000/svg}polyline")
    assert [len(line.attrib["points"].split()) for line in lines] == [2, 1]  # a zero has no logarithm


def test_a_scale_has_room_for_every_value_and_one_decade_at_least() -> None:
    scale = Scale([1, 1000], 0, 300)
    assert (scale(1), scale(10), scale(1000)) == (0, 100, 300)
    assert Scale([5.0], 0, 100).ticks() == [1, 10]
    tight = Scale([1, 16], 0, 100, tight=True)
    assert (tight(1), tight(16), tight.ticks()) == (0, 100, [1, 10])
    assert [short(v) for v in (0.1, 1, 1000, 1e7)] == ["0.1", "1", "1k", "10M"]


def test_every_line_of_a_panel_has_its_name() -> None:
    drawn = figure([Panel("t", "x", "y", {"first": [(1, 1)], "second": [(2, 2)]})], "d")
    assert drawn.count(">first<") == drawn.count(">second<") == 1


def test_only_what_stands_between_the_markers_is_replaced() -> None:
    text = "a\n<!-- begin x -->old<!-- end x -->\nb\n<!-- begin y --><!-- end y -->"
    assert replaced(text, "x", r"\1") == text.replace("old", "\n\\1\n")
    with pytest.raises(ValueError, match="'z' 0 times"):
        replaced(text, "z", "new")


def test_the_page_has_a_place_for_every_subject(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE.read_text())
    for name in ("summary", *SUBJECTS):
        write(name, Result(f"table of {name}", "<svg/>"), page, tmp_path / "images")
        assert f"table of {name}\n<!-- end {name} -->" in page.read_text()
        assert (tmp_path / "images" / f"{name}.svg").read_text() == "<svg/>"


def test_a_frame_comes_out_as_it_went_in_whatever_its_length() -> None:
    left, right = socket.socketpair()
    right.settimeout(5)
    with left, right:
        for size in (0, 125, 126, 65_535, 65_536):
            sent = text_frame(b"x" * size)
            head = len(sent) - size - 4  # the mask, all zeros, is the last of the head
            sender = threading.Thread(target=left.sendall, args=(_unmasked(sent, head),))
            sender.start()
            assert Wire(right).frame() == b"x" * size
            sender.join()


def _unmasked(frame: bytes, head: int) -> bytes:
    return bytes([frame[0], frame[1] & 0x7F]) + frame[2:head] + frame[head + 4 :]


def test_an_event_cut_in_two_by_the_socket_is_heard_once() -> None:
    for timed in (True, False):
        hall = Hall(AudienceSpec(Endpoint("plain", "ws://127.0.0.1:1"), 0, timed=timed))
        with socket.socket() as unused:
            ear = Ear(Wire(unused), b"")
            for chunk in (b'{"time":1.5,"type":"log"},{"ti', b'me":2', b".5}", b',{"time":3.5}'):
                hall._take(ear, chunk)
        assert ear.heard == 3
        waits = [round(wait / 1e3) for wait in hall._waits]
        assert waits == ([waits[0], waits[0] - 1, waits[0] - 2] if timed else [])
