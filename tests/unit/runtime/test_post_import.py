"""Hooks that run at the end of an import."""

from __future__ import annotations

import importlib
import inspect
import sys
from pathlib import Path

import pytest

from jupyter_agent.runtime.capture.post_import import when_imported


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    name = f"hooked_{abs(hash(request.node.name))}"
    (tmp_path / f"{name}.py").write_text("value = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    return name


def test_a_hook_runs_when_its_module_is_complete_and_again_when_it_is_imported_anew(module: str) -> None:
    seen: list[int] = []
    when_imported(module, lambda imported: seen.append(imported.value))
    importlib.import_module(module)
    assert seen == [1]
    importlib.reload(sys.modules[module])
    del sys.modules[module]
    importlib.import_module(module)
    assert seen == [1, 1, 1]


def test_a_hook_runs_at_once_for_a_module_that_is_there(module: str) -> None:
    importlib.import_module(module)
    seen: list[int] = []
    when_imported(module, lambda imported: seen.append(imported.value))
    assert seen == [1]


def test_the_module_sees_its_own_loader(module: str) -> None:
    when_imported(module, lambda imported: None)
    imported = importlib.import_module(module)
    assert imported.__spec__ is not None
    assert imported.__loader__ is imported.__spec__.loader
    assert inspect.getsource(imported) == "value = 1\n"


def test_a_module_that_cannot_be_imported_raises_what_it_raises(module: str) -> None:
    when_imported("not_there_at_all", lambda imported: None)
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("not_there_at_all")
