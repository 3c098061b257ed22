"""The HTTP endpoints: what they return, and how they refuse what cannot be served."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable
from contextlib import closing
from urllib.parse import quote, urlsplit

import msgspec
import pytest

from jupyter_agent.core.events import About, Event, Log, Message, Progress, State, TaskState
from jupyter_agent.core.ids import ulid_time
from jupyter_agent.system.ids import new_id
from tests.support.builders import task_id
from tests.support.servers import Server, assert_problem, loud
from tests.support.wire import Story, producer

UNKNOWN = task_id(404)


def published(server: Server, story: Story, *batches: Callable[[], list[Event]] | list[Event]) -> str:
    """Publish as a producer that goes away again; the task's id."""

    async def publish() -> None:
        async with producer(server, story.producer) as writer:
            for batch in batches:
                await writer.published(batch() if callable(batch) else batch)

    asyncio.run(publish())
    return story.task


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("limit=0", 400),
        ("limit=-1", 400),
        ("limit=", 400),
        ("limit=1e3", 400),
        ("limit=1001", 400),
        ("limit=" + "9" * 400, 400),
        ("limit=0x10", 400),
        ("limit=%D9%A1", 400),
        ("limit=%ff", 400),
        ("state=nonsense", 400),
        ("state=", 400),
        ("state=RUNNING", 400),
        ("state=%00", 400),
        ("name=%ff%fe", 400),
        ("name=%00'; DROP TABLE tasks; --", 200),
        ("before=../../etc", 200),
        ("before=%00", 200),
        ("since=1e9", 400),
        ("since=-1", 400),
        ("until=nan", 400),
        ("until=%D9%A1", 400),
        ("since=0&until=999999999999.5", 200),
        ("unknown=1", 400),
        ("limt=5&state=running", 400),
        ("_xsrf=x&_=5&1732900000000", 200),
        ("limit=5&limit=7", 200),
    ],
)
def test_a_list_with_any_question_is_answered(shared: Server, query: str, status: int) -> None:
    answer = shared.ask("tasks?" + query.replace(" ", "%20"))
    if status == 200:
        assert set(answer.json) == {"tasks", "more", "cursor"}
    else:
        assert_problem(answer, status)


HOSTILE_IDS = [
    UNKNOWN,
    "..%2F..%2Fetc%2Fpasswd",
    "%2e%2e",
    "'",
    "%22",
    "%00",
    "%27%3B%20DROP%20TABLE%20events%3B--",
    "%F0%9F%8E%89",
    "x" * 4000,
    "%3Cscript%3E",
    "%25s",
]


@pytest.mark.parametrize("task_id", HOSTILE_IDS)
@pytest.mark.parametrize(
    ("method", "tail", "body"),
    [
        ("GET", "", None),
        ("DELETE", "", None),
        ("GET", "/events", None),
        ("POST", "/commands", {"command": "cancel"}),
    ],
)
def test_an_unknown_id_is_not_found(
    shared: Server, task_id: str, method: str, tail: str, body: object
) -> None:
    assert_problem(shared.ask(f"tasks/{task_id}{tail}", method=method, body=body), 404, "unknown_task")


def test_an_id_that_is_no_text_is_a_bad_request(shared: Server) -> None:
    assert_problem(shared.ask("tasks/%ff%fe"), 400)


@pytest.mark.parametrize(
    "path", ["nope", "tasks/x/y", "tasks/x/events/1", "ws/x", "health/x", "tasks/x/commands/"]
)
def test_what_is_not_there_is_a_problem_too(shared: Server, path: str) -> None:
    assert_problem(shared.ask(path), 404)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "tasks"),
        ("PATCH", "tasks/x"),
        ("DELETE", "tasks"),
        ("POST", "health"),
        ("POST", "tasks/x/events"),
        ("GET", "tasks/x/commands"),
        ("PUT", "tasks/x/commands"),
        ("POST", ""),
    ],
)
def test_a_method_that_an_endpoint_does_not_have_is_405(shared: Server, method: str, path: str) -> None:
    assert_problem(shared.ask(path, method=method, body={}), 405)


