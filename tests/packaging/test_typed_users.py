"""Type checkers, both strict, see the user's own parameters and results, and refuse misuse."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.support.source_trees import ROOT

USER_CODE = ROOT / "tests" / "packaging" / "typed" / "user_code.py"


def test_mypy_sees_the_types_of_results_and_each_misuse(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "--config-file="]
    done = subprocess.run(
        [*command, f"--cache-dir={tmp_path}", str(USER_CODE)], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.stdout, done.returncode) == ("Success: no issues found in 1 source file\n", 0), done.stderr


def test_pyright_sees_the_types_of_results_and_each_misuse(tmp_path: Path) -> None:
    settings = {
        "include": [str(USER_CODE)],
        "extraPaths": [str(ROOT)],
        "typeCheckingMode": "strict",
        "enableTypeIgnoreComments": False,
        "reportUnnecessaryTypeIgnoreComment": "error",
    }
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    command = [sys.executable, "-m", "basedpyright", "--project", str(tmp_path), "--outputjson"]
    done = subprocess.run([*command, "--pythonpath", sys.executable], capture_output=True, text=True)
    found = json.loads(done.stdout)
    assert found["generalDiagnostics"] == []
    assert found["summary"]["filesAnalyzed"] == 1
