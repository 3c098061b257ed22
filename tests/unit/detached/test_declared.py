"""What a target declares about its parameters is read from its source, and nothing of it is executed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from jupyter_agent.detached.declared.parameter import MAX_PARAMETERS
from jupyter_agent.detached.declared.source import MAX_SOURCE
from jupyter_agent.detached.declared.target import TargetDescription, describe_target
from jupyter_agent.errors import BadTarget

CELL = """\
# Parameters
%matplotlib inline
epochs: int = 12  # passes over the data
# step size
lr = 3e-4
optimizer = 'adam'
sizes = [1, 2]
api_key = "sk-12345"
token = None
begin = date.today()
best = worst = -1
seed: int
import os
x, y = 1, 2
"""
MODULE = '''\
raise SystemExit("this module was executed")

@ja.task(retries=2)
async def train(
    rows: "list[int]",
    /,
    epochs: int = 12,  # passes over the data
    *,
    mode: Literal["fast", "exact"] = "fast",
    password: str = "hunter2",
    when=datetime.now(), sizes=(1, 2),  # of the layers
    **more,
):
    """Train."""

class Report:
    def __init__(self, days: int = 7): ...
    def daily(self, name): ...
    @classmethod
    def weekly(cls, name="w"): ...

try:
    import fast
except ImportError:
    def load(path): ...
else:
    load = fast.load

made = partial(train, [])
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "jobs.py").write_text(MODULE)
    return tmp_path


def describe(folder: Path, asked: str) -> TargetDescription:
    return describe_target(asked, cwd=str(folder), agent="jobs:agent")


def save_notebook(folder: Path, source: str | list[str], **metadata: Any) -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# Title"], "metadata": {}},
        {"cell_type": "code", "source": source, "metadata": {"tags": ["parameters"]}, "outputs": []},
        {"cell_type": "code", "source": "epochs = 99", "metadata": {"tags": ["injected-parameters"]}},
    ]
    notebook = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    (folder / "train.ipynb").write_text(json.dumps(notebook))


@pytest.mark.parametrize("source", [CELL, CELL.splitlines(keepends=True)])
def test_a_notebook_declares_what_its_parameters_cell_assigns(folder: Path, source: str | list[str]) -> None:
    save_notebook(folder, source, kernelspec={"name": "python3", "language": "python"})
    found = describe(folder, "train.ipynb")
    assert (found.kind, found.name, found.more, found.note) == ("notebook", "train", True, None)
    shown = [(one.name, one.default, one.value, one.annotation, one.comment) for one in found.parameters]
    assert shown == [
        ("epochs", "12", 12, "int", "passes over the data"),
        ("lr", "3e-4", 3e-4, None, "step size"),
        ("optimizer", "'adam'", "adam", None, None),
        ("sizes", "[1, 2]", [1, 2], None, None),
        ("api_key", "••••", None, None, None),
        ("token", "None", None, None, None),
        ("begin", "date.today()", None, None, None),
        ("best", "-1", -1, None, None),
        ("worst", "-1", -1, None, None),
        ("seed", None, None, "int", None),
    ]
    assert [one.name for one in found.parameters if one.secret] == ["api_key", "token"]
    assert [one.name for one in found.parameters if one.required] == ["seed"]


def test_a_function_declares_its_signature(folder: Path) -> None:
    found = describe(folder, "jobs:train")
    assert (found.kind, found.name, found.more) == ("module", "jobs:train", True)
    shown = [(one.name, one.required, one.default, one.value, one.annotation) for one in found.parameters]
    assert shown == [
        ("rows", True, None, None, '"list[int]"'),
        ("epochs", False, "12", 12, "int"),
        ("mode", False, '"fast"', "fast", 'Literal["fast", "exact"]'),
        ("password", False, "••••", None, "str"),
        ("when", False, "datetime.now()", None, None),
        ("sizes", False, "(1, 2)", None, None),
    ]
    assert [one.comment for one in found.parameters] == [
        None, "passes over the data", None, None, None, "of the layers"
    ]  # fmt: skip
    assert found.parameters[2].choices == ["fast", "exact"]
    assert found.parameters[3].secret


@pytest.mark.parametrize(
    "default",
    [
        "'postgresql://u:hunter2@h'",
        "'postgresql://u:' 'hunter2@h'",
        "'postgresql://u:' + 'hunter2' + '@h'",
        "f'postgresql://u:{\"hunter2\"}@h'",
        "'postgresql:\\x2f/u:hunter2@h'",
        "'postgresql://u:hunter2@more@h'",
        "['x', {'a': 'https://u:hunter2@h'}]",
        "{'password': 'hunter2'}",
        "os.environ.get('DB', 'mysql://u:hunter2@h')",
        "dict(api_key='hunter2')",
        "None  # such as mysql://u:hunter2@h",
    ],
)
def test_a_secret_within_a_default_is_shown_nowhere(folder: Path, default: str) -> None:
    (folder / "dsn.py").write_text(f"def load(\n    db={default}\n): ...")
    (db,) = describe(folder, "dsn:load").parameters
    assert "hunter2" not in str(db)
    (folder / "dsn.py").write_text('def load(db: Literal["mysql://u:hunter2@h"]): ...')
    (db,) = describe(folder, "dsn:load").parameters
    assert "hunter2" not in str(db)
    assert db.choices is None


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ("jobs:Report", ["days"]),
        ("jobs:Report.daily", ["self", "name"]),
        ("jobs:Report.weekly", ["name"]),
        ("jobs.py:Report", ["days"]),
        ("lib/deep.py:work", ["a"]),
        ("pkg:work", ["a", "b"]),
        ("pkg.sub.tools:work", ["a", "b"]),
        ("space.inner:work", ["n"]),
    ],
)
def test_functions_are_found_in_classes_files_packages_and_through_imports(
    folder: Path, asked: str, names: list[str]
) -> None:
    files = {
        "lib/deep.py": "def work(a): ...",
        "pkg/__init__.py": "raise SystemExit\nfrom .sub import task as work",
        "pkg/sub/__init__.py": "raise SystemExit\nfrom pkg.sub.tools import work as task",
        "pkg/sub/tools.py": "def work(a, b): ...",
        "space/inner.py": "def work(n): ...",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    assert [one.name for one in describe(folder, asked).parameters] == names


@pytest.mark.parametrize(
    "asked",
    ["jobs:load", "jobs:made", "math:sqrt", "no_such_module_here:main", "round:trip", "jobs:Report.x.y"],
)
def test_what_cannot_be_read_is_unknown_and_says_so(folder: Path, asked: str) -> None:
    (folder / "round.py").write_text("from round import trip")
    found = describe(folder, asked)
    assert (found.parameters, found.more) == ([], True)
    assert found.note == "its parameters are not known here; the run checks them"


def test_a_module_of_the_standard_library_is_not_looked_for_in_the_folder(folder: Path) -> None:
    (folder / "random.py").write_text("def choice(mine): ...")
    assert [one.name for one in describe(folder, "random:Random.choice").parameters] == ["self", "seq"]


def test_commands_and_text_have_no_parameters(folder: Path) -> None:
    found = describe(folder, "-- sh -c 'exit 3'")
    assert (found.kind, found.parameters, found.more) == ("command", [], False)
    assert describe(folder, "Summarise the files").kind == "agent"


def test_a_notebook_without_such_a_cell_or_of_another_language_says_so(folder: Path) -> None:
    (folder / "plain.ipynb").write_text('{"cells": []}')
    assert describe(folder, "plain.ipynb").note == (
        'no cell has the tag "parameters"; values that are given are set at the top'
    )
    save_notebook(folder, "x <- 1", kernelspec={"name": "ir", "language": "R"})
    found = describe(folder, "train.ipynb")
    assert (found.more, found.parameters) == (False, [])
    assert found.note == "parameters can be given to Python notebooks only; this one is r"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("no.ipynb", "there is no notebook {folder}/no.ipynb"),
        ("no.py:main", "there is no file {folder}/no.py"),
        ("jobs:missing", "{folder}/jobs.py has no 'missing'"),
        ("broken:main", "{folder}/broken.py, line 2: "),
        ("long:main", "{folder}/long.py is too long to be read for its parameters"),
        ("coded:main", "{folder}/coded.py cannot be read as Python: "),
        ("nulls:main", "{folder}/nulls.py"),
        ("deep:main", "{folder}/deep.py"),
        ("bad.ipynb", "{folder}/bad.ipynb is not a notebook: "),
        ("train.ipynb", "the cell with the tag 'parameters', line 1: "),
        ("", "say what to run"),
    ],
)
def test_a_bad_target_gets_one_sentence(folder: Path, asked: str, said: str) -> None:
    (folder / "broken.py").write_text("x = 1\ndef main(:\n")
    (folder / "long.py").write_text("#" * (MAX_SOURCE + 1))
    (folder / "coded.py").write_bytes(b"# coding: klingon\n")
    (folder / "nulls.py").write_bytes(b"x = '\0'\ndef main(a): ...")
    (folder / "deep.py").write_text("x = " + "(" * 5000)
    (folder / "bad.ipynb").write_text("[]")
    save_notebook(folder, "epochs = ")
    with pytest.raises(BadTarget) as caught:
        describe(folder, asked)
    assert str(caught.value).startswith(said.format(folder=folder))
    assert "\n" not in str(caught.value)


def test_there_is_a_bound_for_parameters_and_their_texts(folder: Path) -> None:
    names = ", ".join(f"p{number}={'x' * 9}" for number in range(MAX_PARAMETERS + 5))
    (folder / "many.py").write_text(
        f"def main({names}, **rest): ...\ndef long(a={'[1]' + '+[1]' * 300}): ..."
    )
    assert len(describe(folder, "many:main").parameters) == MAX_PARAMETERS
    (one,) = describe(folder, "many:long").parameters
    assert (len(one.default or ""), one.value) == (200, None)


@pytest.mark.parametrize(
    "text",
    [
        "from json import *",
        "def __getattr__(name): ...",
        "main, other = 1, 2",
        "for main in []: pass",
        "globals()['main'] = print",
    ],
)
def test_a_name_that_a_module_gets_in_another_way_is_left_to_the_run(tmp_path: Path, text: str) -> None:
    (tmp_path / "odd.py").write_text(f"{text}\n")
    found = describe_target("odd:main", cwd=str(tmp_path), agent=None)
    assert (found.parameters, found.more) == ([], True)
    assert found.note == "its parameters are not known here; the run checks them"


def test_a_long_chain_of_branches_is_read(tmp_path: Path) -> None:
    chain = "".join(f"elif x == {n}:\n  pass\n" for n in range(2000))
    (tmp_path / "long.py").write_text(f"x = 1\nif x == 0:\n  pass\n{chain}def main(a=1): ...\n")
    found = describe_target("long:main", cwd=str(tmp_path), agent=None)
    assert [one.name for one in found.parameters] == ["a"]