BODIES = [
    b"",
    b"garbage",
    b"[]",
    b"7",
    b"null",
    b'"cancel"',
    b"{",
    b'{"command"}',
    b"\xff\xfe",
    b'{"command":"cancel","args":[]}',
    b'{"command":"cancel","args":null}',
    b'{"command":["cancel"]}',
    b'{"command":7}',
    b'{"command":"cancel","attempt":"1"}',
    b'{"command":"cancel","attempt":true}',
    b'{"command":"' + b"x" * 100_000 + b'"}',
    b"[" * 100_000,
    b'{"command":"cancel","args":' + b'{"a":' * 5000 + b"1" + b"}" * 5000 + b"}",
    b'{"command":"input","args":{"text":"' + b"x" * (3 << 20) + b'"}}',
]


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_a_body_that_cannot_be_read_is_a_bad_request(shared: Server, running_task: str, body: bytes) -> None:
    answer = shared.ask(f"tasks/{running_task}/commands", method="POST", body=body)
    assert_problem(answer, 400, "bad_request")
    assert shared.task(running_task)["cancel_requested"] is False


@pytest.fixture(scope="module")
def running_task(shared: Server) -> str:
    story = Story()
    return published(shared, story, story.start("runs"))


@pytest.fixture(scope="module")
def ended_task(shared: Server) -> str:
    story = Story()
    return published(shared, story, story.start("ended"), story.logs(20), [story.state("completed")])


def test_input_that_its_reader_could_not_decode_is_refused(shared: Server) -> None:
    story = Story()
    task = published(shared, story, story.start())
    deep = b'{"command":"cancel","args":{"x":' + b"[" * 600 + b"]" * 600 + b"}}"
    assert_problem(shared.ask(f"tasks/{task}/commands", method="POST", body=deep), 400, "bad_request")
    fair = b'{"command":"cancel","args":{"x":' + b"[" * 150 + b"]" * 150 + b"}}"
    assert shared.ask(f"tasks/{task}/commands", method="POST", body=fair).status == 202
    assert shared.ask(f"tasks/{task}/events").status == 200


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("after=nonsense", 400, "bad_cursor"),
        ("after=x:y", 400, "bad_cursor"),
        ("after=01ARZ3NDEKTSV4RRFFQ69G5FAV:0", 410, "expired"),
        ("limit=0", 400, "bad_request"),
        ("limit=10001", 400, "bad_request"),
        ("limit=many", 400, "bad_request"),
        ("level=loud", 400, "bad_request"),
        ("level=INFO", 400, "bad_request"),
        ("level=info&types=metric", 400, "bad_request"),
        ("line=0", 400, "bad_request"),
        ("line=1&after=x:1", 400, "bad_request"),
        ("line=1&before=x:1", 400, "bad_request"),
        ("line=1&level=info", 400, "bad_request"),
        ("grep=x&before=x:1&after=x:1", 400, "bad_request"),
    ],
)
def test_bad_paging_of_events_is_refused(
    shared: Server, ended_task: str, query: str, status: int, code: str
) -> None:
    assert_problem(shared.ask(f"tasks/{ended_task}/events?{query}"), status, code)


def test_tasks_of_a_time_are_those_first_queued_in_it(shared: Server) -> None:
    name = f"range {new_id()}"
    made = [Story() for _ in range(2)]
    for story in made:
        published(shared, story, [story.state("queued", name)])
    first, last = [ulid_time(story.task) or 0.0 for story in made]

    def found(query: str) -> list[str]:
        return [task["id"] for task in shared.ask(f"tasks?name={quote(name)}&{query}").json["tasks"]]

    both = sorted((story.task for story in made), reverse=True)
    assert found(f"since={first - 1:.3f}&until={last + 1:.3f}") == both
    assert found(f"since={last + 1:.3f}") == []
    assert found(f"until={first - 1:.3f}&limit=5") == []
    assert found(f"until={last + 1:.3f}&before={both[0]}") == both[1:]


