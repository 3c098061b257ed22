"""Which kernels are started with a safe path: ipykernel, in every Python that has one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from jupyter_agent.worker.notebooks.safe_path import with_safe_path

MINOR = "python{}.{}".format(*sys.version_info)
AFTER = ["-f", "{connection_file}"]


def other_python(folder: Path, script: str) -> str:
    """An interpreter that is not this one."""
    python = folder / "python3"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    return str(python)


@pytest.mark.parametrize("python", ["python", "python3", MINOR, sys.executable])
@pytest.mark.parametrize(
    "start",
    [
        ["-m", "ipykernel_launcher"],
        ["-mipykernel"],
        ["-Xfrozen_modules=off", "-m", "ipykernel_launcher"],
        ["-X", "frozen_modules=off", "-W", "ignore", "-u", "-m", "ipykernel"],
    ],
)
def test_ipykernel_is_started_with_one(python: str, start: list[str]) -> None:
    assert with_safe_path([python, *start, *AFTER]) == [python, "-P", *start, *AFTER]


@pytest.mark.parametrize(
    "start",
    [
        ["-m", "bash_kernel"],
        ["-m", "some_runner", "-m", "ipykernel_launcher"],
        ["-c", "-m", "ipykernel"],
        ["start.py", "-m", "ipykernel"],
        ["-X"],
        ["-m"],
        [],
    ],
)
def test_another_kernel_is_started_as_its_kernelspec_says(start: list[str]) -> None:
    assert with_safe_path([sys.executable, *start]) == [sys.executable, *start]


def test_another_interpreter_is_asked_whether_it_has_one(tmp_path: Path) -> None:
    argv = [other_python(tmp_path, f'exec {sys.executable} "$@"'), "-m", "ipykernel_launcher"]
    assert with_safe_path(argv) == [argv[0], "-P", *argv[1:]]
    other_python(tmp_path, "exit 1")  # as Python 3.10 answers
    assert with_safe_path(argv) == argv
    Path(argv[0]).write_text("no program")
    assert with_safe_path(argv) == argv
    assert with_safe_path(["no-such-python", *argv[1:]]) == ["no-such-python", *argv[1:]]
