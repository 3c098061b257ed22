"""All cases as tasks of one real kernel, in each of the three places, and what their durable logs hold."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.captured.case import PLACES, Case, Place
from tests.support.cells import Kernel, kernel

PREPARED = """
import json
import jupyter_agent as ja
from concurrent.futures import ThreadPoolExecutor
from jupyter_agent.core.events import decode_data

END = "this is the end of "
works, tasks, outcomes = {}, {}, {}
pool = ThreadPoolExecutor(2)

def define(name, code):
    notebook = {"__name__": "__main__"}  # each of its own: they use the same names
    exec(code, notebook)
    works[name] = notebook["work"]

def in_turn(group):
    task = ja.current()
    for name, work in group.items():
        work()
        task.flush()  # as at the end of a task
        task.log(END + name)

def start(names, on):
    group = {name: works[name] for name in names}
    work, args = (in_turn, [group]) if len(names) > 1 else (works[names[0]], [])
    try:
        tasks[on, names] = ja.task(work, on=on, name=names[0], show=False).submit(*args)
    except Exception as error:
        outcomes.update({(on, name): {"state": "refused", "error": repr(error)} for name in names})

def run(names, on):
    start(names, on)
    if (on, names) in tasks:
        tasks[on, names].wait(60)

def collect(names, on):
    if (on, names) not in tasks:
        return
    handle = tasks[on, names]
    handle.wait(60)
    rest, kinds = list(names), {"log": [], "progress": [], "display": []}
    for event in handle.events():
        if event.type not in kinds:
            continue
        data = decode_data(event)
        if event.type == "log" and data.text.startswith(END):
            outcomes[on, rest.pop(0)] = held(kinds) | {"state": "completed", "error": ""}
            kinds = {kind: [] for kind in kinds}
        else:
            kinds[event.type].append(data)
    for name in rest:
        outcomes[on, name] = held(kinds) | {"state": handle.state, "error": str(handle.exception())}
        kinds = {kind: [] for kind in kinds}

def held(kinds):
    shown = {data.display_id or number: list(data.data) for number, data in enumerate(kinds["display"])}
    return {
        "log": "".join(log.text + "\\n" * (log.stream == "logging") for log in kinds["log"]),
        "progress": [(data.done, data.total) for data in kinds["progress"]],
        "displays": [types for types in shown.values() if types],
    }
"""

GROUPS = 2
"""Processes for the cases that need none of their own, in each of the two places that have processes."""

RICHEST = ("application/vnd.plotly.v1+json", "text/html", "image/png", "text/plain")
"""MIME types in the order of preference of a view."""

_ESCAPE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""Every control character but the tab and the newline."""


@dataclass
class Seen:
    """What the log of one case holds."""

    state: str
    """Its end state, or ``refused``: it could not be submitted."""
    error: str
    log: str = ""
    progress: list[tuple[float | None, float | None]] = field(default_factory=list)
    displays: list[str] = field(default_factory=list)

    @property
    def lines(self) -> list[str]:
        """The lines that are not empty, without control codes."""
        return [line.rstrip() for line in _ESCAPE.sub("", self.log).split("\n") if line.strip()]

    @property
    def has_codes(self) -> bool:
        return _CONTROL.search(self.log) is not None


def run_all(folder: Path, cases: tuple[Case, ...]) -> dict[tuple[str, Place], Seen]:
    """Run *cases* everywhere; by the name of the case and the place.

    The cells come first, as in a notebook that is run from the top. In the kernel, each case is a task of its
    own, one after the other: pyplot and the like are not made for several threads. In processes, most share
    one, because a start, and the import of a large library, takes a second.
    """
    calls = [(place, names) for place in PLACES for names in _tasks_of(place, cases)]
    with kernel(folder) as started:
        started.run(PREPARED)
        for case in cases:
            started.run(f"define({case.name!r}, {case.code!r})")
        for place, names in calls:
            if place == "detached":
                started.run(f"start({names!r}, 'detached')")
        children = [names for place, names in calls if place == "process"]
        started.run(f"children = [pool.submit(run, names, 'process') for names in {children!r}]")
        for place, names in calls:
            if place == "thread":
                started.run(f"run({names!r}, 'thread')")
        for number in range(len(children)):
            started.run(f"children[{number}].result(60)")
        for place, names in calls:
            started.run(f"collect({names!r}, {place!r})")
        return {(case.name, place): _seen(started, case, place) for case in cases for place in PLACES}


def _tasks_of(place: Place, cases: tuple[Case, ...]) -> Iterator[tuple[str, ...]]:
    """The cases that each task of *place* runs in turn."""
    alone = [case for case in cases if case.alone or place == "thread"]
    shared = [case.name for case in cases if case not in alone]
    size = -(-len(shared) // GROUPS)
    for begin in range(0, len(shared), size or 1):
        yield tuple(shared[begin : begin + size])
    for case in alone:
        yield (case.name,)


def _seen(started: Kernel, case: Case, place: Place) -> Seen:
    found: dict[str, Any] = json.loads(started.value(f"json.dumps(outcomes[{place!r}, {case.name!r}])"))
    found["progress"] = [tuple(pair) for pair in found.get("progress", ())]
    found["displays"] = [_richest(types) for types in found.get("displays", ())]
    return Seen(**found)


def _richest(types: list[str]) -> str:
    return next((kind for kind in RICHEST if kind in types), "".join(types[:1]))
