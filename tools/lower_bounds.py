"""Constraints for pip: each dependency of the package at exactly its lower bound in pyproject.toml.

Usage: lower_bounds.py [--check] > constraints.txt. With ``--check``, the environment that runs this must
have exactly these versions; every one that differs is named.
"""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"
_BOUND = re.compile(r"(?P<name>[A-Za-z0-9._-]+)>=(?P<bound>[0-9][0-9.]*)\Z")


def lower_bounds(pyproject: str) -> dict[str, str]:
    """Return name and lower bound of each dependency. Raises `ValueError` for one that has none."""
    bounds = {}
    for requirement in tomllib.loads(pyproject)["project"]["dependencies"]:
        found = _BOUND.match(requirement)
        if found is None:
            raise ValueError(f"{requirement!r} is not of the form name>=version")
        bounds[found["name"]] = found["bound"]
    return bounds


def differences(bounds: dict[str, str]) -> list[str]:
    """Return a line for each installed version that is not the bound."""
    pairs = [(name, bound, version(name)) for name, bound in bounds.items()]
    return [f"{name} is {found}, not {bound}" for name, bound, found in pairs if not _same(bound, found)]


def _same(one: str, other: str) -> bool:
    return _numbers(one) == _numbers(other)


def _numbers(text: str) -> list[str]:
    numbers = text.split(".")
    while numbers[-1] == "0":
        numbers.pop()
    return numbers


def main() -> int:
    bounds = lower_bounds(PYPROJECT.read_text(encoding="utf-8"))
    if "--check" not in sys.argv[1:]:
        print("\n".join(f"{name}=={bound}" for name, bound in bounds.items()))
        return 0
    wrong = differences(bounds)
    print("\n".join(wrong) or f"{len(bounds)} dependencies at their lower bounds")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
