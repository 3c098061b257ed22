"""The pure targets guided by coverage, with atheris, where this Python has a wheel of it.

Atheris's loop never returns, so each target runs in a process of its own:
``python -m tests.fuzz.coverage TARGET SECONDS FOLDER``.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2]))

INSTEAD = "atheris is not installed for this Python: run without --atheris for seeded mutations"


def run(seconds: float, names: list[str], finds: Path) -> int:
    """Give each pure target its part of *seconds*; 1 when one found something."""
    if find_spec("atheris") is None:
        print(INSTEAD)
        return 0
    from .targets import PURE

    chosen = [target.name for target in PURE if not names or target.name in names]
    finds.mkdir(parents=True, exist_ok=True)
    found = 0
    for name in chosen:
        command = [
            sys.executable,
            "-m",
            "tests.fuzz.coverage",
            name,
            str(int(seconds / len(chosen))),
            str(finds),
        ]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        last = [
            line for line in done.stderr.splitlines() if line.startswith(("Done ", "stat::number_of_exec"))
        ]
        print(f"{name:20} {'found' if done.returncode else 'nothing found'}  {' '.join(last)}", flush=True)
        if done.returncode:
            print(done.stderr[-3000:] + done.stdout[-3000:])
            found = 1
    return found


def _one(name: str, seconds: str, finds: str) -> None:
    import atheris

    with atheris.instrument_imports(include=["jupyter_agent", "html", "rich"]):
        from .targets import named
    from .dice import ByteRandom, Dice

    with named(name).opened(Path()) as feed:
        atheris.Setup(
            [sys.argv[0], f"-max_total_time={seconds}", "-max_len=4096", f"-artifact_prefix={finds}/"],
            lambda data: feed(Dice(ByteRandom(data))),
        )
        atheris.Fuzz()


if __name__ == "__main__":
    _one(*sys.argv[1:4])
