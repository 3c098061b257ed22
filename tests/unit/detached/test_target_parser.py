"""Targets, parameters and names, parsed from what a user asks to run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jupyter_agent.detached.parameters import read_parameters, read_value
from jupyter_agent.detached.target_parser import parse_target
from jupyter_agent.detached.targets import (
    AgentTarget,
    CommandTarget,
    FunctionTarget,
    NotebookTarget,
    PickledTarget,
    Target,
    default_name,
)
from jupyter_agent.errors import BadTarget


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "daily report.ipynb").write_text("{}")
    (tmp_path / "tool").write_text("#!/bin/sh\n")
    (tmp_path / "tool").chmod(0o700)
    (tmp_path / "plain.txt").write_text("")
    return tmp_path


def parse(asked: str | list[str], folder: Path, **options: Any) -> Target:
    return parse_target(asked, cwd=str(folder), **options)


def test_a_notebook_is_known_by_its_ending_and_found_from_the_folder(folder: Path) -> None:
    path = str(folder / "daily report.ipynb")
    target = parse("daily report.ipynb", folder, parameters={"n": 5}, kernel="ir")
    assert target == NotebookTarget(path, {"n": 5}, "ir")
    assert parse(path, Path("/")) == NotebookTarget(path)
    careful = parse(path, Path("/"), cell_timeout=60.0, allow_errors=True)
    assert careful == NotebookTarget(path, cell_timeout=60.0, allow_errors=True)


@pytest.mark.parametrize("name", ["jobs:main", "pkg.jobs:main", "jobs:Report.daily", "größe:zählen"])
def test_a_function_is_two_dotted_names_with_a_colon(name: str, folder: Path) -> None:
    assert parse(name, folder, parameters={"a": "1"}) == FunctionTarget(name, {"a": "1"})


@pytest.mark.parametrize("asked", [["sh", "-c", "exit 3"], "-- sh -c 'exit 3'"])
def test_a_command_is_a_list_or_comes_after_two_dashes(asked: str | list[str], folder: Path) -> None:
    assert parse(asked, folder) == CommandTarget(["sh", "-c", "exit 3"])


def test_a_command_may_be_a_file_of_the_folder(folder: Path) -> None:
    assert parse(["./tool", "x"], folder) == CommandTarget(["./tool", "x"])


def test_a_function_of_a_file_is_found_from_the_folder(folder: Path) -> None:
    (folder / "daily jobs.py").write_text("")
    for asked in ("daily jobs.py:main", str(folder / "daily jobs.py:main")):
        target = parse(asked, folder, parameters={"a": 1}, agent="jobs:agent")
        assert target == FunctionTarget(str(folder / "daily jobs.py:main"), {"a": 1})
        assert default_name(target) == "daily jobs.py:main"
    text = "look into no such.py:main"
    assert parse(text, folder, agent="jobs:agent") == AgentTarget("jobs:agent", text)


@pytest.mark.parametrize("text", ["Summarise the CSV files here", "note: buy milk", "12:30", "a:b c", "x"])
def test_other_text_is_for_the_agent(text: str, folder: Path) -> None:
    assert parse(text, folder, agent="jobs:agent") == AgentTarget("jobs:agent", text)


@pytest.mark.parametrize(
    ("asked", "options", "said"),
    [
        (
            "",
            {},
            "say what to run: a notebook.ipynb, module:function, file.py:function, -- and a command, or text",
        ),
        ("  ", {}, "say what to run"),
        ("no.ipynb", {}, "there is no notebook {folder}/no.ipynb"),
        (".ipynb", {}, "there is no notebook"),
        ("jobs/no.py:main", {}, "there is no file {folder}/jobs/no.py"),
        ("Tidy up", {}, 'c.JupyterAgent.agent = "module:function"'),
        ("Tidy up", {"agent": "jobs"}, "the agent must be named as module:function, not as 'jobs'"),
        ([], {}, "say which command to run"),
        ([""], {}, "say which command to run"),
        (["no-such-program-here"], {}, "there is no program 'no-such-program-here'"),
        (["tool"], {}, "tool is here: ./tool would run it"),
        (["./plain.txt"], {}, "that file may not be executed"),
        (["./no"], {}, "there is no program './no'"),
        (["sh", "a\0b"], {}, "a command is a list of texts"),
        (["sh", 5], {}, "a command is a list of texts"),
        ("-- sh 'open", {}, "cannot be split into words: No closing quotation"),
        (["sh"], {"parameters": {"n": 1}}, "parameters are for notebooks and functions, not for a command"),
        (["sh"], {"kernel": "ir"}, "a kernel is for notebooks, not for a command"),
        ("a:b", {"kernel": "ir"}, "a kernel is for notebooks, not for a function"),
        ("a:b", {"cell_timeout": 5.0}, "cell_timeout is for notebooks, not for a function"),
        (["sh"], {"allow_errors": True}, "allow_errors is for notebooks, not for a command"),
        ("do it", {"agent": "a:b", "parameters": {"n": 1}}, "not for an agent"),
        (
            "a:b",
            {"parameters": {"my-n": 1}},
            "'my-n' cannot be a parameter: it is not the name of a variable",
        ),
        ("a:b", {"parameters": {"class": 1}}, "'class' cannot be a parameter"),
        ("a:b", {"parameters": {"n": float("inf")}}, "cannot be kept as JSON, which has no NaN"),
        ("a:b", {"parameters": {"n": object()}}, "the parameters cannot be kept as JSON"),
    ],
)
def test_a_target_that_cannot_be_run_gets_one_sentence(
    asked: Any, options: dict[str, Any], said: str, folder: Path
) -> None:
    with pytest.raises(BadTarget) as caught:
        parse(asked, folder, **options)
    assert said.format(folder=folder) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", 5),
        ("-5", -5),
        ("+5", 5),
        ("0", 0),
        ("2.50", 2.5),
        (".5", 0.5),
        ("1e-3", 0.001),
        ("true", True),
        ("True", True),
        ("false", False),
        ("null", None),
        ("None", None),
        ("[1, 2.5, true]", [1, 2.5, True]),
        ('{"a": "b"}', {"a": "b"}),
        ('"5"', "5"),
        ("", ""),
        ("abc", "abc"),
        ("2026-11-22", "2026-11-22"),
        ("007", "007"),
        ("1_000", "1_000"),
        ("1e999", "1e999"),
        ("nan", "nan"),
        ("NaN", "NaN"),
        ("[NaN]", "[NaN]"),
        ("[1, 2", "[1, 2"),
        ("[" * 100_000, "[" * 100_000),
        ("٣", "٣"),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_a_typed_value_is_a_number_a_word_or_json_and_else_text(text: str, value: object) -> None:
    read = read_value(text)
    assert (type(read), read) == (type(value), value)


def test_parameters_are_values_for_a_notebook_and_text_for_a_function() -> None:
    pairs = ["n=5", "name=a=b", "empty="]
    assert read_parameters("x.ipynb", pairs) == {"n": 5, "name": "a=b", "empty": ""}
    assert read_parameters("a:b", pairs) == {"n": "5", "name": "a=b", "empty": ""}


@pytest.mark.parametrize(
    ("pairs", "said"), [(["n"], "name=value, not as 'n'"), (["n=1", "n=2"], "'n' is given twice")]
)
def test_a_parameter_that_cannot_be_read_is_named(pairs: list[str], said: str) -> None:
    with pytest.raises(BadTarget, match=said):
        read_parameters("a:b", pairs)


@pytest.mark.parametrize(
    ("target", "name"),
    [
        (NotebookTarget("/home/ada/daily report.ipynb"), "daily report"),
        (FunctionTarget("jobs.daily:main"), "jobs.daily:main"),
        (CommandTarget(["/usr/bin/make", "-j2", "all the"]), "make -j2 'all the'"),
        (AgentTarget("a:b", "Summarise\nthe  files"), "Summarise the files"),
        (PickledTarget("train"), "train"),
        (AgentTarget("a:b", "word " * 40), "word " * 11 + "word…"),
    ],
)
def test_a_task_is_named_after_what_it_runs(target: Target, name: str) -> None:
    assert default_name(target) == name
    assert len(default_name(target)) <= 60
