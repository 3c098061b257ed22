"""The origin of a task in kernels that are not ipykernel's."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.support.servers import environment

XEUS_PYTHON = """
import json, sys, types
sys.modules["ipykernel.comm"] = types.ModuleType("ipykernel.comm")  # as xeus-python 0.19 replaces it
from IPython.core.interactiveshell import InteractiveShell

class XKernel:
    def get_parent(self):
        return {"header": {"msg_id": "run-1"}, "metadata": {"cellId": "cell-1"}}

shell = InteractiveShell.instance()
shell.kernel = XKernel()

import jupyter_agent as ja
from jupyter_agent.runtime.options import Options
from jupyter_agent.runtime.origin import about

def double(x):
    return 2 * x

result = ja.task(double).submit(21).result()
origin = about(Options("double"))
print(json.dumps([result, origin.kernel, origin.run, origin.cell]), file=sys.stderr)  # apart from views
"""


def test_a_task_of_xeus_python_runs_and_knows_its_kernel_and_cell(tmp_path: Path) -> None:
    arguments = ["-c", XEUS_PYTHON, "-f", str(tmp_path / "kernel-an-id.json")]
    command = [sys.executable, *arguments]
    done = subprocess.run(
        command, env=environment(tmp_path), cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stderr) == [42, "an-id", "run-1", "cell-1"]
