"""The static HTML of a task over HTTP."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs, urljoin, urlsplit

import msgspec
import pytest

from jupyter_agent.core.events import Error, Log, Metric, State, TaskState
from jupyter_agent.core.task import Task
from jupyter_agent.rendering.curves import Curves
from jupyter_agent.rendering.html import html
from jupyter_agent.system.ids import new_id
from tests.support.servers import Answer, Server, assert_problem
from tests.support.wire import Story, producer

PICTURE = {"Accept": "text/html"}
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
EVIL = "<script>evil()</script>"


@pytest.fixture(scope="module")
def task(shared: Server) -> str:
    """Its second attempt failed after 20 lines, of which some are not a page's to run."""
    story = Story()
    error = Error(EVIL, EVIL, f"Traceback of {EVIL}")

    async def publish() -> None:
        async with producer(shared, story.producer) as writer:
            await writer.published(
                [
                    *story.start(EVIL),
                    story.event("log", Log("stdout", "of the first attempt\n")),
                    story.state("failed"),
                    story.state("queued", EVIL, attempt=2),
                    story.state("running", attempt=2),
                    *(story.event("log", Log("stdout", f"line {n} {EVIL}\n"), attempt=2) for n in range(19)),
                    *(story.event("metric", Metric("loss", n, n)) for n in range(99, 102)),
                    *(story.event("metric", Metric(EVIL, 1 / (n + 1), n), attempt=2) for n in range(30)),
                    story.event("metric", b'{"name":1}', attempt=2),
                    story.event("log", b'{"stream":"nonsense"}', attempt=2),
                    story.event("log", Log("logging", "the last\x1b[31m", "INFO"), attempt=2),
                    story.event("state", State(TaskState.FAILED, error=error), attempt=2),
                ]
            )

    asyncio.run(publish())
    return story.task


def test_json_stays_what_is_given_to_who_does_not_ask_for_html(shared: Server, task: str) -> None:
    for accept in (None, "*/*", "application/json", "application/json, text/html"):
        answer = shared.ask(f"tasks/{task}", headers={"Accept": accept} if accept else {})
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.headers["Vary"] == "Accept"
        assert answer.json["id"] == task


def test_the_html_has_the_last_lines_of_the_present_attempt(shared: Server, task: str) -> None:
    answer = shared.ask(f"tasks/{task}", headers=PICTURE)
    drawn = answer.body.decode()
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Vary"] == "Accept"
    assert drawn.startswith("<div ")
    assert "line 9 &lt;script&gt;" in drawn
    assert "line 8 " not in drawn
    assert "the last</pre>" in drawn
    assert "of the first attempt" not in drawn


def test_an_attempt_that_said_nothing_is_drawn_without_lines(shared: Server) -> None:
    story = Story()

    async def publish() -> None:
        async with producer(shared, story.producer) as writer:
            await writer.published([*story.start("quiet"), story.event(), story.state("failed")])
            await writer.published([story.state(to, "quiet", attempt=2) for to in ("queued", "running")])

    asyncio.run(publish())
    assert "<pre" not in shared.ask(f"tasks/{story.task}", headers=PICTURE).body.decode()


def test_a_browser_gets_a_page_and_both_run_nothing(shared: Server, task: str) -> None:
    page = shared.ask(f"tasks/{task}", headers=BROWSER)
    assert page.body.startswith(b"<!doctype html>")
    for answer in (page, shared.ask(f"tasks/{task}", headers=PICTURE)):
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("sandbox; default-src 'none'; style-src 'unsafe-inline';")
        assert "frame-ancestors 'self'" in policy
        assert EVIL not in answer.body.decode()
        assert "&lt;script&gt;evil()&lt;/script&gt;" in answer.body.decode()


def _where(answer: Answer) -> str:
    return parse_qs(urlsplit(answer.headers["Location"]).query)["next"][0]


def test_a_person_is_sent_to_the_login_and_a_program_is_told(shared: Server, task: str) -> None:
    sent = shared.ask(f"tasks/{task}", token=None, headers=BROWSER)
    assert sent.status == 302
    assert urljoin(shared.url, _where(sent)) == f"{shared.url}jupyter-agent/tasks/{task}"
    assert_problem(shared.ask(f"tasks/{task}", token=None, headers=PICTURE), 403)
    assert_problem(shared.ask(f"tasks/{task}", token=None, method="DELETE", headers=BROWSER), 403)


def test_an_unknown_task_has_no_html(shared: Server) -> None:
    for headers in (PICTURE, BROWSER):
        assert_problem(shared.ask(f"tasks/{new_id()}", headers=headers), 404, "unknown_task")


def test_the_html_draws_the_metrics_of_the_present_attempt(shared: Server, task: str) -> None:
    drawn = shared.ask(f"tasks/{task}", headers=PICTURE).body.decode()
    assert drawn.count("<svg ") == 1
    assert 'aria-label="Plot of &lt;script&gt;evil()&lt;/script&gt;"' in drawn
    assert "step 0 to 29" in drawn
    assert "Plot of loss" not in drawn


def test_the_html_is_the_one_that_notebooks_keep(shared: Server, task: str) -> None:
    snapshot = msgspec.convert(shared.task(task), Task)
    curves = Curves()
    for n in range(30):
        curves.add(EVIL, 1 / (n + 1), n, 0.0)
    drawn = shared.ask(f"tasks/{task}", headers=PICTURE).body.decode()
    assert drawn.startswith(html(snapshot, curves=curves).removesuffix("</div>"))
