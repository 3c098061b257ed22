"""Numbers of processes that are in use again: no stranger gets a signal that was meant for another."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.containers import NAMESPACES
from tests.faults.reused_numbers import CASES
from tests.support.builders import PACKAGE_ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs PID namespaces")


@pytest.fixture(scope="module")
def endings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """How the strangers of all cases ended: one namespace, and one start, serve them all."""
    if subprocess.run([*NAMESPACES, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine allows no PID namespaces")
    home: Path = tmp_path_factory.mktemp("reused")
    done = subprocess.run(
        [*NAMESPACES, sys.executable, "-m", "tests.faults.reused_numbers"],
        env=os.environ | {"JUPYTER_AGENT_DIR": str(home / "agent"), "HOME": str(home)},
        cwd=PACKAGE_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    found: dict[str, str] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("case", CASES)
def test_no_stranger_gets_a_signal_that_was_meant_for_another(case: str, endings: dict[str, str]) -> None:
    assert endings[case] == ""
