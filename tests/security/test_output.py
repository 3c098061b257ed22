"""Output of a task reaches terminals, pages and saved notebooks as text, and does nothing there."""

from __future__ import annotations

import html as html_module
import json
import os
import pty
import re
import select
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from jupyter_agent.core.events import (
    About,
    Data,
    Error,
    Log,
    Message,
    Metric,
    Progress,
    Prompt,
    Result,
    State,
    TaskState,
)
from jupyter_agent.core.sanitize import json_text, strip_controls, to_single_line
from jupyter_agent.core.snapshots import MetricPoint, ProgressSnapshot
from jupyter_agent.core.task import Task
from jupyter_agent.notebook.handle import TaskHandle
from jupyter_agent.notebook.task_list import TaskList
from jupyter_agent.rendering.html import html, start_html
from jupyter_agent.server.handlers.tasks_page import render
from jupyter_agent.system.paths import DataPaths
from tests.support.cli import Writer
from tests.support.servers import Server, environment
from tests.support.wire import Story

from .endpoints import published

STEERS = {
    "colours": "\x1b[38;5;201mred\x1b[0m",
    "the screen": "\x1b[2J\x1b[H",
    "the cursor": "\x1b[13A\x1b[7;7H",
    "a mode": "\x1b[?1049h",
    "a report": "\x1b[6n\x1b[c",
    "the title": "\x1b]0;title\x07",
    "the clipboard": "\x1b]52;c;ZXZpbA==\x1b\\",
    "a link": "\x1b]8;;http://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "a picture": "\x1bPq#0;2;0;0;0#0~~@@\x1b\\",
    "a reset": "\x1bc",
    "a character set": "\x1b(0",
    "eight bits": "\x9b31m\x9d0;t\x9c\x90q\x9c",
    "an unended title": "\x1b]0;title",
    "an unended colour": "\x1b[31",
    "a nested one": "\x1b\x1b[31m[31m\x1b]0;\x1b[31m\x07",
    "a bell and backspaces": "\x07a\x08\x08b\x7f",
    "NUL and friends": "\x00\x05\x0e\x0f\x1a",
    "bidi overrides": "\u202eevil\u202c \u2066a\u2069 \u061c\u200f",
    "line separators": "a\u2028b\u2029c",
}
STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
ALL = "".join(STEERS.values()) + "[bold]<b>"
MARKUP = "<script>evil()</script><img src=x onerror=evil()>\"'><a href=javascript:evil()>x</a></style><!--"


def steers(text: str) -> list[str]:
    """Return the control sequences in *text* that a terminal acts on, except line ends and tabs."""
    return STEERING.findall(text.replace("\r\n", "\n"))


@pytest.mark.parametrize("text", STEERS.values(), ids=STEERS)
def test_nothing_of_what_steers_a_terminal_is_left_of(text: str) -> None:
    assert steers(strip_controls(f"before {text} after")) == []
    assert steers(to_single_line(f"before {text} after")) == []
    assert strip_controls(f"before {text} after").startswith("before ")
    assert strip_controls(f"before {text}\nafter").endswith("\nafter")
    kept = json_text(json.dumps({"a": text}, ensure_ascii=False).encode())
    assert steers(kept) == []
    assert json.loads(kept) == {"a": text}


@pytest.mark.parametrize(
    "text", ["plain", "tab\tand\nline", "naïve 日本語 עברית", "👩‍👩‍👧 é", "100 % [ok] <b>", "", "a\rb"]
)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert strip_controls(text) == text


def _tell(writer: Writer, text: str) -> None:
    """Put *text* wherever a task has room for it."""
    said: list[tuple[str, Data]] = [
        ("log", Log("stdout", f"{text}\n")),
        ("log", Log("logging", text, text)),
        ("message", Message(text, text, "m")),
        ("metric", Metric(text, 1.5)),
        ("progress", Progress(1, 3, text)),
        ("prompt", Prompt("p", text, (text, text))),
    ]
    for kind, data in said:
        writer.emit(kind, data)


class Loud(Writer):
    """A writer all of whose task's words are *text*."""

    def __init__(self, paths: DataPaths, text: str) -> None:
        super().__init__(paths)
        about = About(text, key=text, tags=(text,), owner=text, kernel=text, notebook=text, cell=text)
        self.emit("state", State(TaskState.FAILED, error=Error("e", "m")))
        self.spool.append(self.task, 2, "state", State(TaskState.QUEUED, about=about))
        self.spool.append(self.task, 2, "state", State(TaskState.RUNNING))

    def emit(self, kind: str, data: Data) -> None:
        self.spool.append(self.task, 1 if kind == "state" else 2, kind, data)

    def fail(self, text: str) -> None:
        state = State(TaskState.FAILED, text, Error(text, text, text), Result(text))
        self.spool.append(self.task, 2, "state", state)


