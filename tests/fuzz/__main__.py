"""``python -m tests.fuzz``: feed 100,000 inputs to all targets and print what was found.

Each input comes from a seed, a target and a number, so that a find can be fed again alone.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

sys.path.append(str(Path(__file__).parents[2]))  # for the helpers that tests share

from .dice import Dice
from .harness import Found, Target
from .targets import TARGETS, named

INPUTS = 100_000
HANGS = 60
"""Seconds that one input may take."""

MAX_FINDS = 5
"""Finds of one target after which it is left."""

SHARED_MEMORY = Path("/dev/shm")


class Row(NamedTuple):
    """The result of one target."""

    target: str
    inputs: int
    found: int
    seconds: float


def main(argv: list[str]) -> int:
    """The number of finds, as an exit status: 0 or 1."""
    options = _options(argv)
    if options.atheris:
        from . import coverage

        return coverage.run(options.atheris, options.target, options.finds)
    for name in ("JUPYTER_AGENT_DIR", "JUPYTER_AGENT_URL", "JUPYTER_AGENT_JOURNAL", "JPY_PARENT_PID"):
        os.environ.pop(name, None)
    targets = [named(name) for name in options.target] or list(TARGETS)
    total = sum(target.share for target in targets)
    print(f"seed {options.seed}\n\n{'target':20} {'inputs':>8} {'found':>6} {'inputs/s':>9}", flush=True)
    rows = []
    for target in targets:
        count = 1 if options.only is not None else round(options.inputs * target.share / total)
        rows.append(_fuzz(target, count, options))
        _print(rows[-1])
    _print(Row("all", sum(r.inputs for r in rows), sum(r.found for r in rows), sum(r.seconds for r in rows)))
    return int(any(row.found for row in rows))


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=INPUTS, help="how many over all targets")
    parser.add_argument("--seconds", type=float, default=3600.0, help="the most that one target may take")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--target", action="append", default=[], choices=[target.name for target in TARGETS])
    parser.add_argument("--only", type=int, help="feed only the input with this number again")
    parser.add_argument("--finds", type=Path, default=Path("fuzz-finds"), help="where finds are kept")
    parser.add_argument("--atheris", type=float, default=0.0, metavar="SECONDS", help="guided by coverage")
    return parser.parse_args(argv)


def _print(row: Row) -> None:
    speed = row.inputs / row.seconds if row.seconds else 0.0
    print(f"{row.target:20} {row.inputs:8,} {row.found:6} {speed:9,.0f}", flush=True)


def _fuzz(target: Target, count: int, options: argparse.Namespace) -> Row:
    begun = time.monotonic()
    done = found = 0
    numbers = range(count) if options.only is None else [options.only]
    parent = SHARED_MEMORY if SHARED_MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(dir=parent) as folder, ExitStack() as stack:
        try:
            feed = stack.enter_context(target.opened(Path(folder)))
            for number in numbers:
                dice = Dice(random.Random(f"{options.seed}:{target.name}:{number}"))
                done += 1
                try:
                    with _in_time():
                        feed(dice)
                except Exception as error:
                    found += 1
                    _keep(target, number, dice, error, options)
                if found >= MAX_FINDS or time.monotonic() - begun > options.seconds:
                    break
            stack.close()
        except Exception as error:
            found += 1
            _keep(target, done, Dice(random.Random(0)), error, options)
    return Row(target.name, done, found, time.monotonic() - begun)


@contextmanager
def _in_time() -> Iterator[None]:
    def hangs(*_: object) -> None:
        raise Found(f"it takes longer than {HANGS} s")

    before = signal.signal(signal.SIGALRM, hangs)
    signal.alarm(HANGS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _keep(target: Target, number: int, dice: Dice, error: Exception, options: argparse.Namespace) -> None:
    """Save the input and say how to feed it again."""
    options.finds.mkdir(parents=True, exist_ok=True)
    path = options.finds / f"{target.name.replace(' ', '-')}-{options.seed}-{number}.txt"
    again = f"python -m tests.fuzz --target '{target.name}' --seed {options.seed} --only {number}"
    fed = "\n".join(repr(one) for one in dice.fed)
    trace = "".join(traceback.format_exception(error))
    path.write_text(f"{again}\n\n{trace}\n{fed}\n")
    print(
        f"found: {type(error).__name__}: {str(error)[:200]}\n  {path}\n  {again}", file=sys.stderr, flush=True
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
