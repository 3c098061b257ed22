"""Targets: events, ids and cursors that are parsed, and tasks that are folded and drawn."""

from __future__ import annotations

import io
from html.parser import HTMLParser

import msgspec
from rich.console import Console

from jupyter_agent.cli.output import details, task_table
from jupyter_agent.cli.watch.model import Row
from jupyter_agent.cli.watch.render import model_view
from jupyter_agent.core.events import UNREADABLE, decode_data, decode_event, encode_event
from jupyter_agent.core.ids import Cursor, is_ulid
from jupyter_agent.core.sanitize import to_single_line
from jupyter_agent.core.task import Task
from jupyter_agent.errors import BadCursor
from jupyter_agent.rendering.formats import age, duration, moment, number
from jupyter_agent.rendering.html import html, start_html
from jupyter_agent.rendering.humanize import size
from jupyter_agent.rendering.transcript import event_text
from jupyter_agent.server.handlers.tasks_page import render

from .dice import Dice
from .grammar import CURSORS, FLOATS, INTS, TASKS, TEXTS, encoded, event, typed_event
from .harness import expect
from .mutate import damaged

_FLAGS = {None, "invalid_transition", "bad_data"}
_CALM = set(map(chr, range(0x20))) - {"\n"} | {"\x7f", *map(chr, range(0x80, 0xA0))}

_TAGS = {
    "div", "span", "strong", "details", "summary", "pre", "html", "meta", "title", "style", "h1", "table",
    "tr", "th", "td", "code", "br", "progress", "p", "a", "main", "head", "body",
}  # fmt: skip
_ATTRIBUTES = {
    "style", "lang", "charset", "http-equiv", "content", "name", "data-task-id", "data-state", "class", "max",
    "value", "href",
}  # fmt: skip


def decoding(dice: Dice) -> None:
    """An event is read or refused; one that was read is written as what reads the same."""
    raw = encoded(event(dice))
    raw = dice.feed(damaged(dice, raw) if dice.chance(0.6) else raw)
    try:
        read = decode_event(raw)
    except UNREADABLE:
        return
    expect(decode_event(encode_event(read)) == read, "an event changes when it is written again")
    try:
        decode_data(read)
    except UNREADABLE:
        expect(Task(read.task).apply(read) in _FLAGS, "a bad payload is not flagged")


def folding(dice: Dice) -> None:
    """Well-typed events in any order make a task that can be written and read."""
    folded(dice)


def folded(dice: Dice) -> Task:
    """A task of events in any order, some of them damaged inside."""
    task = Task(TASKS[0], name=dice.pick(TEXTS))
    for n in range(1, 2 + dice.upto(10)):
        one = typed_event(dice, n, task.id)
        dice.feed(encode_event(one))
        flag = task.apply(one)
        expect(flag in _FLAGS, f"the flag is {flag!r}")
        expect(task.events == n, "an event is not counted")
        expect(task.state.ended or task.ended is None, "it goes on and has an end")
    raw = msgspec.json.encode(task)
    expect(
        msgspec.json.encode(msgspec.json.decode(raw, type=Task)) == raw, "a snapshot is read as another one"
    )
    return task


def identifying(dice: Dice) -> None:
    """Ids and cursors are read, or refused with our own error; what is an id is safe as a file name."""
    text = dice.pick((*CURSORS, *TASKS, *TEXTS, *map(str, INTS)))
    if dice.chance(0.7):
        text = damaged(dice, text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogateescape")
    dice.feed(text.encode("utf-8", "surrogateescape"))
    if is_ulid(text):
        expect(len(text) == 26 and text.isascii() and text.isalnum(), f"{text!r} is an id")
    try:
        cursor = Cursor.parse(text)
    except BadCursor as error:
        expect(len(str(error)) < 1000, "the refusal is as long as what it refuses")
        return
    expect(0 <= cursor.offset < 1 << 63 and Cursor.parse(str(cursor)) == cursor, f"{text!r} is {cursor}")


def drawing(dice: Dice) -> None:
    """Terminal, page and notebook draw any task, and its text moves and marks up nothing."""
    row = Row(Task(TASKS[0]), "default")
    for n in range(1, 1 + dice.upto(6)):
        one = typed_event(dice, n, TASKS[0])
        one = msgspec.structs.replace(one, offset=n)
        dice.feed(encode_event(one))
        event_text(one)
        row.apply(one)
    task = folded(dice)
    now = dice.pick(FLOATS)
    out = io.StringIO()
    console = Console(file=out, width=10 + dice.upto(190), color_system=None, highlight=False)
    console.print(task_table([task, row.task], now, console.width))
    console.print(details(task, now), details(row.task, now))
    console.print(model_view([row], console.width, 5))
    expect(
        not _CALM & set(_without_traceback(task, row, out.getvalue())),
        "control characters reach the terminal",
    )
    for page in (html(task), html(row.task), start_html(task.name), render([task, row.task], now)):
        _Tags().feed(page)


def _without_traceback(task: Task, row: Row, drawn: str) -> str:
    """A traceback is shown as it is."""
    return "" if any(t.error and t.error.traceback for t in (task, row.task)) else drawn


class _Tags(HTMLParser):
    """Only the tags and attributes that these pages are made of."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        expect(tag in _TAGS and {name for name, _ in attrs} <= _ATTRIBUTES, f"<{tag} {attrs}>")


def speaking(dice: Dice) -> None:
    """Numbers, times and text of any size are formatted."""
    value = dice.pick((*FLOATS, float("inf"), float("-inf"), float("nan")))
    dice.feed(repr(value))
    for say in (duration, age, moment):
        expect(len(say(value)) < 40, f"{say.__name__} says too much")
    expect(len(number(dice.pick((value, *INTS)))) < 40, "a number is too long")
    size(dice.upto(1 << 62))
    text = damaged(dice, dice.pick(TEXTS).encode()).decode("utf-8", "replace")
    dice.feed(text)
    expect(not (_CALM | {"\n"}) & set(to_single_line(text)), "control characters reach the terminal")
