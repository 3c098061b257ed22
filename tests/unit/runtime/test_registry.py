"""The registry of a process's tasks."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from jupyter_agent.core.task import Task
from jupyter_agent.runtime.task import registry
from jupyter_agent.runtime.task.registry import Registry


class Producer:
    """Notes whose commands it no longer takes."""

    def __init__(self) -> None:
        self.forgotten: list[str] = []

    def forget_command(self, task: str) -> None:
        self.forgotten.append(task)


def task_of(producer: Producer, ident: str) -> Any:
    return SimpleNamespace(id=ident, producer=producer, fold=Task(ident), abandon=lambda: None)


def test_the_oldest_ended_task_is_forgotten_by_its_own_producer(monkeypatch: Any) -> None:
    monkeypatch.setattr(registry, "MAX_KEPT", 1)
    known, first, second = Registry[Any](), Producer(), Producer()
    known.mark_ended(task_of(first, "old"))
    known.mark_ended(task_of(second, "new"))
    assert (first.forgotten, second.forgotten) == (["old"], [])
    assert known.get("old") is None
    assert known.get("new") is not None
