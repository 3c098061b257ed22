"""The Makefile's scripts name in one sentence what the machine lacks."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / "tools"


def run(*command: str, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    env = dict(os.environ) if path is None else dict(os.environ) | {"PATH": str(path)}
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, cwd=ROOT)


def bare_machine(folder: Path, *programs: str) -> Path:
    """A folder of programs that is all there is."""
    folder.mkdir()
    for name in programs:
        found = shutil.which(name)
        assert found is not None
        (folder / name).symlink_to(found)
    return folder


def script(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    path.chmod(0o755)
    return path


def test_a_python_that_is_too_old_is_refused_by_name(tmp_path: Path) -> None:
    old = script(tmp_path / "old-python", "exit 1")
    done = run("sh", str(TOOLS / "make-venv.sh"), str(tmp_path / "venv"), str(old))
    assert done.returncode == 1
    assert done.stderr == (
        f"PYTHON={old} is no Python 3.11 or newer; name one that is: make PYTHON=/path/to/python3.11\n"
    )


def test_a_python_without_venv_says_what_to_install(tmp_path: Path) -> None:
    bare = script(tmp_path / "bare-python", 'case "$2" in *ensurepip*) exit 1;; esac', "echo 3.11")
    machine = bare_machine(tmp_path / "bin", "sh", "dirname", "id")
    done = run("sh", str(TOOLS / "make-venv.sh"), str(tmp_path / "venv"), str(bare), path=machine)
    assert done.returncode == 1
    assert "apt-get install python3-venv" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_machine_without_chromium_says_what_to_install(tmp_path: Path) -> None:
    machine = bare_machine(tmp_path / "bin", "sh", "dirname", "id")
    missing = tmp_path / "chromium"
    done = run("sh", str(TOOLS / "ensure-chromium.sh"), str(missing), path=machine)
    assert done.returncode == 1
    assert "apt-get install chromium" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_help_lists_every_target_a_person_may_want() -> None:
    done = run("make", "--no-print-directory", "help")
    listed = {line.split()[1] for line in done.stdout.splitlines()}
    daily = {"help", "demo", "lab", "test", "test-fast", "check", "hooks", "frontend", "docs", "clean"}
    rare = {"test-all", "test-in-turn", "dist", "lower-bounds", "bench", "faults", "soak", "fuzz", "pictures"}
    assert listed == daily | rare
