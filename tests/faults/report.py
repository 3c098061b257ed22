"""The report of a long run as Markdown, and its place in the documentation."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from tests.faults.tally import Tally

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "guarantees.md"
BEGIN, END = "<!-- faults: begin -->", "<!-- faults: end -->"
WHAT = {
    "network": "network schedules",
    "kernels": "kernels killed",
    "workers": "workers killed",
    "servers": "servers killed",
    "ends": "processes ended in order",
    "stops": "processes stopped and continued",
    "backups": "tasks that read all files",
    "ids": "restarts while ids are asked for",
    "containers": "containers of one home",
    "files": "spools damaged",
    "journals": "journals damaged",
    "deleted": "files deleted in use",
    "full": "disks full for spools and journal",
    "code": "kernels that run people's own code",
}
"""The parts in the order of the report, and what one run of each is."""

CHECKED = {
    "network": """two subscribers and the journal have each event once, in order, with one end; a third
subscriber follows everything for the whole time and has it too; commands to the task meanwhile reached it
once, in order; no line at WARNING or above in the log, none on the standard error of producers; no
exception that was never retrieved""",
    "kernels": """each line that was logged is there once, in order; one end, `interrupted`; no line of
this package at WARNING or above""",
    "workers": "the same, for tasks in processes of their own, a few killed with their parent",
    "servers": """the same for scripts that continue meanwhile and for a kernel that ends with its server;
two subscribers applied exactly what the journal has and never had to start over""",
    "ends": """each line whose `log` had returned is there once, in order; the only end is the last event,
with the right reason; scripts say on standard error that their task is interrupted, and nothing else""",
    "stops": """all other tasks continued meanwhile, no process was given up, and in the end each log is
complete""",
    "backups": """a task that archives, hashes or searches the whole data folder while it logs, without
a server and with one: it stays `running`, a second submit with its key attaches, and each line is there
once""",
    "ids": """every id is known as soon as its `submit` has returned (threads, processes, detached), to each
HTTP address, to a subscription and to the command line; emitted are the tasks, delivered the answers""",
    "containers": """two or three servers in namespaces of their own, with one host name, one process number
and one home: each kernel finds the journal of its own server; when servers end, scripts find one of those
that are left""",
    "files": """untouched records are there, unchanged, once; damage is named by `lost` where a sound
record follows it; the server starts, and logs nothing at WARNING or above""",
    "journals": "the server starts without a traceback, and the next task's log is complete",
    "deleted": """what was deleted is made again while a script logs, and health says so; then server and
script are killed, and each line that was logged is there once, in order""",
    "full": """a script ends or is killed while nothing can be written; health says so, and once there is
room, each line is there once, in order, the end is right, and health is `ok` again""",
    "code": """in `process` and `detached`: lines of threads and pools are in the log, a tqdm that is
imported first inside of the function is followed, forked pools end, a tracked loop that awaits and one that
forgives every exception are cancelled where they are; the kernel lives on""",
}
HEAD = """\
| what | runs | emitted | delivered | lost | doubled | broken | recovery p50 / p99 / longest | seeds |
|---|---|---|---|---|---|---|---|---|"""
LEGEND = """\
*Emitted* counts events (lines, where processes are killed), *delivered* everything that the journal and the
subscribers were compared with (one line more than was written down: its `emit` had just returned). *Lost* is
what is missing without having been damaged on purpose. *Recovery*: seconds from the end of the fault until
every reader had every event."""


def report(tallies: dict[str, Tally], command: str) -> str:
    """The report of a run with *command*."""
    ran = [tallies[part] for part in WHAT if part in tallies]
    lines = [f"`{command}` on {_machine()}, {sum(t.seconds for t in ran) / 60:.1f} minutes:", ""]
    lines += [HEAD, *map(_row, ran), "", LEGEND, ""]
    for tally in ran:
        faults = ", ".join(f"{times:,} x {fault}" for fault, times in sorted(tally.faults.items()))
        checked = " ".join(CHECKED[tally.part].split())
        lines.append(f"- **{WHAT[tally.part].capitalize()}**: {checked}. Faults: {faults}.")
    return "\n".join(lines)


def _row(tally: Tally) -> str:
    times = tally.percentiles()
    recovery = " / ".join(f"{seconds:.2f}" for seconds in times) if times else "-"
    seeds = f"{min(tally.seeds)}-{max(tally.seeds)}" if tally.seeds else "-"
    return (
        f"| {WHAT[tally.part]} | {tally.runs:,} | {tally.emitted:,} | {tally.delivered:,} | {tally.lost} "
        f"| {tally.doubled} | {len(tally.broken)} | {recovery} | {seeds} |"
    )


def _machine() -> str:
    return f"Python {platform.python_version()}, {platform.system()}, {os.cpu_count()} cores"


def write(text: str, page: Path = PAGE) -> None:
    """Put the report between its two marks in the page."""
    before, _, rest = page.read_text().partition(BEGIN)
    _, mark, after = rest.partition(END)
    assert mark, f"{page} has no place for the report"
    page.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")
