"""Command line of the benchmarks: ``python -m tests.benchmarks [NAME ...] [--long] [--print]``.

Every subject is a module; one that fails is named, the others go on, and the exit status says so.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
import traceback
from types import FrameType

from . import page
from .registry import SUBJECTS, Result, Subject
from .rows import summary


def main(arguments: list[str]) -> int:
    signal.signal(signal.SIGTERM, _stop)
    asked = _asked(arguments)
    print(page.machine(), flush=True)
    found = {}
    for name in asked.names or SUBJECTS:
        result = _measure(SUBJECTS[name], long=asked.long)
        if result is not None:
            found[name] = result
            if not asked.print:
                page.write(name, result)
    rows = [row for result in found.values() for row in result.rows]
    if rows:
        print(f"\n{summary(rows)}", flush=True)
    if len(found) == len(SUBJECTS) and not asked.print:
        page.write("summary", Result(summary(rows)))
    return 0 if len(found) == len(asked.names or SUBJECTS) else 1


def _measure(subject: Subject, *, long: bool) -> Result | None:
    print(f"\n## {subject.name}\n", flush=True)
    start = time.monotonic()
    try:
        result = subject.measure(long)
    except Exception:  # the other subjects are measured all the same
        traceback.print_exc()
        print(f"\n{subject.name} was not measured", file=sys.stderr, flush=True)
        return None
    print(f"{result.text}\n\n({time.monotonic() - start:.0f} s)", flush=True)
    return result


def _asked(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(SUBJECTS)}; none: all")
    parser.add_argument("--long", action="store_true", help="a journal of ten million events, too")
    parser.add_argument("--print", action="store_true", help="print only; leave the page and the plots alone")
    asked = parser.parse_args(arguments)
    for name in asked.names:
        if name not in SUBJECTS:
            parser.error(f"there is no subject {name!r}; there are {', '.join(SUBJECTS)}")
    return asked


def _stop(_number: int, _frame: FrameType | None) -> None:
    """So that what was started is ended, too."""
    raise SystemExit(143)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
