"""Looks at what running tasks use: one for views that ask together, and none waits for another process."""

from __future__ import annotations

import asyncio
import os
import threading

import pytest

from jupyter_agent.core.events import TaskState
from jupyter_agent.core.task import Task
from jupyter_agent.detached.observed.task_process import UNKNOWN, Resources, TaskProcess
from jupyter_agent.server import resources as module
from jupyter_agent.server.resources import ResourceSampler
from jupyter_agent.system.paths import DataPaths
from jupyter_agent.system.resources.process_tree import Sample


def running(producer: str) -> Task:
    return Task("01JTASK00000000000000000AA", state=TaskState.RUNNING, producer=producer)


@pytest.mark.asyncio
async def test_views_that_ask_together_get_the_same_reading(
    paths: DataPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str | None] = []

    def process_of(_: DataPaths, task: Task) -> TaskProcess | None:
        looked.append(task.producer)
        return TaskProcess(os.getpid(), "process")

    monkeypatch.setattr(module, "process_of", process_of)
    monkeypatch.setattr(module, "sample_process", lambda _: Sample(1.0, {}, 0))
    monkeypatch.setattr(module, "resources_between", lambda *_: Resources("process", 1))
    sampler = ResourceSampler(paths, clock=lambda: 1.0)
    first, second = await asyncio.gather(sampler.read(running("one")), sampler.read(running("one")))
    assert first is second
    assert looked == ["one"]


@pytest.mark.asyncio
async def test_a_slow_look_at_one_process_keeps_no_other_waiting(
    paths: DataPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow_looks, go_on = threading.Event(), threading.Event()
    looked: list[str | None] = []

    def process_of(_: DataPaths, task: Task) -> TaskProcess | None:
        looked.append(task.producer)
        if task.producer == "slow":
            slow_looks.set()
            assert go_on.wait(20)
        return None

    monkeypatch.setattr(module, "process_of", process_of)
    sampler = ResourceSampler(paths)
    slow = asyncio.create_task(sampler.read(running("slow")))
    assert await asyncio.to_thread(slow_looks.wait, 20)
    assert await asyncio.wait_for(sampler.read(running("quick")), 10) == UNKNOWN
    assert not slow.done()
    go_on.set()
    assert await slow == UNKNOWN
    assert set(looked) == {"quick", "slow"}
