"""What IPython's ``?`` and tooltips say about public names: parameters and types that a user can read."""

from __future__ import annotations

import inspect
import pickle
import subprocess
import sys
import typing
from collections.abc import Callable
from functools import partial

import pytest

import jupyter_agent as ja
from jupyter_agent import client
from tests.support.runtime import own_producer  # noqa: F401

NAMES = [getattr(ja, name) for name in ja.__all__] + [client.connect, client.Client, client.AgentClient]
PUBLIC = [each for each in NAMES if not (isinstance(each, type) and issubclass(each, BaseException))]


@ja.task(show=False)
def fit(epochs: int, *, rate: float = 0.1) -> dict[str, float]:
    """Train for some epochs."""
    return {"loss": epochs * rate}


class Model:
    @ja.task(show=False)
    def train(self, epochs: int) -> str:
        return f"{epochs}"

    @ja.task(show=False)
    @classmethod
    def load(cls, path: str) -> str:
        return path


def _functions(value: object) -> list[Callable[..., object]]:
    if not isinstance(value, type):
        return [value] if callable(value) else []
    found = [getattr(each, "__func__", each) for each in vars(value).values()]
    return [each for each in found if inspect.isfunction(each)]


@pytest.mark.parametrize("value", PUBLIC, ids=lambda value: value.__name__)
def test_no_annotation_of_a_public_name_is_shown_in_quotes(value: object) -> None:
    for function in _functions(value):
        if function.__module__.startswith("jupyter_agent"):
            annotations = [each.annotation for each in inspect.signature(function).parameters.values()]
            shown = map(
                inspect.formatannotation, [*annotations, inspect.signature(function).return_annotation]
            )
            assert [text for text in shown if text.startswith(("'", '"'))] == [], function


def test_the_types_of_public_names_are_still_found() -> None:
    assert typing.get_type_hints(ja.attach) == {"task_id": str, "return": ja.TaskHandle}


def test_submit_shows_the_parameters_of_the_function_and_what_its_handle_gives() -> None:
    parameters = "(epochs: 'int', *, rate: 'float' = 0.1)"  # this module keeps its own annotations as text
    assert str(inspect.signature(fit.submit)) == f"{parameters} -> TaskHandle[dict[str, float]]"
    assert inspect.getdoc(fit.submit) == "Start it as a task; returns at once.\n\nTrain for some epochs."


def test_types_that_are_no_text_are_shown_as_python_shows_them() -> None:
    def function(text: str) -> None: ...

    function.__annotations__ = {"text": str, "return": list[int]}
    assert str(inspect.signature(ja.task(function).submit)) == "(text: str) -> TaskHandle[list[int]]"
    del function.__annotations__["return"]
    assert str(inspect.signature(ja.task(function).submit)) == "(text: str) -> TaskHandle"


@pytest.mark.parametrize("method", [Model().train, Model().train.submit], ids=["call", "submit"])
def test_a_method_of_an_instance_takes_no_self(method: Callable[..., object]) -> None:
    assert list(inspect.signature(method).parameters) == ["epochs"]


def test_a_class_method_takes_no_class() -> None:
    assert list(inspect.signature(Model.load.submit).parameters) == ["path"]
    assert list(inspect.signature(Model.train.submit).parameters) == ["self", "epochs"]


def test_options_shows_the_keywords_of_task() -> None:
    keywords = [each for each in inspect.signature(ja.task).parameters if each != "fn"]
    shown = inspect.signature(fit.options)
    assert list(shown.parameters) == keywords
    assert str(shown.parameters["retries"]) == "retries: int = unchanged"


def test_a_function_without_a_signature_can_be_submitted_and_says_that_it_has_none() -> None:
    function = ja.task(max, show=False)
    with pytest.raises(ValueError, match="no signature"):
        inspect.signature(function.submit)
    assert function.submit(1, 2).result(20) == 2


def test_submit_behaves_as_a_bound_method() -> None:
    assert fit.submit == fit.submit
    assert hash(fit.submit) == hash(fit.submit)
    assert fit.submit != fit.options(name="other").submit
    assert pickle.loads(pickle.dumps(fit.submit)) == fit.submit
    assert repr(fit.submit) == "<bound method submit of <TaskFunction fit>>"
    assert partial(fit.submit, 2)(rate=0.5).result(20) == {"loss": 1.0}
    assert ja.TaskFunction.submit(fit, 2, rate=0.5).result(20) == {"loss": 1.0}


def test_a_parameter_may_have_any_name() -> None:
    def work(self: int, function: int, method: int) -> int:
        return self + function + method

    assert ja.task(work, show=False).submit(self=1, function=2, method=3).result(20) == 6


def test_completion_in_ipython_offers_the_functions_keywords() -> None:
    program = """
        import jupyter_agent as ja
        from IPython.core.completer import provisionalcompleter
        from IPython.core.interactiveshell import InteractiveShell

        shell = InteractiveShell.instance()
        shell.Completer.use_jedi = False
        shell.user_ns["fit"] = ja.task(lambda epochs, rate: None)
        with provisionalcompleter():
            print([each.text for each in shell.Completer.completions("fit.submit(ep", 13)])
    """
    lines = "\n".join(line.removeprefix("        ") for line in program.splitlines())
    done = subprocess.run([sys.executable, "-c", lines], capture_output=True, text=True, check=True)
    assert done.stdout == "['epochs=']\n"