def test_tasks_are_paged_newest_first(shared: Server) -> None:
    name = f"paged {new_id()}"
    stories = [Story() for _ in range(7)]
    for story in stories:
        published(shared, story, [story.state("queued", name)])
    ids = [story.task for story in stories]
    found, before = [], ""
    while True:
        page = shared.ask(f"tasks?name={quote(name)}&limit=3{before}").json
        found += [task["id"] for task in page["tasks"]]
        if not page["more"]:
            break
        before = f"&before={found[-1]}"
    assert found == sorted(ids, reverse=True)
    assert len(shared.ask(f"tasks?name={quote(name)}&state=queued").json["tasks"]) == 7
    assert shared.ask(f"tasks?name={quote(name)}&state=failed").json["tasks"] == []


def test_tasks_are_found_by_their_key(shared: Server) -> None:
    key = f" ö & {new_id()}"
    stories = [Story() for _ in range(3)]
    for story, own in zip(stories, (key, key.strip(), key), strict=True):
        queued = story.event("state", State(TaskState.QUEUED, about=About("keyed", key=own)))
        published(shared, story, [queued])
    found = shared.ask(f"tasks?key={quote(key)}").json["tasks"]
    assert [(task["id"], task["key"]) for task in found] == [(stories[2].task, key), (stories[0].task, key)]
    assert shared.ask(f"tasks?key={quote(key)}&state=failed").json["tasks"] == []
    assert shared.ask("tasks?key=").json["tasks"] == []


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 10_000])
def test_events_are_paged_without_loss_even_where_progress_is_superseded(shared: Server, limit: int) -> None:
    story = Story()
    task = published(
        shared,
        story,
        story.start(),
        lambda: [story.event("progress", Progress(done, 9)) for done in range(9)],
        lambda: story.logs(5),
        lambda: [story.event("progress", Progress(9, 9)), story.state("completed")],
    )
    got, after = [], ""
    for _ in range(50):
        page = shared.ask(f"tasks/{task}/events?limit={limit}{after}").json
        got += page["events"]
        after = f"&after={page['cursor']}"
        if not page["more"]:
            break
    kept = [e["n"] for e in got if e["type"] != "progress"]
    assert kept == [1, 2, *range(12, 17), 18]
    assert [e for e in got if e["type"] == "progress"][-1]["data"]["done"] == 9


def test_a_page_that_is_cut_by_its_bytes_says_that_there_is_more(shared: Server) -> None:
    story = Story()
    big = json.dumps({"stream": "stdout", "text": "x" * 900_000}).encode()
    batches = [[story.event("log", big) for _ in range(4)] for _ in range(4)]
    task = published(shared, story, *batches)
    first = shared.ask(f"tasks/{task}/events").json
    assert len(first["events"]) < 16
    assert first["more"] is True
    assert len(shared.events(task)) == 16


def test_events_of_some_types_only(shared: Server, ended_task: str) -> None:
    assert {e["type"] for e in shared.events(ended_task, "log")} == {"log"}
    assert len(shared.events(ended_task, "log,state")) == 23
    assert_problem(shared.ask(f"tasks/{ended_task}/events?types=nonsense"), 400, "bad_request")


