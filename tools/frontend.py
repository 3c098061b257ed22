"""The build of the front-end, for the package (`hatch_build.py`) and for make; standard library only.

python tools/frontend.py build    build it, and install it into the JupyterLab of this Python
python tools/frontend.py ensure   the same, if its sources have changed since
python tools/frontend.py check    check types, lint, formatting, imports and sizes, run the unit tests
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from node import PACKAGE, CannotBuild, Node, find_node, need_node, run

ROOT = Path(__file__).resolve().parents[1]
NAME = "jupyter-agent-tasks"
CHECKS = ("types", "lint", "format:check", "imports", "test")
"""Scripts of `package.json` that `check` runs, in this order."""
BUILT_FROM = ("build.mjs", "package-lock.json", "package.json", "schema", "src", "tools", "tsconfig.json")


@dataclass(frozen=True, slots=True)
class Frontend:
    """The front-end of the source tree at *root*: its sources and its built files."""

    root: Path = ROOT

    @property
    def folder(self) -> Path:
        return self.root / "jupyter_agent" / "frontend"

    @property
    def static(self) -> Path:
        return self.root / "jupyter_agent" / "static"

    @property
    def labextension(self) -> Path:
        return self.root / "jupyter_agent" / "labextension"

    @property
    def stamp(self) -> Path:
        """Records the sources of the build. A new build removes it."""
        return self.static / "built.json"

    def is_built(self) -> bool:
        """Return whether every built file is there and up to date with the sources."""
        try:
            stamp = json.loads(self.stamp.read_text("utf-8"))
        except (OSError, ValueError):
            return False
        return bool(stamp == self._state())

    def build(self, node: Node) -> str:
        """Build, and return the table of sizes. Raises `CannotBuild`."""
        self.install(node)
        problem = "the front-end could not be built"
        table = run([node.node, "build.mjs"], self.folder, problem, node.environment)
        self.stamp.write_text(json.dumps(self._state(), indent=2) + "\n", "utf-8")
        return table

    def install(self, node: Node, *, everything: bool = False) -> None:
        """Fetch the packages of the build (*everything*: those of the checks, too), unless they are there.

        Raises `CannotBuild`.
        """
        lock = packages_of(self.folder / "package-lock.json")
        installed = packages_of(self.folder / "node_modules" / ".package-lock.json")
        wanted = _wanted(lock, everything)
        if all(installed.get(folder, {}).get("version") == version for folder, version in wanted.items()):
            return
        with_dev = everything or any(entry.get("dev") for entry in installed.values())
        which = "--include=dev" if with_dev else "--omit=dev"
        command = [*node.npm, "ci", which, "--prefer-offline", "--loglevel=error"]
        run(command, self.folder, "what builds the front-end could not be fetched", node.environment)

    def _state(self) -> dict[str, Any]:
        built = (*_files(self.static), *_files(self.labextension))
        names = sorted(path.relative_to(self.root).as_posix() for path in built if path != self.stamp)
        return {"sources": self._digest(), "files": names}

    def _digest(self) -> str:
        digest = hashlib.sha256()
        for name in BUILT_FROM:
            for path in sorted(_files(self.folder / name)):
                content = hashlib.sha256(path.read_bytes()).hexdigest()
                digest.update(f"{path.relative_to(self.folder).as_posix()} {content}\n".encode())
        return digest.hexdigest()


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from (file for file in path.rglob("*") if file.is_file())
    elif path.is_file():
        yield path


def packages_of(lock: Path) -> dict[str, dict[str, Any]]:
    """Return the packages of a lock file by folder; none without such a file."""
    try:
        packages: dict[str, dict[str, Any]] = json.loads(lock.read_text("utf-8"))["packages"]
    except FileNotFoundError:
        return {}
    return packages


def _wanted(lock: dict[str, dict[str, Any]], everything: bool) -> dict[str, str]:
    """Return versions by folder, without optional packages, which may be for other platforms."""
    optional = ("optional", "devOptional") if everything else ("optional", "devOptional", "dev")
    return {
        folder: entry["version"]
        for folder, entry in lock.items()
        if folder and not any(entry.get(key) for key in optional)
    }


def install_extension(frontend: Frontend, prefix: Path) -> None:
    """Replace the extension in the JupyterLab of *prefix*, if the package is installed there."""
    installed = prefix / "share" / "jupyter" / "labextensions" / NAME
    if not (installed / "install.json").is_file():
        return
    fresh = installed.with_name(f".{NAME}")
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(frontend.labextension, fresh)
    shutil.copy(frontend.folder / "install.json", fresh)
    shutil.rmtree(installed)
    fresh.rename(installed)


def check(frontend: Frontend) -> int:
    """Run all checks; return the exit status of the first that fails, or 0. Raises `CannotBuild`."""
    node = node_for_make()
    frontend.install(node, everything=True)
    if not frontend.is_built():
        print(frontend.build(node), end="", flush=True)
    for script in CHECKS:
        command = [*node.npm, "run", "--silent", script]
        done = subprocess.run(command, cwd=frontend.folder, env=node.environment, check=False)
        if done.returncode:
            return done.returncode
    return 0


def node_for_make() -> Node:
    """Return Node.js; install it beside this Python if the machine has none. Raises `CannotBuild`."""
    if find_node() is None:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", PACKAGE]
        run(
            pip,
            ROOT,
            "this machine has no Node.js 20.19 or newer with npm, and pip could not install it",
            {**os.environ},
        )
        importlib.invalidate_caches()
    return need_node()


def main(words: list[str]) -> int:
    """Run the command of *words*; return the exit status."""
    frontend = Frontend()
    try:
        if words == ["check"]:
            return check(frontend)
        if words == ["build"] or not frontend.is_built():
            print(frontend.build(node_for_make()), end="")
        install_extension(frontend, Path(sys.prefix))
    except CannotBuild as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
