"""Commit listeners: which readers to notify of a commit, by the tasks in it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Protocol


class CommitListener(Protocol):
    """What the feed notifies of commits."""

    def on_commit(self, previous: int) -> None:
        """Note that events of its tasks may follow offset *previous*, the head until now."""


@dataclass(slots=True)
class ListenerIndex:
    """The listeners of each task, and of all tasks."""

    _tasks: dict[CommitListener, frozenset[str] | None] = field(default_factory=dict)
    _of_all: dict[CommitListener, None] = field(default_factory=dict)
    _of_task: dict[str, dict[CommitListener, None]] = field(default_factory=dict)

    def add(self, listener: CommitListener, tasks: frozenset[str] | None) -> None:
        """Add *listener* for *tasks* (``None``: any task), in place of the tasks it had before."""
        self.remove(listener)
        self._tasks[listener] = tasks
        if tasks is None:
            self._of_all[listener] = None
        else:
            for task in tasks:
                self._of_task.setdefault(task, {})[listener] = None

    def remove(self, listener: CommitListener) -> None:
        """Remove *listener*. Idempotent."""
        self._of_all.pop(listener, None)
        for task in self._tasks.pop(listener, None) or ():
            of_task = self._of_task[task]
            del of_task[listener]
            if not of_task:
                del self._of_task[task]

    def of(self, tasks: Collection[str] | None) -> list[CommitListener]:
        """Return the listeners of *tasks*, each once; all of them for ``None``."""
        if tasks is None:
            return list(self._tasks)
        named = (self._of_task[task] for task in tasks if task in self._of_task)
        return list(self._of_all) + list(dict.fromkeys(one for of_task in named for one in of_task))