def test_a_log_is_searched_by_level_and_text_and_its_lines_have_numbers(shared: Server) -> None:
    story = Story()
    logs = [
        Log("stdout", "one\ntwo"),
        Log("stdout", " and a half\n"),
        Log("logging", "Slow", "warning", "db"),
        Log("logging", "bad\nrow", "error", "db"),
    ]
    task = published(shared, story, story.start(), [story.event("log", log) for log in logs])

    def found(query: str) -> list[tuple[int, str]]:
        page = shared.ask(f"tasks/{task}/events?{query}").json
        assert (page["looked"], page["more"]) == (4, False)
        return [(event["line"], event["data"]["text"]) for event in page["events"]]

    head = shared.task(task)["cursor"]
    assert shared.task(task)["log"]["lines"] == 5
    assert shared.task(task)["log"]["levels"] == {"warning": 1, "error": 1}
    assert found("level=warning") == [(3, "Slow"), (4, "bad\nrow")]
    assert found(f"level=error&before={head}") == [(4, "bad\nrow")]
    assert found(f"grep=%20AND&before={head}&types=log,state") == [(2, " and a half\n")]
    assert found("grep=o&level=debug") == [(3, "Slow"), (4, "bad\nrow")]
    nothing = shared.ask(f"tasks/{task}/events?level=critical").json
    assert nothing == {"events": [], "looked": 0, "more": False, "cursor": head}  # the snapshot knows it
    assert shared.ask(f"tasks/{task}/events?level=critical&before={head}").json["looked"] == 0
    for line, first in (("1", 1), ("2", 2), ("5", 4), ("99", 4)):
        events = shared.ask(f"tasks/{task}/events?line={line}&types=log").json["events"]
        assert events[0]["line"] == first
    refused = shared.ask(f"tasks/{task}/events?grep=x", headers={"Accept": "text/event-stream"})
    assert_problem(refused, 400, "bad_request")


def test_a_search_looks_through_messages_where_they_are_asked_for(shared: Server) -> None:
    story = Story()
    beginning = story.start()
    said = [
        story.event("log", Log("stdout", "a needle\n")),
        story.event("message", Message("agent", "Needles, too.", "m1")),
        story.event("log", Log("stdout", "hay\n")),
    ]
    task = published(shared, story, beginning, said)

    def found(query: str) -> list[str]:
        page = shared.ask(f"tasks/{task}/events?grep=needle{query}").json
        return [event["type"] for event in page["events"]]

    assert found("") == found("&types=log,state") == ["log"]
    assert found("&types=log,message") == ["log", "message"]


def test_only_an_ended_task_can_be_deleted_and_then_it_is_gone(shared: Server, running_task: str) -> None:
    assert_problem(shared.ask(f"tasks/{running_task}", method="DELETE"), 409, "not_now")
    story = Story()
    task = published(shared, story, story.start(), [story.state("failed")])
    results = shared.agent / "results"
    results.mkdir(exist_ok=True)
    (results / f"{task}-1.pickle").write_bytes(b"x")
    answer = shared.ask(f"tasks/{task}", method="DELETE")
    assert (answer.status, answer.body) == (204, b"")
    assert_problem(shared.ask(f"tasks/{task}"), 404, "unknown_task")
    assert_problem(shared.ask(f"tasks/{task}", method="DELETE"), 404, "unknown_task")
    assert list(results.iterdir()) == []


def test_health_tells_strangers_only_whether_it_works(shared: Server) -> None:
    assert shared.ask("health", token=None).json == {"status": "ok"}
    known = shared.ask("health").json
    assert known["status"] == "ok"
    assert known["journal"]["slot"] == "default"
    assert {"lag", "connections"} <= set(known)


def _metric(server: Server, name: str) -> float:
    text = server.ask("metrics", root="").body.decode()
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name))


def test_the_metrics_have_our_names_and_move(shared: Server) -> None:
    before = _metric(shared, "jupyter_agent_events_in_total")
    commits = _metric(shared, "jupyter_agent_commit_seconds_count")
    story = Story()
    published(shared, story, story.start(), story.logs(5))
    assert _metric(shared, "jupyter_agent_events_in_total") - before >= 7
    assert _metric(shared, "jupyter_agent_commit_seconds_count") > commits
    for name in ("jupyter_agent_connections", "jupyter_agent_lag_events", "jupyter_agent_events_out_total"):
        assert name in shared.ask("metrics", root="").body.decode()


def test_the_tasks_page_escapes_everything_a_task_may_say(shared: Server) -> None:
    evil = '<script>alert("x")</script>&amp;'
    story = Story(task='"><img src=x onerror=a()>.'[:26].ljust(26, "."))
    published(shared, story, story.start(evil))
    other = Story()
    published(shared, other, other.start(evil))
    page = shared.ask("")
    assert page.status == 200
    assert page.headers["Content-Type"].startswith("text/html")
    html = page.body.decode()
    assert other.task in html
    assert "&lt;script&gt;" in html
    assert "<script>" not in html
    assert "<img" not in html


