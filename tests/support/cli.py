"""A producer for tests of the command line."""

from __future__ import annotations

from jupyter_agent.core.events import About, Data, Error, Log, Result, State, TaskState
from jupyter_agent.producer.spool import Spool
from jupyter_agent.producer.spool_folder import header_for
from jupyter_agent.system.ids import new_id
from jupyter_agent.system.paths import DataPaths


class Writer:
    """A producer without a forwarder: alive until `die`, which is what a killed process leaves."""

    def __init__(
        self, paths: DataPaths, journal: str = "default", *, name: str = "train", key: str | None = None
    ) -> None:
        self.spool = Spool.create(paths, header_for(new_id(), journal, 0.0))
        self.task = new_id()
        self.emit("state", State(TaskState.QUEUED, about=About(name, key=key)))
        self.emit("state", State(TaskState.RUNNING))

    def emit(self, kind: str, data: Data) -> None:
        self.spool.append(self.task, 1, kind, data)

    def say(self, text: str) -> None:
        self.emit("log", Log("stdout", text))

    def end(self, to: TaskState = TaskState.COMPLETED) -> None:
        error = (
            Error("ValueError", "no\nway", "Traceback ...\nValueError: no")
            if to is TaskState.FAILED
            else None
        )
        self.emit("state", State(to, error=error, result=Result("42")))

    def die(self) -> None:
        self.spool.close()
