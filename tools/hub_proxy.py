"""Installs and runs configurable-http-proxy, which the JupyterHub of the tests needs.

python tools/hub_proxy.py ensure     install it below tests/hub_proxy, unless it is there
python tools/hub_proxy.py run ...    run it with these arguments, in place of this process
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn

from frontend import node_for_make, packages_of
from node import CannotBuild, Node, need_node, run

FOLDER = Path(__file__).resolve().parents[1] / "tests" / "hub_proxy"
PROGRAM = FOLDER / "node_modules" / "configurable-http-proxy" / "bin" / "configurable-http-proxy"
INSTALLED = "node_modules/.package-lock.json"


def is_installed() -> bool:
    """Return True if every package of the lock file is there, in its version."""
    lock, there = (packages_of(FOLDER / name) for name in ("package-lock.json", INSTALLED))
    return all(there.get(name, {}).get("version") == lock[name]["version"] for name in lock if name)


def install(node: Node) -> None:
    """Raises `CannotBuild`."""
    command = [*node.npm, "ci", "--prefer-offline", "--loglevel=error"]
    run(command, FOLDER, "the proxy of the tests' JupyterHub could not be fetched", node.environment)


def ensure() -> None:
    """Raises `CannotBuild`."""
    node = node_for_make()
    if not is_installed():
        install(node)


def replace_process(arguments: list[str]) -> NoReturn:
    """Run the proxy with *arguments*. Raises `CannotBuild`."""
    node = need_node()
    os.execve(node.node, [node.node, str(PROGRAM), *arguments], node.environment)  # noqa: S606 - no shell


def main(words: list[str]) -> int:
    """Return the exit status; does not return from ``run``."""
    try:
        if words[:1] == ["run"]:
            replace_process(words[1:])
        ensure()
    except CannotBuild as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
