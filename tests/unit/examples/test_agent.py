"""The example agent solves its tasks offline, asks back, goes on where it stopped, and speaks to a model."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

import jupyter_agent as ja
from jupyter_agent.core.events import Message, decode_data
from jupyter_agent.examples.agent import MAX_STEPS, agent, endpoint
from jupyter_agent.examples.rules import think
from jupyter_agent.examples.tools import TOOLS, ToolError, call, described
from tests.support.runtime import emitted, own_producer, until  # noqa: F401

ROWS = "- `data/two.csv`: 2 rows\n- `sales.csv`: 3 rows\n\nTogether: **5 rows**."
SALES = "region,amount,when\nnorth,10,mon\nsouth,20.5,tue\nnorth,,wed\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with two tables, one of them below, and a text."""
    folder = tmp_path / "work"
    (folder / "data").mkdir(parents=True)
    (folder / ".hidden").mkdir()
    (folder / ".hidden" / "secret.csv").write_text("a\n1\n")
    (folder / "sales.csv").write_text(SALES)
    (folder / "data" / "two.csv").write_text("a;b\n1;2\n3;4\n")
    (folder / "notes.txt").write_text("Hello world\nsecond line\n")
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize(
    ("goal", "report"),
    [
        ("How many rows do the CSV files have?", ROWS),
        ("How many rows has sales.csv?", "- `sales.csv`: 3 rows"),
        ("Count the rows in data", "- `data/two.csv`: 2 rows"),
        ("mean of amount", "The mean of `amount` in `sales.csv` is **15.25**."),
        ("What is the maximum of 'b' in data/two.csv?", "The maximum of `b` in `data/two.csv` is **4**."),
        ("The stdev of Amount?", "The standard deviation of `amount` in `sales.csv` is **7.42462**."),
        ("Missing values in amount?", "The number of missing values of `amount` in `sales.csv` is **1**."),
        ("List the files", "3 files:\n\n- `data/two.csv`\n- `notes.txt`\n- `sales.csv`"),
        ("List the csv files", "2 files:\n\n- `data/two.csv`\n- `sales.csv`"),
        ("Which python files are here?", "There are no files `*.py`."),
        ('Find "hello" in the files', "`hello` is in 1 line:\n\n- `notes.txt:1: Hello world`"),
        ("Show notes.txt", "The beginning of `notes.txt`:\n\n```\nHello world\nsecond line\n```"),
        ("What is 2*(3+4)^2?", "2*(3+4)^2 = **98**"),
        ("17 % of 250", "17 % of 250 = **42.5**"),
        ("Calculate sqrt(2)", "sqrt(2) = **1.41421**"),
        ("what is 1/0", "I could not do that: '1/0' has no value: division by zero."),
        ("How many rows has nope.csv?", "- `nope.csv`: could not be read (there is no file 'nope.csv')"),
        ("Show ../secret.txt", "I could not do that: '../secret.txt' is outside the working directory."),
    ],
)  # fmt: skip
def test_a_task_in_plain_words_is_solved(goal: str, report: str) -> None:
    assert agent(goal) == report


def test_csv_files_are_summarised_column_by_column(folder: Path) -> None:
    (folder / "data" / "broken.csv").write_bytes(b"\xff\xfe\x00")
    (folder / "data" / "empty.csv").touch()
    report = agent("Summarise the CSV files here")
    assert "**`sales.csv`**: 3 rows, 3 columns" in report
    assert "| amount | 1 | 10 to 20.5, mean 15.25, median 15.25, standard deviation 7.42462 |" in report
    assert "| region | 0 | 2 texts; most often north (2), south (1) |" in report
    assert "**`data/broken.csv`**: could not be read (broken.csv is no CSV file" in report
    assert "**`data/empty.csv`**: could not be read (empty.csv is empty)" in report
    assert "secret" not in report


