"""The tests on each Python of this machine, with the newest and the lowest versions of the dependencies.

python tools/test_all.py                     every Python, both; prints a table
python tools/test_all.py --keep --python 3.13 --dependencies newest tests/unit
    one part; the environment is used again, and the table adds up the newest results of all parts
python tools/test_all.py --in-turn 200 tests/unit tests/contract
    one Python other than the running one, the newest dependencies, at most 200 seconds of tests

`make test-all PART="--keep …"` and `make test-in-turn` also say which tools the tests need (``--tools``).

The exit status is 1 if a test failed. With ``--in-turn`` the commit chooses the Python; a machine that has
no other one, cannot install for it or takes longer is no failure: the output says so.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import signal
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lower_bounds import PYPROJECT, lower_bounds
from pythons import ROOT, claimed, found

TESTS = ("tests/unit", "tests/contract", "tests/integration", "tests/notebooks")
DEPENDENCIES = ("newest", "lowest")
ENVIRONMENTS = ROOT / ".test-all"
SIDE_BY_SIDE = ("-n", "auto", "--maxprocesses", "4", "--dist", "loadfile", "--no-loadscope-reorder")
MAX_NAME = 100
"""Characters of a report's name before it is shortened."""
INSTALL_SECONDS = 300
"""At most so long is installed with ``--in-turn``."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table. *problem* says why results are missing."""

    python: str
    dependencies: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    problem: str = ""

    def __str__(self) -> str:
        start = f"{self.python:<8}{self.dependencies:<14}"
        if not self.seconds:
            return f"{start}{self.problem}"
        numbers = f"{self.passed:>7}{self.failed:>8}{self.skipped:>9}{self.seconds:>9.0f}"
        return f"{start}{numbers}  {self.problem}".rstrip()


HEAD = f"{'Python':<8}{'dependencies':<14}{'passed':>7}{'failed':>8}{'skipped':>9}{'seconds':>9}"


def folder_of(version: str, dependencies: str) -> Path:
    """Return the environment's folder, which also has the reports of its tests."""
    return ENVIRONMENTS / f"{version}-{dependencies}"


