"""IPython's tracebacks, as a kernel makes them, in Python's layout."""

from __future__ import annotations

import linecache
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from jupyter_agent.rendering.tracebacks import folded_lines
from jupyter_agent.worker.notebooks.client import plain
from jupyter_agent.worker.notebooks.ipython_traceback import in_python_layout

CHAINED = """\
def load(x):
    try:
        return x / 0
    except ZeroDivisionError as error:
        raise ValueError("two\\nlines\\nFile a.py:3") from error"""


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> InteractiveShell:
    """A shell that keeps tracebacks instead of printing them."""
    shell = InteractiveShell()
    monkeypatch.setattr(InteractiveShell, "_instance", shell)  # where tracebacks ask which file is a cell

    def keep(etype: Any, evalue: Any, stb: list[str]) -> None:
        shell.user_ns["kept"] = plain("\n".join(stb))

    monkeypatch.setattr(shell, "_showtraceback", keep)
    return shell


def traceback_of(shell: InteractiveShell, *cells: str) -> str:
    for cell in cells:
        shell.run_cell(cell, store_history=True)
    return in_python_layout(shell.user_ns["kept"])


def test_cells_and_the_errors_between_them_are_as_python_writes_them(shell: InteractiveShell) -> None:
    assert (
        traceback_of(shell, CHAINED, "y = 1\nload(y)")
        == """\
Traceback (most recent call last):
  Cell [1], line 3, in load
    return x / 0
ZeroDivisionError: division by zero

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  Cell [2], line 2, in <module>
    load(y)
  Cell [1], line 5, in load
    raise ValueError("two\\nlines\\nFile a.py:3") from error
ValueError: two
lines
File a.py:3"""
    )


def test_frames_of_libraries_are_folded_and_those_of_own_files_are_not(
    shell: InteractiveShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))  # IPython writes ~
    (tmp_path / "own_load.py").write_text("import json\n\n\ndef load(text):\n    return json.loads(text)\n")
    monkeypatch.syspath_prepend(tmp_path)
    shown = list(folded_lines(traceback_of(shell, "import own_load\nown_load.load('{')")))
    assert shown[:5] == [
        ("text", "Traceback (most recent call last):"),
        ("user", "  Cell [1], line 2, in <module>"),
        ("source", "    own_load.load('{')"),
        ("user", f'  File "{tmp_path}/own_load.py", line 5, in load'),
        ("source", "    return json.loads(text)"),
    ]
    assert [kind for kind, _ in shown[5:]] == ["folded", "error"]
    assert shown[5][1] == "  … 3 frames in Python"


def test_a_deep_recursion_is_short(shell: InteractiveShell) -> None:
    lines = traceback_of(shell, "def r(n):\n    return r(n + 1)", "r(0)").splitlines()
    assert len(lines) < 40
    assert lines[3:5] == ["  Cell [1], line 2, in r", "    return r(n + 1)"]
    assert any(line.startswith("  [Previous line repeated 9") for line in lines)
    assert lines[-1] == "RecursionError: maximum recursion depth exceeded"


def test_equal_frames_are_counted_as_python_counts_them() -> None:
    frame = "Cell In[1], line 2, in r(n)\n----> 2     return r(n + 1)\n\n"
    text = f"{'-' * 75}\nError     Traceback (most recent call last)\n{frame * 5}Error: no"
    assert in_python_layout(text).splitlines() == [
        "Traceback (most recent call last):",
        *["  Cell [1], line 2, in r", "    return r(n + 1)"] * 3,
        "  [Previous line repeated 2 more times]",
        "Error: no",
    ]


def test_a_syntax_error_has_its_place(shell: InteractiveShell) -> None:
    expected = "  Cell [1], line 2\n    y = = 1\n        ^\nSyntaxError: invalid syntax"
    assert traceback_of(shell, "x = 1\ny = = 1") == expected


def test_code_without_source_has_its_place(shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch) -> None:
    # From Python 3.13 on, `python -c`, which starts the tests' processes, keeps its own text under this name.
    monkeypatch.delitem(linecache.cache, "<string>", raising=False)
    assert traceback_of(shell, "exec('1/0')").splitlines()[1:] == [
        "  Cell [1], line 1, in <module>",
        "    exec('1/0')",
        '  File "<string>", line 1, in <module>',
        "ZeroDivisionError: division by zero",
    ]


def test_a_syntax_error_of_an_imported_file_names_the_cell(shell: InteractiveShell, tmp_path: Path) -> None:
    (tmp_path / "torn_module.py").write_text("x = 1\ny = (\n")
    lines = traceback_of(shell, f"import sys\nsys.path.insert(0, {str(tmp_path)!r})\nimport torn_module")
    assert "\n  Cell [1], line 3\n    import torn_module\n" in lines
    assert f'\n  File "{tmp_path}/torn_module.py", line 2\n' in lines


@pytest.mark.parametrize(
    "text", ["", "Error in f(x) : no\nCalls: f", 'Traceback (most recent call last):\n  File "a", line 1']
)
def test_what_is_not_ipythons_stays_as_it_is(text: str) -> None:
    assert in_python_layout(text) == text