@pytest.mark.parametrize(
    "hostile",
    [
        lambda s: [msgspec.structs.replace(e, time=1e300) for e in s.start("far future")],
        lambda s: [msgspec.structs.replace(e, time=-1e300) for e in s.start("far past")],
        lambda s: [*s.start(), s.event("progress", b'{"done":%s,"total":1}' % (b"9" * 400))],
        lambda s: [*s.start(), s.event("progress", b'{"done":1e400,"total":1}')],
        lambda s: [*s.start(), s.event("progress", b'{"done":-5,"total":0}')],
        lambda s: [*s.start(), s.event("log", b'{"stream":"nonsense"}')],
        lambda s: [*s.start(), s.event("log", b"null")],
        lambda s: [*s.start(), s.event("made up", b"[[1]]")],
        lambda s: [*s.start(), s.event("", b"{}")],
        lambda s: [*s.start(), s.event("log\nid: x", b'{\n"stream": "stdout",\r\n\n"text":"t"}')],
        lambda s: [*s.start(), s.event("display", b'{"data":' + b'{"a":' * 900 + b"1" + b"}" * 901)],
        lambda s: [*s.start(), s.event("metric", b'{"name":"\\u0000","value":1e308}')],
        lambda s: [*s.start(), s.event("lost", b'{"first":5,"last":1,"reason":""}')],
        lambda s: [s.state("completed"), s.state("queued"), s.state("running")],
        lambda s: [*s.start(), s.event("command", b'{"command":"cancel"}', attempt=(1 << 53) - 1)],
        lambda s: [s.event("state", b'{"state":"queued","about":{"name":"\\u0000\\u202e"},"producer":""}')],
        lambda s: [s.event("state", State(TaskState.QUEUED, producer=" ".join([new_id()] * 3)))],
    ],
    ids=range(17),
)
def test_whatever_a_producer_says_every_endpoint_still_works(
    shared: Server, hostile: Callable[[Story], list[Event]]
) -> None:
    story = Story()
    before = len(shared.log_text())
    published(shared, story, hostile(story))
    assert shared.task(story.task)["id"] == story.task
    assert len(shared.ask(f"tasks/{story.task}/events").json["events"]) >= 2 - (story.n < 2)
    assert shared.ask("").status == 200
    assert shared.ask("tasks").status == 200
    stream = Sse(shared, story.task, "until=end")
    with closing(stream):
        assert [json.loads(stream.message()["data"])["n"] for _ in range(story.n)] == list(
            range(1, story.n + 1)
        )
    assert not loud(shared.log_text()[before:])


class Sse:
    """A reader of one event stream on a bare socket."""

    def __init__(self, server: Server, task: str, query: str = "", headers: str = "") -> None:
        parts = urlsplit(server.url)
        self._socket = socket.create_connection((parts.hostname, parts.port), timeout=10)
        path = f"{parts.path}jupyter-agent/tasks/{task}/events?{query}"
        lines = [f"GET {path} HTTP/1.1", f"Host: {parts.netloc}", f"Authorization: token {server.token}"]
        lines += ["Accept: text/event-stream", *([headers] if headers else []), "", ""]
        self._socket.sendall("\r\n".join(lines).encode())
        self._file = self._socket.makefile("rb")
        self.status = int(self._file.readline().split()[1])
        self.headers = {}
        while line := self._file.readline().strip():
            name, _, value = line.decode().partition(": ")
            self.headers[name] = value
        self._text = b""
        if self.status == 200:
            assert self.next() == {"retry": "1000"}

    def next(self) -> dict[str, str] | None:
        """The next block (a comment has the name ""); ``None`` at the end."""
        while b"\n\n" not in self._text:
            size = int(self._file.readline() or b"0", 16)
            if size == 0:
                return None
            self._text += self._file.read(size)
            self._file.readline()
        block, _, self._text = self._text.partition(b"\n\n")
        fields = [line.partition(":") for line in block.decode().split("\n")]
        assert all(name in ("", "id", "event", "data", "retry") for name, _, _ in fields), block
        return {name: value.lstrip() for name, _, value in fields}

    def message(self) -> dict[str, str]:
        """The next block that is no comment."""
        while "data" not in (block := self.next() or {"data": "{}"}):
            continue
        return block

    def rest(self) -> list[dict[str, str]]:
        """Every message up to the end."""
        blocks = []
        while (block := self.next()) is not None:
            if "data" in block:
                blocks.append(block)
        return blocks

    def close(self) -> None:
        self._file.close()
        self._socket.close()


