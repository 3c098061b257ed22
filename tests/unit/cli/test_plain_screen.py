"""Plain lines of a watched task."""

from __future__ import annotations

import pytest

from jupyter_agent.cli.watch.model import Row
from jupyter_agent.cli.watch.plain_screen import PlainScreen
from jupyter_agent.core.events import Stopping, TaskState
from jupyter_agent.core.task import Task
from tests.support.builders import TASK, event


def test_code_that_catches_an_interrupt_is_running_again(capsys: pytest.CaptureFixture[str]) -> None:
    screen, row = (
        PlainScreen(),
        Row(Task(TASK, name="train", state=TaskState.RUNNING, attempt=1, events=1), "j"),
    )
    for n, resumed in ((1, False), (2, True)):
        said = event(n, "stopping", Stopping("cancel", note=None if resumed else "Ctrl-C", resumed=resumed))
        row.task.apply(said)
        screen.event(row, said)
    lines = [line.partition(" | ")[2] for line in capsys.readouterr().out.splitlines()]
    assert lines == ["cancelling: Ctrl-C", "running"]
