"""A kernel keeps no result of a task once its handles are gone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.builders import until
from tests.support.kernels import execute
from tests.support.servers import servers

CELL = """
import gc, json, os, time, weakref
from concurrent.futures import ProcessPoolExecutor
import jupyter_agent as ja

class Thing:
    pass

def makes():
    return Thing()

def fails():
    thing = Thing()
    things.append(weakref.ref(thing))
    raise ValueError("with a frame that has a thing")

things = []
def left(function, **options):
    things.clear()
    handles = [ja.task(function, **options).submit() for _ in range(5)]
    for handle in handles:
        handle.wait(20)
        if function is makes:
            things.append(weakref.ref(handle.result()))
    assert len(things) == 5
    del handle, handles
    until = time.monotonic() + 5  # the last view is refreshed for a second more
    while any(thing() for thing in things) and time.monotonic() < until:
        gc.collect()
        time.sleep(0.05)
    return len([thing for thing in things if thing() is not None])

pool = ProcessPoolExecutor(1)
found = {
    "quiet": left(makes, show=False),
    "shown": left(makes, show=True),
    "failed": left(fails, show=False),
    "elsewhere": left(makes, show=False, on=pool),
}
pool.shutdown()
with open(path + ".new", "w") as file:
    json.dump(found, file)
os.replace(path + ".new", path)
"""


@pytest.mark.timeout(90)
def test_results_and_errors_are_freed_with_the_last_handle(tmp_path: Path) -> None:
    answer = tmp_path / "found.json"
    with servers(tmp_path / "servers") as some:
        server = some.start()
        execute(server, server.start_kernel(), f"path = {str(answer)!r}\n{CELL}")
        until(answer.exists, 60)
    assert json.loads(answer.read_text()) == {"quiet": 0, "shown": 0, "failed": 0, "elsewhere": 0}