def on_a_terminal(
    paths: DataPaths, *arguments: str, seen: Callable[[bytes], None] = lambda _: None, **more: str
) -> str:
    """Return what the command line writes to a terminal of 160 columns; *seen* gets the output so far."""
    ours, theirs = pty.openpty()
    env = environment(paths.root.parent / "home", paths.root) | {
        "TERM": "xterm-256color",
        "COLUMNS": "160",
        **more,
    }
    command = [sys.executable, "-m", "jupyter_agent.cli", *arguments]
    process = subprocess.Popen(command, env=env, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    written = b""
    try:
        while True:
            assert select.select([ours], [], [], 60)[0], "it hangs"
            chunk = os.read(ours, 1 << 16)
            if not chunk:
                break
            written += chunk
            seen(written)
    except OSError:  # how Linux says that the other end is closed
        pass
    finally:
        os.close(ours)
        process.wait(20)
    return written.decode()


OWN_STYLE = re.compile(r"\x1b\[[0-9;]*m|\x1b\[\?25[lh]|\x1b\[[0-9]*[AKG]|\x1b\[2K|\r")


def assert_harmless(written: str) -> None:
    """Nothing in it steers the terminal but the command line's own style."""
    assert steers(OWN_STYLE.sub("", written)) == [], repr(written)
    assert "\x1b[38;5;201m" not in written
    assert "\x1b[13A" not in written


@pytest.fixture
def loud(paths: DataPaths) -> Loud:
    writer = Loud(paths, ALL)
    _tell(writer, ALL)
    writer.fail(ALL)
    writer.die()
    return writer


COMMANDS: dict[str, Callable[[str], list[str]]] = {
    "list": lambda _: ["tasks", "list"],
    "show": lambda task: ["tasks", "show", task],
    "logs": lambda task: ["tasks", "logs", task],
    "logs as JSON": lambda task: ["tasks", "logs", task, "--json"],
    "show as JSON": lambda task: ["tasks", "show", task, "--json"],
    "cancel": lambda task: ["tasks", "cancel", task],
    "delete": lambda task: ["tasks", "delete", task],
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_on_a_terminal_a_task_says_text_and_nothing_else(
    paths: DataPaths, loud: Loud, command: Callable[[str], list[str]]
) -> None:
    written = on_a_terminal(paths, *command(loud.task))
    assert loud.task in written or "click" in written
    assert_harmless(written)


def test_a_live_view_on_a_terminal_shows_text_and_nothing_else(paths: DataPaths) -> None:
    writer = Loud(paths, ALL)
    _tell(writer, ALL)

    def fail_and_die() -> None:
        writer.fail(ALL)
        writer.die()

    told = iter([fail_and_die])

    def end_it(written: bytes) -> None:
        if b"redclick" in written:
            next(told, lambda: None)()

    assert_harmless(on_a_terminal(paths, "tasks", "watch", writer.task, seen=end_it))


def test_plain_lines_are_harmless_too(paths: DataPaths, loud: Loud) -> None:
    env = environment(paths.root.parent / "home", paths.root)
    command = [sys.executable, "-m", "jupyter_agent.cli", "tasks", "watch", loud.task]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert "redclick" in done.stdout
    assert steers(done.stdout + done.stderr) == []


@pytest.mark.parametrize("odd", [ALL, MARKUP])
def test_a_word_of_a_user_is_said_as_text_too(paths: DataPaths, odd: str) -> None:
    for command in (
        ["tasks", "show", odd.replace("\x00", "")],
        ["tasks", "list", "--name", odd.replace("\x00", "")],
    ):
        assert_harmless(on_a_terminal(paths, *command))


class Liar(BaseHTTPRequestHandler):
    """A server that refuses everything in words that steer terminals."""

    def do_GET(self) -> None:
        told: dict[str, object] = {"detail": ALL, "title": ALL, "code": ALL}
        if self.path.endswith("health"):
            told = {"status": ALL, "trouble": [ALL]}
        body = json.dumps(told).encode()
        self.send_response(200 if self.path.endswith("health") else 409)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""


@pytest.fixture
def liar() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Liar) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("command", [["tasks", "list"], ["status"], ["status", "--json"]], ids=" ".join)
def test_what_a_server_of_somebody_says_is_text_too(paths: DataPaths, liar: str, command: list[str]) -> None:
    written = on_a_terminal(paths, *command, JUPYTER_AGENT_URL=liar)
    assert "redclick" in written or "\\u001b" in written
    assert_harmless(written)


class Tags(HTMLParser):
    """Every tag and attribute of a piece of HTML."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: dict[str, set[str]] = {}
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            self.attributes.setdefault(name, set()).add(value or "")

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")


def _task(text: str, **more: Any) -> Task:
    return Task(
        "01JTASK00000000000000000AA",
        name=text,
        key=text,
        tags=(text,),
        owner=text,
        notebook=text,
        cell=text,
        progress=ProgressSnapshot(1, 3, text),
        metrics={text: MetricPoint(1, 2)},
        **more,
    )


ENDS = [
    {"state": TaskState.FAILED, "error": Error(MARKUP + ALL, MARKUP + ALL, MARKUP + ALL)},
    {"state": TaskState.COMPLETED, "result": Result(MARKUP + ALL)},
    {"state": TaskState.RUNNING},
]


@pytest.mark.parametrize("end", ENDS, ids=["failed", "completed", "running"])
def test_the_static_html_holds_only_its_own_tags_and_nothing_that_runs_or_loads(
    end: dict[str, Any],
) -> None:
    for drawn in (html(_task(MARKUP + ALL, **end)), start_html(MARKUP + ALL)):
        found = Tags(drawn)
        assert found.tags <= {"div", "span", "strong", "details", "summary", "pre"}
        assert set(found.attributes) <= {"style"}
        assert not any("url(" in style or "evil" in style for style in found.attributes["style"])
        assert "<script>evil()</script>" in found.text
        assert steers(drawn) == []


@pytest.mark.parametrize("end", ENDS, ids=["failed", "completed", "running"])
def test_the_tasks_page_holds_only_its_own_tags_and_nothing_that_runs_or_loads(end: dict[str, Any]) -> None:
    drawn = render([_task(MARKUP + ALL, **end)], 0.0)
    found = Tags(drawn)
    assert found.tags <= {
        *("html", "head", "body", "main", "meta", "title", "style", "h1", "p", "a"),
        *("table", "tr", "th", "td", "br", "code", "progress"),
    }
    assert not [name for name in found.attributes if name.startswith("on") or name in ("src", "style")]
    assert found.attributes["href"] == {"tasks/01JTASK00000000000000000AA"}
    assert "<script>evil()</script>" in found.text
    assert steers(drawn) == []
    other = render([_task("a", **end)], 0.0)
    assert re.findall("<style>.*?</style>", drawn, re.DOTALL) == re.findall(
        "<style>.*?</style>", other, re.DOTALL
    )


def test_a_real_tasks_page_shows_a_hostile_name_as_text(shared: Server) -> None:
    class Named(Story):
        def state(self, to: str, about: str | None = None, **where: Any) -> Any:
            return super().state(to, about and MARKUP + ALL, **where)

    published(shared, ["queued", "running"], story=Named())
    page = shared.ask("").body.decode()
    assert html_module.escape("<script>evil()</script>") in page
    found = Tags(page)
    assert "img" not in found.tags
    assert found.attributes.get("src", set()) <= {"static/page.js"}
    assert "<script>evil()</script>" in found.text
    assert steers(page) == []


def test_a_list_of_tasks_in_a_notebook_escapes_their_names() -> None:
    class Source:
        id = "01JTASK00000000000000000AA"

        def snapshot(self) -> Task:
            return _task(MARKUP + ALL)

        seen = snapshot

    handle = TaskHandle(Source())  # type: ignore[arg-type]
    found = Tags(TaskList([handle])._repr_html_())
    assert found.tags <= {"table", "caption", "thead", "tbody", "tr", "th", "td"}
    assert found.attributes == {}
    assert steers(repr(handle)) == []
    assert "\n" not in repr(handle)


def test_the_browsers_rule_is_the_same_as_this_one() -> None:
    here = (Path(strip_controls.__code__.co_filename).read_text(), "core/text.py")
    there = (
        Path(strip_controls.__code__.co_filename).parents[1] / "frontend/src/model/format.ts"
    ).read_text()
    for piece in (r"[0-?]*[ -/]*[@-~]", r"[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)", r"\x1b[ -/]*[0-~]"):
        assert piece in here[0]
        assert piece in there