def test_it_streams_its_plan_and_its_report_and_shows_its_progress() -> None:
    handle = ja.submit(agent, "How many rows do the CSV files have?")
    report = handle.result(20)
    said = [decode_data(event) for event in emitted(handle.id, "message")]
    assert len(said) > 4
    assert all(isinstance(one, Message) for one in said)
    plan, told = handle.messages
    assert plan.text.startswith("My plan:\n\n1. Find the CSV files\n2. Count")
    assert told.text == report
    assert handle.progress is not None
    assert (handle.progress.done, handle.progress.total) == (3, 3)
    assert len(emitted(handle.id, "checkpoint")) == 4


def asked(handle: ja.TaskHandle, text: str) -> tuple[str, ...] | None:
    """Wait for a question with *text* in it; its choices."""
    until(lambda: handle.prompt is not None and text in handle.prompt.text)
    prompt = handle.prompt
    assert prompt is not None
    return prompt.choices


def test_it_asks_back_where_a_task_is_not_clear(folder: Path) -> None:
    (folder / "data" / "more.csv").write_text("amount,other\n1,2\n3,4\n")
    handle = ja.submit(agent, "mean of price")
    assert asked(handle, "no column `price`") == ("amount", "other", "a", "b")
    handle.send("amount")
    assert asked(handle, "Which one do you mean?") == ("data/more.csv", "sales.csv")
    handle.send("data/more.csv")
    assert handle.result(20) == "The mean of `amount` in `data/more.csv` is **2**."


def test_it_asks_what_to_do_when_it_does_not_understand() -> None:
    handle = ja.submit(agent, "Dance!")
    choices = asked(handle, "I do not know how to do that")
    assert choices is not None
    handle.send(choices[2])
    assert handle.result(20).startswith("3 files:")


def test_it_looks_in_the_folder_it_is_given_when_there_are_no_tables(folder: Path) -> None:
    (folder / "sales.csv").unlink()
    (folder / "data" / "two.csv").rename(folder / "data" / "two.txt")
    (folder / "below").mkdir()
    handle = ja.submit(agent, "Summarise the CSV files")
    asked(handle, "In which folder")
    (folder / "below" / "late.csv").write_text("x\n1\n")
    handle.send("below")
    assert "`below/late.csv`" in handle.result(20)


def test_without_an_answer_it_lists_what_it_can_do() -> None:
    handle = ja.submit(agent, "Dance!")
    asked(handle, "What shall I do?")
    handle.send("")
    assert handle.result(20).startswith("I could not do that. I can list files")


def test_a_cancel_ends_its_waiting() -> None:
    handle = ja.submit(agent, "Dance!")
    asked(handle, "What shall I do?")
    handle.cancel()
    assert isinstance(handle.exception(20), ja.TaskCancelled)


