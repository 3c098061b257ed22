"""Command line of the soak test: load for ``SOAK_SECONDS`` (1800), and report what grew.

The exit status is 1 when something did. ``SOAK_SEED`` chooses who comes and goes when.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.soak.census import census_options
from tests.soak.report import Report, tally
from tests.soak.run import Soak
from tests.support.servers import servers

SECONDS = float(os.environ.get("SOAK_SECONDS", "1800"))
SEED = int(os.environ.get("SOAK_SEED", time.time_ns() % 1_000_000))


def soak(home: Path, warm_up: float, seconds: float) -> Report:
    """One run below *home*."""
    with servers(home / "servers") as some:
        server = some.start(**census_options("--JupyterAgent.heartbeat_seconds=5"))
        running = Soak(server, home, random.Random(SEED))
        before, after = asyncio.run(running.run(warm_up, seconds))
        server.stop()
        return Report(running, warm_up, seconds, before, after, tally(running), server.log_text())


def main() -> int:
    """Run, print, and say whether everything went back to where it was."""
    warm_up = max(10.0, SECONDS / 6)
    print(f"SOAK_SEED={SEED}", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(prefix="ja-soak-", ignore_cleanup_errors=True) as name:
        home = Path(name)
        os.environ["HOME"] = name
        report = soak(home, warm_up, max(10.0, SECONDS - warm_up))
        print(report)
        for line in report.changes:
            print(line, file=sys.stderr)
    for fault in report.faults:
        print(fault, file=sys.stderr)
    return 1 if report.faults else 0


if __name__ == "__main__":
    sys.exit(main())