def test_a_stream_until_the_end_gives_everything_and_closes(shared: Server, ended_task: str) -> None:
    with closing(Sse(shared, ended_task, "until=end")) as stream:
        assert stream.headers["Content-Type"] == "text/event-stream"
        messages = stream.rest()
    events = [json.loads(message["data"]) for message in messages]
    assert [e["n"] for e in events] == list(range(1, 24))
    assert [m["event"] for m in messages] == [e["type"] for e in events]
    assert messages[-1]["id"].endswith(f":{events[-1]['offset']}")


def test_a_stream_goes_on_after_the_last_event_id(shared: Server, ended_task: str) -> None:
    with closing(Sse(shared, ended_task, "until=end")) as stream:
        whole = stream.rest()
    with closing(Sse(shared, ended_task, "until=end", f"Last-Event-ID: {whole[9]['id']}")) as stream:
        assert stream.rest() == whole[10:]
    with closing(Sse(shared, ended_task, f"until=end&after={whole[4]['id']}")) as stream:
        assert stream.rest() == whole[5:]


def test_a_stream_with_a_bad_last_event_id_is_a_problem(shared: Server, ended_task: str) -> None:
    for value, status in (("nonsense", 400), (f"{new_id()}:3", 410)):
        with closing(Sse(shared, ended_task, "", f"Last-Event-ID: {value}")) as stream:
            assert stream.status == status
            assert stream.headers["Content-Type"] == "application/problem+json"


def test_a_stream_is_live_beats_while_idle_and_ends_with_the_task(shared: Server) -> None:
    story = Story()

    async def live() -> list[dict[str, str]]:
        async with producer(shared, story.producer) as writer:
            await writer.published(story.start())
            stream = await asyncio.to_thread(Sse, shared, story.task, "until=end")
            with closing(stream):
                first = [await asyncio.to_thread(stream.next) for _ in range(2)]
                assert await asyncio.to_thread(stream.next) == {"": "heartbeat"}
                await writer.published([*story.logs(2), story.state("completed")])
                rest = await asyncio.to_thread(stream.rest)
                return [block for block in first if block is not None] + rest

    messages = asyncio.run(live())
    assert [json.loads(message["data"])["n"] for message in messages] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("query", ["", "until=end"])
def test_a_stream_ends_when_its_task_is_deleted(shared: Server, query: str) -> None:
    story = Story()
    task = published(shared, story, story.start(), [story.state("failed")])
    with closing(Sse(shared, task, query and f"{query}&after={shared.task(task)['cursor']}")) as stream:
        assert shared.ask(f"tasks/{task}", method="DELETE").status == 204
        stream.rest()
    with closing(Sse(shared, task, query)) as again:
        assert again.status == 404, "so that an EventSource does not come back for ever"


def test_a_stream_of_some_types_still_ends_with_the_task(shared: Server, ended_task: str) -> None:
    with closing(Sse(shared, ended_task, "until=end&types=log")) as stream:
        assert {message["event"] for message in stream.rest()} == {"log"}


def test_a_stream_of_an_unknown_task_is_not_found(shared: Server) -> None:
    with closing(Sse(shared, UNKNOWN)) as stream:
        assert stream.status == 404


def test_nothing_of_all_this_was_an_error_of_the_server(shared: Server) -> None:
    assert not [line for line in loud(shared.log_text()) if not line.startswith("[W")]
