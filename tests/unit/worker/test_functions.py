"""Functions and agents as tasks: finding them, their arguments, coroutines."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import Enum
from pathlib import Path
from typing import Any, Literal, Optional

import cloudpickle
import pytest

from jupyter_agent.detached.targets import AgentTarget, FunctionTarget, PickledTarget, Target
from jupyter_agent.errors import BadTarget, TaskCancelled
from jupyter_agent.runtime.outcome import described
from jupyter_agent.worker.functions.arguments import bind_arguments
from jupyter_agent.worker.functions.callables import find_function
from jupyter_agent.worker.functions.coercion import CoercionError, coerce
from jupyter_agent.worker.run_target import run_target
from tests.support.targets import RecordingSink, current, run_and_stop

JOBS = """
from __future__ import annotations
import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING
import jupyter_agent as ja

if TYPE_CHECKING:
    from nowhere import Elsewhere

@ja.task(retries=5, on="process")
def train(epochs: int, rate: float = 0.1, *, out: Path | None = None, data: Elsewhere = None):
    ja.current().log(f"{epochs} epochs")
    return epochs, rate, out, data

async def later(text: str = "late"):
    await asyncio.sleep(0)
    return text

async def forever():
    try:
        ja.current().log("waits")
        await asyncio.sleep(600)
    finally:
        ja.current().log("leaves")

async def busy():
    loop = asyncio.get_running_loop()

    def callback():
        try:
            time.sleep(0.02)
        finally:
            loop.call_soon(callback)

    callback()
    async with asyncio.timeout(10):
        await forever()

async def deaf():
    while True:
        try:
            ja.current().log("waits")
            await asyncio.sleep(600)
        except asyncio.CancelledError:
            ja.current().log("does not listen")
            while True:
                pass

def agent(text):
    ja.current().say(f"You said {text}")
    return text.upper()

async def slow_agent(text):
    return await later(text)

def fails():
    raise LookupError("nothing there")

class Report:
    @staticmethod
    def daily(day: str = "today"):
        return f"report of {day}"

number = 5
"""


@pytest.fixture
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A module of a name of its own in the working directory; its name."""
    name = f"jobs_of_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(JOBS)
    (tmp_path / "broken.py").write_text("import no_such_module_at_all\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield name
    for module in (name, "broken"):
        sys.modules.pop(module, None)


def run(target: Target, sink: RecordingSink | None = None, content: Path = Path("none")) -> Any:
    sink = sink or RecordingSink()
    with current(sink) as context:
        return run_target(target, context, content)


def test_a_function_is_found_in_the_working_directory_and_called(jobs: str) -> None:
    sink = RecordingSink()
    given = {"epochs": "3", "out": "~/model", "data": "[1]"}
    result = run(FunctionTarget(f"{jobs}:train", given), sink)
    assert result == (3, 0.1, Path("~/model").expanduser(), [1])
    assert sink.text("logging") == "3 epochs"  # as the plain function: it is this task, not one of its own


def test_a_coroutine_is_run_to_its_end(jobs: str) -> None:
    assert run(FunctionTarget(f"{jobs}:later")) == "late"


def test_a_function_of_a_class_is_found(jobs: str) -> None:
    assert run(FunctionTarget(f"{jobs}:Report.daily", {"day": "2026-11-22"})) == "report of 2026-11-22"


@pytest.mark.parametrize("agent", ["agent", "slow_agent"])
def test_an_agent_gets_the_text(agent: str, jobs: str) -> None:
    text = "Summarise, please"
    assert run(AgentTarget(f"{jobs}:{agent}", text)).lower() == text.lower()


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        ("no_such_jobs:main", "there is no module 'no_such_jobs' in "),
        ("{jobs}.deeper:main", "there is no module '{jobs}.deeper' in "),
        ("{jobs}:trian", "{jobs} has no 'trian'; is train meant?"),
        ("{jobs}:Report.weekly", "Report has no 'weekly'"),
        ("{jobs}:number", "{jobs}:number is not a function but of type int"),
    ],
)
def test_a_function_that_cannot_be_found_is_one_sentence(function: str, sentence: str, jobs: str) -> None:
    with pytest.raises(BadTarget) as caught:
        run(FunctionTarget(function.format(jobs=jobs)))
    assert sentence.format(jobs=jobs) in str(caught.value)


def test_an_exception_of_an_import_or_a_call_keeps_its_traceback(jobs: str) -> None:
    with pytest.raises(ModuleNotFoundError) as imported:
        run(FunctionTarget("broken:main"))
    assert "import no_such_module_at_all" in described(imported.value).traceback
    with pytest.raises(LookupError, match="nothing there"):
        run(FunctionTarget(f"{jobs}:fails"))


def test_arguments_that_do_not_fit_are_all_named_before_anything_runs(jobs: str) -> None:
    sink = RecordingSink()
    with pytest.raises(BadTarget) as caught:
        run(FunctionTarget(f"{jobs}:train", {"epochs": "ten", "rate": "fast", "epoch": 1}), sink)
    assert str(caught.value) == (
        "train() cannot be called like this: it has no parameter 'epoch' (it has epochs, rate, out, data); "
        "epochs must be int, not 'ten'; rate must be float, not 'fast'"
    )
    with pytest.raises(BadTarget, match="epochs is missing"):
        run(FunctionTarget(f"{jobs}:train"), sink)
    assert sink.events == []


