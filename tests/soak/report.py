"""The report of a soak: the journal beside what was emitted and delivered, and a table."""

from __future__ import annotations

import platform
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from jupyter_agent.core.events import Lost, decode_data, decode_event
from jupyter_agent.journal.base import StoredEvent
from jupyter_agent.journal.sqlite.journal import SQLiteJournal
from jupyter_agent.system.ids import new_id
from tests.soak.audience import Auditor
from tests.soak.figures import MIB, RSS_ROOM, Line, Sample, Tally, holes, is_steep, repeats, rss_line
from tests.soak.run import Rest, Soak
from tests.support.servers import loud, loud_of_ours

PAGE = 5000
_FORGOTTEN = re.compile(r"never (retrieved|awaited)|was destroyed")
_STAMP = re.compile(r"^\[\w [-\d]+ [:.\d]+ ")


def tally(soak: Soak) -> Tally:
    """Compare the journal, whose server has stopped, with what kernels emitted and readers were given."""
    found = Tally()
    numbers: dict[str, list[int]] = defaultdict(list)
    named: dict[str, list[tuple[int, int]]] = defaultdict(list)
    kept: dict[int, bool] = {}
    for stored in _journal(soak):
        event = decode_event(stored.encoded)
        numbers[event.producer].append(event.n)
        kept[stored.offset] = stored.type == "progress"
        if stored.type == "lost" and isinstance(lost := decode_data(event), Lost):
            named[event.producer].append((lost.first, lost.last))
            found.lost += lost.last - lost.first + 1
    for producer, ns in numbers.items():
        last = max(soak.ledger_of.get(producer, 0), *ns)
        found.emitted += last
        found.committed += len(set(ns))
        found.doubled += repeats(ns)
        found.lost += holes(ns, last, named[producer])
    for auditor in soak.auditors:
        _audit(auditor, kept, found)
    return found


def _journal(soak: Soak) -> Iterator[StoredEvent]:
    path = soak.server.agent / "journals" / "default" / "journal.sqlite"
    journal = SQLiteJournal(path, new_id(), new_id())
    try:
        after = 0
        while page := journal.read(after, PAGE):
            yield from page
            after = page[-1].offset
    finally:
        journal.close()


def _audit(auditor: Auditor, kept: dict[int, bool], found: Tally) -> None:
    """Each event once and in order, but for progress that a later one superseded."""
    seen = set(auditor.offsets)
    found.delivered += len(auditor.offsets)
    found.doubled += repeats(auditor.offsets)
    found.missed += sum(1 for offset, superseded in kept.items() if offset not in seen and not superseded)
    found.disordered += sum(a > b for a, b in zip(auditor.offsets, auditor.offsets[1:], strict=False))


