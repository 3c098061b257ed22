"""The long set: its parts, their numbers, and how to run one of them, or one seed, again."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from random import SystemRandom

from tests.faults.backups import backups
from tests.faults.containers import containers
from tests.faults.damage import files, journals
from tests.faults.ends import ends
from tests.faults.going_away import deleted, full
from tests.faults.ids import ids
from tests.faults.kills import kernels, workers
from tests.faults.network import network
from tests.faults.own_code import own_code
from tests.faults.report import WHAT, report, write
from tests.faults.restarts import restarts
from tests.faults.standing import stops
from tests.faults.tally import Say, Tally
from tests.support.servers import Servers, servers

Part = Callable[[Servers, list[int], Say, Path], Tally]

PARTS: dict[str, Part] = {
    "network": lambda factory, seeds, say, _: network(factory.start(), seeds, say),
    "kernels": lambda factory, seeds, say, folder: kernels(factory.start(), seeds, say, folder),
    "workers": lambda factory, seeds, say, folder: workers(factory.start(), seeds, say, folder),
    "servers": restarts,
    "ends": lambda factory, seeds, say, folder: ends(factory.start(), seeds, say, folder),
    "stops": lambda factory, seeds, say, folder: stops(factory.start(), seeds, say, folder),
    "backups": backups,
    "ids": ids,
    "containers": containers,
    "files": lambda factory, seeds, say, _: files(factory, seeds, say),
    "journals": journals,
    "deleted": deleted,
    "full": full,
    "code": own_code,
}
NUMBERS = {
    "network": 1000, "kernels": 200, "workers": 60, "servers": 100, "ends": 100, "stops": 40,
    "backups": 50, "ids": 50, "containers": 50, "files": 200, "journals": 20, "deleted": 50, "full": 50,
    "code": 50,
}  # fmt: skip
"""How many runs of each part the whole set has."""


def run(part: str, seeds: list[int], say: Say, home: Path) -> Tally:
    """One part, with servers and folders of its own below *home*."""
    folder = home / part / "work"
    folder.mkdir(parents=True)
    with servers(home / part / "servers") as factory:
        return PARTS[part](factory, seeds, say, folder)


def main(arguments: list[str]) -> int:
    """Run what *arguments* ask for; 1 when a promise was broken."""
    options = _options(arguments)
    chosen = {part: getattr(options, part) for part in PARTS if getattr(options, part)}
    whole = not chosen
    seed = SystemRandom().randrange(1_000_000) if options.seed is None else options.seed
    for name in [name for name in os.environ if name.startswith(("JUPYTER", "JPY_"))]:
        del os.environ[name]
    tallies = _kept(options.keep)
    with tempfile.TemporaryDirectory(prefix="faults-", ignore_cleanup_errors=True) as folder:
        for part, count in (chosen or NUMBERS).items():
            tally = run(part, list(range(seed, seed + count)), _say, Path(folder))
            tallies.setdefault(part, Tally(part)).merge(tally)
            _keep(options.keep, tallies)
    text = report(tallies, _command(arguments))
    print(text)
    if whole or options.write:
        write(text)
    broken = [one for tally in tallies.values() for one in tally.broken]
    print("\n".join(["", *broken]) if broken else "\nnothing was broken", file=sys.stderr)
    return 1 if broken else 0


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults",
        description="Without a part: all of them, and the report goes into docs/explanation/guarantees.md.",
    )
    for part, number in NUMBERS.items():
        parser.add_argument(f"--{part}", type=int, metavar="N", help=f"{WHAT[part]} (whole set: {number})")
    parser.add_argument("--seed", type=int, help="the first seed; the others follow it")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="add to the counts in this file")
    parser.add_argument("--write", action="store_true", help="write the report into the page all the same")
    return parser.parse_args(arguments)


def _kept(path: Path | None) -> dict[str, Tally]:
    if path is None or not path.exists():
        return {}
    return {part: Tally(**value) for part, value in json.loads(path.read_text()).items()}


def _keep(path: Path | None, tallies: dict[str, Tally]) -> None:
    if path is not None:
        path.write_text(json.dumps({part: tally.encode() for part, tally in tallies.items()}))


def _command(arguments: list[str]) -> str:
    return " ".join(["python -m tests.faults", *arguments]) if arguments else "make faults"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
