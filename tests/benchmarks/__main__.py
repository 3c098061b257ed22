"""``python -m tests.benchmarks [NAME ...]``: measure and print the table."""

from __future__ import annotations

import os
import platform
import sys

from . import emit, fanout, ingest, loops
from .harness import HEAD

MEASUREMENTS = {
    "loops": loops.measure,
    "calls": emit.calls,
    "acks": emit.acks,
    "latency": fanout.latency,
    "burst": fanout.burst,
    "ingest": ingest.measure,
    "replay": fanout.replay,
    "memory": fanout.memory,
    "imports": emit.imports,
}


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in MEASUREMENTS]
    if unknown:
        print(f"no measurement called {unknown[0]!r}; there are {', '.join(MEASUREMENTS)}", file=sys.stderr)
        return 2
    print(
        f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.system()}\n\n{HEAD}",
        flush=True,
    )
    for name in names or MEASUREMENTS:
        for row in MEASUREMENTS[name]():
            print(row, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