@dataclass
class Report:
    """Everything that was found, and what of it is not as it should be."""

    soak: Soak
    warm_up: float
    seconds: float
    before: Rest
    after: Rest
    tally: Tally
    log: str

    @property
    def server(self) -> Line:
        return rss_line([here for here, _ in self.soak.samples])

    @property
    def kernel(self) -> Line:
        return rss_line([there for _, there in self.soak.samples])

    @property
    def faults(self) -> list[str]:
        """One sentence for each thing that did not go back to where it was."""
        found = self.after.above(self.before)
        growths = (("server", self._server_growth, self.server), ("kernel", self._kernel_growth, self.kernel))
        for who, growth, line in growths:
            if growth > RSS_ROOM and is_steep(line):
                found.append(f"the {who} grew by {growth:.1f} MiB, {line} MiB an hour")
        for word in ("lost", "doubled", "missed", "disordered"):
            if count := getattr(self.tally, word):
                found.append(f"{count} events were {word}")
        if self.own_lines:
            found.append(f"the log has {len(self.own_lines)} loud lines, the first: {self.own_lines[0]}")
        return found

    @property
    def _server_growth(self) -> float:
        return (self.after.server.rss - self.before.server.rss) / MIB

    @property
    def _kernel_growth(self) -> float:
        return (self.after.kernel["rss"] - self.before.kernel["rss"]) / MIB

    @property
    def changes(self) -> list[str]:
        """Of which objects in the server there are more or fewer than before, and how many."""
        then, now = self.before.server.objects, self.after.server.objects
        names = sorted(name for name in {*then, *now} if then.get(name, 0) != now.get(name, 0))
        return [f"{name}: {then.get(name, 0)}, then {now.get(name, 0)}" for name in names]

    @property
    def loud_lines(self) -> list[str]:
        """Return the log lines at WARNING or above, Jupyter's own about dying kernels included."""
        return loud(self.log)

    @property
    def own_lines(self) -> list[str]:
        """Return those of this package, and asyncio's about tasks whose exception was never retrieved."""
        ours = set(loud_of_ours(self.log))
        return [line for line in loud(self.log) if line in ours or _FORGOTTEN.search(line)]

    def __str__(self) -> str:
        return "\n".join([*self._head(), "", *self._table(), "", *self._events(), "", self.verdict])

    @property
    def verdict(self) -> str:
        """One sentence a fault, or that there is none."""
        return "\n".join(f"**{fault}**" for fault in self.faults) or "Everything went back to where it was."

    def _head(self) -> list[str]:
        soak = self.soak
        turns = [kernel.told.get("turns", 0) for kernel in (soak.steady, soak.restarted)]
        spent = (
            f"Python {platform.python_version()}, {platform.system()}: {self.warm_up:.0f} s of warm-up, "
            f"then {self.seconds:.0f} s of load, {len(soak.samples)} samples."
        )
        people = (
            f"Two kernels, one of them restarted {soak.restarted.restarts} times; "
            f"{turns[0]} tasks in the other; {soak.killed} scripts killed."
        )
        return [spent, people]

    def _table(self) -> list[str]:
        here, there = [s for s, _ in self.soak.samples], [s for _, s in self.soak.samples]
        before, after = self.before.server.totals, self.after.server.totals
        rows = [
            ("server: RSS at rest, MiB", self.before.server.rss / MIB, self.after.server.rss / MIB),
            *((f"server: {name} at rest", before[name], after[name]) for name in before),
            ("kernel: RSS at rest, MiB", self.before.kernel["rss"] / MIB, self.after.kernel["rss"] / MIB),
            *(
                (f"kernel: {name} at rest", self.before.kernel[name], self.after.kernel[name])
                for name in ("threads", "descriptors")
            ),
        ]
        lines = ["| what | before | after | highest under load |", "|---|---|---|---|"]
        highest = _highest(here, there)
        for name, then, now in rows:
            most = highest.get(name.removesuffix(" at rest").replace(" at rest,", ","))
            lines.append(f"| {name} | {_show(then)} | {_show(now)} | {_show(most)} |")
        return [*lines, "", "| slope under load | MiB an hour |", "|---|---|", *self._slopes()]

    def _slopes(self) -> list[str]:
        last = len(self.soak.samples) // 2
        halves = [
            rss_line([s for s, _ in part]) for part in (self.soak.samples[:last], self.soak.samples[last:])
        ]
        journals, spools = zip(*self.soak.sizes, strict=True)
        sizes = (
            f"Journal {journals[0] / MIB:.1f} MiB, at the end {journals[-1] / MIB:.1f} MiB (nothing is old "
            f"enough to be forgotten); spools {spools[0] / MIB:.1f} MiB, at the end {spools[-1] / MIB:.1f} "
            f"MiB, at most {max(spools) / MIB:.1f} MiB."
        )
        return [
            f"| server | {self.server} (first half {halves[0]}, second half {halves[1]}) |",
            f"| kernel | {self.kernel} |",
            "",
            sizes,
        ]

    def _events(self) -> list[str]:
        found = self.tally
        events = (
            f"{found.emitted:,} events emitted, {found.committed:,} committed, {found.lost} lost, "
            f"{found.doubled} doubled; {found.delivered:,} delivered to {len(self.soak.auditors)} readers, "
            f"{found.missed} missed, {found.disordered} out of order."
        )
        ours, others = len(self.own_lines), Counter(map(_worded, self.loud_lines))
        lines = f"Log lines at WARNING or above: {len(self.loud_lines)}, of this package {ours}."
        return [events, lines, *(f"- {count} times: {words}" for words, count in others.most_common())]


def _worded(line: str) -> str:
    """A line of the log without its time."""
    return _STAMP.sub("[", line)[:160]


def _highest(here: list[Sample], there: list[Sample]) -> dict[str, float]:
    found: dict[str, float] = {}
    for who, samples in (("server", here), ("kernel", there)):
        found[f"{who}: RSS, MiB"] = max(s.rss for s in samples) / MIB
        found[f"{who}: threads"] = max(s.threads for s in samples)
        found[f"{who}: descriptors"] = max(s.descriptors for s in samples)
        found[f"{who}: tasks"] = max(s.tasks for s in samples)
    return found


def _show(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.1f}" if isinstance(value, float) and not value.is_integer() else f"{value:.0f}"
