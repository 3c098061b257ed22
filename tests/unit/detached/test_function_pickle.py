"""Pickling a call for a worker, and naming what in it cannot be pickled."""

from __future__ import annotations

import functools
import io
import pickle
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import jupyter_agent as ja
from jupyter_agent.detached.function_pickle import pickle_call
from jupyter_agent.errors import CannotTravel
from jupyter_agent.system.paths import DataPaths
from tests.support.runtime import own_producer  # noqa: F401
from tests.support.workers import no_workers_left


class KernelStream(io.TextIOBase):
    """A stream as a kernel has it, which cannot be pickled."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lock = threading.Lock()


@pytest.fixture
def detached(paths: DataPaths) -> Iterator[DataPaths]:
    with no_workers_left(paths):
        yield paths


def test_what_cannot_be_pickled_is_named_with_its_path() -> None:
    lock = threading.Lock()

    def uses() -> object:
        return lock

    said: dict[str, Callable[[], object]] = {
        "argument 1['a'][1] (lock)": lambda: pickle_call(print, ({"a": [1, threading.Lock()]},), {}),
        "argument 'where' (generator)": lambda: pickle_call(print, (), {"where": (i for i in "")}),
        "the variable 'lock' that it uses (lock)": lambda: pickle_call(uses, (), {}),
    }
    for where, attempt in said.items():
        with pytest.raises(CannotTravel) as caught:
            attempt()
        assert where in str(caught.value)
        assert "on='thread'" in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_kept_stream_is_that_of_the_other_process_there() -> None:
    for stream in (KernelStream("stderr"), sys.__stderr__, sys.stderr):
        _, args, _ = pickle.loads(pickle_call(print, ({"sinks": [stream]},), {}))
        assert args[0]["sinks"] == [sys.stderr]


def test_a_file_of_that_name_is_not_a_stream(tmp_path: Path) -> None:
    (tmp_path / "stdout").write_text("its text")
    with (tmp_path / "stdout").open() as file:
        _, (copy,), _ = pickle.loads(pickle_call(print, (file,), {}))
    assert copy.read() == "its text"


def test_a_function_that_capture_has_replaced_since_travels_by_its_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    imported_before = textwrap.dedent

    @functools.wraps(imported_before)
    def replaced(text: str) -> str:
        return imported_before(text)

    replaced._jupyter_agent = True  # type: ignore[attr-defined]
    monkeypatch.setattr(textwrap, "dedent", replaced)
    for function in (imported_before, replaced):
        _, (there,), _ = pickle.loads(pickle_call(print, (function,), {}))
        assert there is replaced


def test_a_submit_that_cannot_be_pickled_leaves_nothing(detached: DataPaths) -> None:
    with pytest.raises(CannotTravel):
        ja.task(print, on="detached").submit(threading.Lock())
    assert not detached.orders.exists()
    assert not detached.calls.exists()
