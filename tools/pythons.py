"""The Pythons of this machine that the package supports, by the classifiers in pyproject.toml."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYENV = Path.home() / ".pyenv" / "versions"
_PREFIX = "Programming Language :: Python :: "
_ASK = "import ctypes, ensurepip, sqlite3, sys, venv; print('%d.%d' % sys.version_info[:2])"


def claimed(pyproject: str) -> list[str]:
    """Return the minor versions among the classifiers, such as ``3.11``, in their order."""
    classifiers = tomllib.loads(pyproject)["project"]["classifiers"]
    names = [name.removeprefix(_PREFIX) for name in classifiers if name.startswith(_PREFIX)]
    return [name for name in names if re.fullmatch(r"3\.\d+", name)]


def found(versions: list[str], pyenv: Path = PYENV) -> dict[str, str]:
    """Return an interpreter that can make virtual environments for each of *versions* that has one."""
    pairs = ((version, _first_that_runs(version, pyenv)) for version in versions)
    return {version: python for version, python in pairs if python is not None}


def _first_that_runs(version: str, pyenv: Path) -> str | None:
    return next((python for python in _candidates(version, pyenv) if _version_of(python) == version), None)


def _candidates(version: str, pyenv: Path) -> Iterator[str]:
    on_path = shutil.which(f"python{version}")
    if on_path is not None:
        yield on_path
    yield from (str(folder / "bin" / "python") for folder in sorted(pyenv.glob(f"{version}.*"), reverse=True))


def _version_of(python: str) -> str | None:
    try:
        done = subprocess.run([python, "-c", _ASK], capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