def prepare(folder: Path, python: str, arguments: argparse.Namespace) -> None:
    """Install the package and the tools into *folder*, which is emptied first unless it is to be kept.

    Raises `CalledProcessError`, `TimeoutExpired`.
    """
    here, limit = folder / "bin" / "python", INSTALL_SECONDS if arguments.in_turn else None
    if not (arguments.keep and here.exists()):
        subprocess.run(["sh", str(ROOT / "tools" / "make-venv.sh"), str(folder), python], check=True)
    pip = [str(here), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if folder.name.endswith("-lowest"):
        constraints = folder / "constraints.txt"
        bounds = lower_bounds(PYPROJECT.read_text("utf-8"))
        constraints.write_text("".join(f"{name}=={bound}\n" for name, bound in bounds.items()), "utf-8")
        pip += ["-c", str(constraints)]
    subprocess.run([*pip, "-e", str(ROOT), *arguments.tools.split()], check=True, timeout=limit)


def counts(reports: Iterable[str]) -> dict[str, float]:
    """Return how many tests passed, failed and were skipped, and in how many seconds, by JUnit's XML."""
    suites = [suite for report in reports for suite in ET.fromstring(report).iter("testsuite")]
    keys = ("tests", "failures", "errors", "skipped", "time")
    sums = {key: sum(float(suite.get(key, 0)) for suite in suites) for key in keys}
    failed = sums["failures"] + sums["errors"]
    return {
        "passed": int(sums["tests"] - failed - sums["skipped"]),
        "failed": int(failed),
        "skipped": int(sums["skipped"]),
        "seconds": sums["time"],
    }


def ended(command: list[str], limit: float | None, grace: float = 20) -> int | None:
    """Return the exit status; ``None`` after *limit* seconds.

    Then *command* is interrupted, as by Ctrl-C, and killed with its children after *grace* seconds.
    """
    with subprocess.Popen(command, cwd=ROOT, start_new_session=True) as process:
        try:
            return process.wait(limit)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(grace)
            return None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def result(version: str, dependencies: str, problem: str = "") -> Row:
    """Return the row of everything that an environment has reports of."""
    reports = sorted(folder_of(version, dependencies).glob("*.xml"))
    found: dict[str, Any] = counts(path.read_text("utf-8") for path in reports)
    return Row(version, dependencies, **found, problem=problem)


def report_name(tests: list[str]) -> str:
    """Return the name of the report of *tests*; of many tests it ends in a digest."""
    name = "+".join(tests).replace("/", "-")
    if len(name) > MAX_NAME:
        digest = hashlib.sha256(name.encode()).hexdigest()[:12]
        name = f"{name[:MAX_NAME]}-{digest}"
    return f"{name}.xml"


def run(version: str, dependencies: str, tests: list[str], limit: float | None) -> Row:
    """Run *tests* for at most *limit* seconds; with a limit, the first failure ends them."""
    folder = folder_of(version, dependencies)
    report = folder / report_name(tests)
    report.unlink(missing_ok=True)
    pytest = [str(folder / "bin" / "python"), "-m", "pytest", "-q", "-m", "not alone", *SIDE_BY_SIDE]
    status = ended([*pytest, f"--junit-xml={report}", *(["-x"] if limit else []), *tests], limit)
    if status is None:
        return result(version, dependencies, f"not finished in {limit:.0f} s")
    if not report.exists():
        return Row(version, dependencies, failed=1, problem=f"pytest ended with {status}, without a report")
    return result(version, dependencies)


def row(version: str, python: str, dependencies: str, arguments: argparse.Namespace) -> Row:
    """Make an environment and run the tests in it."""
    print(f"\n--- Python {version}, {dependencies} dependencies: {' '.join(arguments.tests)}", flush=True)
    try:
        prepare(folder_of(version, dependencies), python, arguments)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        failed = 0 if arguments.in_turn else 1
        return Row(version, dependencies, failed=failed, problem=f"cannot be installed: {error}"[:200])
    return run(version, dependencies, arguments.tests, arguments.in_turn)


def in_turn(pythons: dict[str, str], commit: str, running: str) -> str | None:
    """Return the version whose turn it is for *commit* (hexadecimal); ``None`` if only *running* is there."""
    others = sorted(set(pythons) - {running})
    return others[int(commit[:12], 16) % len(others)] if others else None


def rows_in_turn(arguments: argparse.Namespace, pythons: dict[str, str]) -> list[Row]:
    """Run the tests on one other Python, if there is one."""
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True)
    version = in_turn(pythons, head.stdout.strip(), "{}.{}".format(*sys.version_info[:2]))
    if version is None:
        print("this machine has no other Python that the package supports")
        return []
    return [row(version, pythons[version], "newest", arguments)]


def rows_of_all(arguments: argparse.Namespace, pythons: dict[str, str]) -> list[Row]:
    """Run the tests with each of *pythons*; the rows of other environments are those of earlier parts."""
    which = [arguments.dependencies] if arguments.dependencies else DEPENDENCIES
    pairs = [(version, each) for version in pythons for each in which]
    rows = {(version, each): row(version, pythons[version], each, arguments) for version, each in pairs}
    if arguments.keep:
        names = {path.parent.name.partition("-") for path in ENVIRONMENTS.glob("*/*.xml")}
        earlier = {(version, dependencies) for version, _, dependencies in names} - set(rows)
        rows |= {pair: result(*pair) for pair in earlier}
    return [rows[pair] for pair in sorted(rows, key=lambda pair: (pair[0], pair[1] == "lowest"))]


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tests", nargs="*", default=list(TESTS))
    parser.add_argument("--python", action="append", help="only this version; may be repeated")
    parser.add_argument("--dependencies", choices=DEPENDENCIES, help="only these")
    parser.add_argument("--keep", action="store_true", help="keep environments and results of earlier parts")
    parser.add_argument("--in-turn", type=float, metavar="SECONDS")
    parser.add_argument("--tools", default="pytest pytest-asyncio pytest-timeout pytest-xdist")
    arguments = parser.parse_args(words)
    versions = arguments.python or claimed(PYPROJECT.read_text("utf-8"))
    pythons = found(versions)
    rows = rows_in_turn(arguments, pythons) if arguments.in_turn else rows_of_all(arguments, pythons)
    if not arguments.in_turn:
        missing = [version for version in versions if version not in pythons]
        rows += [Row(version, "-", problem="not on this machine") for version in missing]
    print("", HEAD, *rows, sep="\n")
    return 1 if any(each.failed for each in rows) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
