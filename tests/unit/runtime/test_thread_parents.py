"""Parents of threads whose identifiers are used again."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_agent.runtime.capture import thread_parents
from jupyter_agent.runtime.capture.thread_parents import ThreadParents

THREADS = st.integers(0, 5)


def ancestors(parents: dict[int, int], thread: int) -> list[int]:
    """Follow the parents as ipykernel does; fails in a cycle."""
    found: list[int] = []
    while thread in parents:
        thread = parents[thread]
        assert thread not in found
        found.append(thread)
    return found


@given(st.lists(st.tuples(THREADS, THREADS).filter(lambda pair: pair[0] != pair[1])))
def test_however_identifiers_are_reused_parents_end(started: list[tuple[int, int]]) -> None:
    parents = ThreadParents()
    for thread, parent in started:
        parents[thread] = parent
        assert ancestors(parents, thread)[0] == parent
        for each in range(6):
            ancestors(parents, each)


def test_the_streams_of_a_kernel_get_them_with_what_they_know(monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = SimpleNamespace(_thread_to_parent={1: 2, 2: 1}), SimpleNamespace()
    shell = SimpleNamespace(kernel=SimpleNamespace(_stdout=old, _stderr=new))
    monkeypatch.setattr(thread_parents, "kernel_shell", lambda: shell)
    thread_parents.install()
    mended = old._thread_to_parent
    thread_parents.install()
    assert old._thread_to_parent is mended
    assert ancestors(mended, 1) == []
    assert ancestors(mended, 2) == [1]
    assert vars(new) == {}


def test_a_plain_process_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thread_parents, "kernel_shell", lambda: None)
    thread_parents.install()