def test_another_attempt_goes_on_behind_the_last_step(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    count = TOOLS["count_rows"]

    def counted(path: str) -> int:
        calls.append(path)
        if len(calls) == 2:
            raise MemoryError("for the test")
        return int(count(path))

    monkeypatch.setitem(TOOLS, "count_rows", counted)
    handle = ja.submit(agent, "How many rows do the CSV files have?")
    assert handle.exception(20) is not None
    handle.retry()
    assert "Together: **5 rows**" in handle.result(20)
    assert calls == ["data/two.csv", "sales.csv", "sales.csv"]
    assert handle.messages[0].text == "I go on after step 2."


KILLED = """
import jupyter_agent as ja
from jupyter_agent.examples.agent import agent
handle = ja.task(agent, name="agent", key="its key").submit("mean of price")
while handle.prompt is None: handle.wait(0.01)
print(handle.id, flush=True)
handle.wait()
"""


def test_a_new_process_goes_on_where_one_was_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", KILLED], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        there = process.stdout.readline().strip()
        process.kill()
    handle = ja.task(agent, name="agent", key="its key").submit("mean of price")
    assert (handle.id, handle.attempt) == (there, 2)
    asked(handle, "no column `price`")
    assert handle.messages[0].text == "I go on after step 3."
    handle.send("amount")
    assert handle.result(20) == "The mean of `amount` in `sales.csv` is **15.25**."


def scripted(*replies: str) -> Callable[[Sequence[dict[str, str]]], str]:
    """A model that gives these replies one after the other."""
    rest = iter(replies)
    return lambda _: next(rest)


def test_text_around_a_models_json_is_ignored() -> None:
    complete = scripted(
        'Sure!\n```json\n{"tool": "calculate", "args": {"expression": "6*7"}}\n```', '{"report": "42"}'
    )
    assert agent("?", complete) == "42"


def test_a_reply_that_cannot_be_used_is_answered_with_why() -> None:
    heard: list[str] = []
    replies = iter(
        [
            "no idea",
            "{broken",
            '["list"]',
            '{"dance": 1}',
            '{"tool": "format_disk"}',
            '{"tool": "calculate", "args": {"x": 1}}',
            '{"tool": "calculate", "args": 5}',
            '{"report": "done"}',
        ]
    )

    def complete(messages: Sequence[dict[str, str]]) -> str:
        heard.append(messages[-1]["content"])
        return next(replies)

    assert agent("?", complete) == "done"
    assert ["answer with one JSON object" in one for one in heard] == [False] + 4 * [True] + 3 * [False]
    assert "there is no tool 'format_disk'; use one of list_files" in heard[5]
    assert "missing a required argument: 'expression'" in heard[6]
    assert "args must be an object, not 5" in heard[7]


def test_a_model_that_comes_to_no_end_is_given_up() -> None:
    with pytest.raises(RuntimeError, match=f"no report after {MAX_STEPS} steps"):
        agent("?", lambda _: "hm")


class Model(BaseHTTPRequestHandler):
    """An OpenAI-compatible endpoint behind which the rules think."""

    asked: list[dict[str, Any]]

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        body = json.loads(self.rfile.read(length))
        self.asked.append({"path": self.path, "key": self.headers["Authorization"], "model": body["model"]})
        content = think(body["messages"])
        answer = json.dumps({"choices": [{"message": {"role": "assistant", "content": content}}]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on standard error."""


@pytest.fixture
def model() -> Iterator[str]:
    """The address of one."""
    Model.asked = []
    with HTTPServer(("127.0.0.1", 0), Model) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/v1/"
        server.shutdown()
        thread.join()


def test_a_model_behind_an_openai_endpoint_does_the_thinking(model: str) -> None:
    report = agent("How many rows has sales.csv?", endpoint(model, "small", key="k"))
    assert report == "- `sales.csv`: 3 rows"
    assert Model.asked == 3 * [{"path": "/v1/chat/completions", "key": "Bearer k", "model": "small"}]


def sales(column: str, statistic: str) -> dict[str, Any]:
    return {"path": "sales.csv", "column": column, "statistic": statistic}


@pytest.mark.parametrize(
    ("name", "args", "sentence"),
    [
        ("list_files", {"folder": "/"}, "'/' is outside the working directory"),
        ("list_files", {"folder": "nope"}, "there is no folder 'nope'"),
        ("read_text", {"path": "../work/../../x"}, "outside the working directory"),
        ("read_text", {"path": 5}, ""),
        ("column_statistic", sales("x", "mean"), "it has region, amount"),
        ("column_statistic", sales("region", "mean"), "has no numbers"),
        ("column_statistic", sales("amount", "mode"), "use one of mean"),
        ("calculate", {"expression": "9**9**9"}, "more than 1,000 digits"),
        ("calculate", {"expression": "10**999*10**999"}, "at most 1,000 digits"),
        ("calculate", {"expression": "(-1)**0.5"}, "no value"),
        ("calculate", {"expression": "__import__('os')"}, "are understood"),
        ("calculate", {"expression": "(" * 5000}, "has no value"),
    ],
)  # fmt: skip
def test_a_tool_that_fails_says_why(name: str, args: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ToolError) as caught:
        call(name, args)
    assert sentence in str(caught.value)


def test_a_link_out_of_the_folder_is_not_followed(folder: Path) -> None:
    (folder.parent / "outside.csv").write_text("a\n1\n")
    (folder / "link.csv").symlink_to(folder.parent / "outside.csv")
    with pytest.raises(ToolError, match="outside the working directory"):
        call("count_rows", {"path": "link.csv"})


def test_the_prompt_names_every_tool_with_its_parameters() -> None:
    assert "list_files(pattern: str = '*', folder: str = '.'): Paths of files" in described()
    assert len(described().splitlines()) == len(TOOLS)
