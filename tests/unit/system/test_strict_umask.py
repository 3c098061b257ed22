"""A umask that takes the owner's rights: what is made can be used by its owner all the same."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.builders import PACKAGE_ROOT

WORK = """
import json, os, sys
os.umask(int(sys.argv[1], 8))
import jupyter_agent as ja
def work():
    ja.current().checkpoint([1])
    return 3
print(ja.task(work, show=False, key="one").submit().result(30))
from jupyter_agent.cli.main import run
run(["tasks", "list", "--json"])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX modes")
@pytest.mark.parametrize("umask", ["0277", "0777"])
def test_files_under_a_strict_umask_are_usable_by_their_owner(umask: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WORK, umask],
        env=os.environ | {"JUPYTER_AGENT_DIR": str(tmp_path / "agent")},
        cwd=PACKAGE_ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    first, rest = done.stdout.split("\n", 1)
    assert (first, [task["state"] for task in json.loads(rest)]) == ("3", ["completed"])
    made = [tmp_path / "agent", *(tmp_path / "agent").rglob("*")]
    modes = {str(path.relative_to(tmp_path)): stat.S_IMODE(path.stat().st_mode) for path in made}
    wrong = {name: oct(mode) for name, mode in modes.items() if mode not in (0o600, 0o700)}
    assert wrong == {}