@pytest.mark.parametrize("function", ["forever", "busy"])
def test_a_cancel_reaches_a_coroutine_where_it_waits(function: str, jobs: str) -> None:
    """Also where the signal comes while the loop runs a callback, which is where its exception would end."""
    sink = RecordingSink()
    with pytest.raises(TaskCancelled):
        run_and_stop(sink, lambda: run(FunctionTarget(f"{jobs}:{function}"), sink), lambda: sink.events)
    assert [one.text for one in sink.events] == ["waits", "leaves"]  # type: ignore[union-attr]


def test_a_coroutine_that_does_not_listen_is_stopped_the_second_time(jobs: str) -> None:
    sink = RecordingSink()

    def stop_again() -> bool:
        return len(sink.events) > 1

    with pytest.raises(TaskCancelled):
        run_and_stop(
            sink, lambda: run(FunctionTarget(f"{jobs}:deaf"), sink), lambda: sink.events, again=stop_again
        )


def test_a_pickled_function_is_called_with_its_arguments(tmp_path: Path) -> None:
    async def double(n: int, *, plus: int) -> int:
        return 2 * n + plus

    content = tmp_path / "content"
    content.write_bytes(cloudpickle.dumps((double, (20,), {"plus": 2})))
    assert run(PickledTarget("double"), content=content) == 42


class Mode(Enum):
    FAST = "quick"
    SLOW = 2


@dataclass
class Point:
    x: int
    y: int = 2


@pytest.mark.parametrize(
    ("value", "hint", "fitted"),
    [
        ("5", int, 5),
        ("5.0", int, 5),
        (5, float, 5.0),
        ("1e3", float, 1000.0),
        ("1.10", str, "1.10"),
        ("007", str, "007"),
        ("True", str, "True"),
        ("yes", bool, True),
        ("0", bool, False),
        (True, bool, True),
        ("data/x.csv", Path, Path("data/x.csv")),
        ("[1, 2]", list[int], [1, 2]),
        (["1", 2], list[int], [1, 2]),
        ('["1", "a"]', list[Any], ["1", "a"]),
        ('["1"]', list, ["1"]),
        ('["a"]', list[Path], [Path("a")]),
        ("[1, 2]", tuple[int, ...], (1, 2)),
        ('[1, "b"]', tuple[int, str], (1, "b")),
        ("[1, 1]", set[int], {1}),
        ('{"a": "1"}', dict[str, int], {"a": 1}),
        ("None", Optional[int], None),  # noqa: UP045
        ("null", int | None, None),
        ("5", int | str, 5),
        ("five", int | str, "five"),
        ("quick", Literal["quick", "slow"], "quick"),
        ("3", Literal[1, 3], 3),
        ("FAST", Mode, Mode.FAST),
        ("quick", Mode, Mode.FAST),
        ("2", Mode, Mode.SLOW),
        ("2026-11-22", date, date(2026, 11, 22)),
        ('{"x": 1}', Point, Point(1)),
        ("5", Any, 5),
        ("text", object, "text"),
        ([1], Any, [1]),
    ],
)
def test_a_value_is_made_to_fit(value: object, hint: Any, fitted: object) -> None:
    made = coerce(value, hint)
    assert (type(made), made) == (type(fitted), fitted)


@pytest.mark.parametrize(
    ("value", "hint", "wanted"),
    [
        ("ten", int, "int"),
        ("5.5", int, "int"),
        (True, int, "int"),
        ("x", float, "float"),
        ([], float, "float"),
        ("maybe", bool, "bool (true or false)"),
        (1, bool, "bool (true or false)"),
        (5, str, "str"),
        (5, Path, "a path"),
        ("1,2", list[int], "list[int] as JSON, such as [1, 2]"),
        ("[1, 2, 3]", tuple[int, int], "tuple[int, int], with 2 items"),
        ("[1]", dict, 'dict as JSON, such as {"a": 1}'),
        ("x", int | None, "int or None"),
        ("x", Literal[1, "a"], "one of 1, a"),
        ("zip", Mode, "one of FAST, SLOW"),
        ("now", date, "date"),
        ("z", Point, "Point"),
    ],
)
def test_a_value_that_does_not_fit_gets_an_error_that_says_what_does(
    value: object, hint: Any, wanted: str
) -> None:
    with pytest.raises(CoercionError) as caught:
        coerce(value, hint)
    assert str(caught.value) == wanted


def test_arguments_find_their_places() -> None:
    def function(a: Any, b: int = 2, c: int = 3, /, d: int = 4, *, e: int, **more: Any) -> None: ...

    assert bind_arguments(function, {"a": "[0]", "c": "30", "e": "5", "f": "6"}) == (
        [[0], 2, 30],
        {"e": 5, "f": 6},
    )


def test_a_function_without_parameters_says_so() -> None:
    with pytest.raises(BadTarget, match=r"it has no parameter 'n' \(it has none\)"):
        bind_arguments(lambda: None, {"n": 1})


def test_an_object_that_has_every_attribute_is_not_taken_for_a_task(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lenient.py").write_text(
        "class Lenient:\n"
        "    def __getattr__(self, name): return None\n"
        "    def __call__(self): return 5\n"
        "lenient = Lenient()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert find_function("lenient:lenient")() == 5


def test_a_worker_imports_no_notebook_side() -> None:
    modules = "run_target, child, detached, functions.callables, notebooks.notebook"
    imports = "; ".join(f"import jupyter_agent.worker.{name}" for name in modules.split(", "))
    sides = ("jupyter_agent.notebook", "jupyter_agent.server", "jupyter_agent.journal")
    found = f"[name for name in sys.modules if name.startswith({sides})]"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; {imports}; print({found})"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"
