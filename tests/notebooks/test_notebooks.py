"""The notebooks that ship give the outputs that they were saved with.

Every output is compared, but those of the cells in `NOT_COMPARED`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
NOT_COMPARED = {
    ("tqdm.ipynb", "tqdm-submit"): "tqdm's own bar says how fast the machine is",
    ("tqdm.ipynb", "tqdm-nested"): "tqdm's own bar says how fast the machine is",
}


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_gives_the_saved_outputs(notebook: Path, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--nbval",
        "--nbval-current-env",
        "-q",
        "-p",
        "no:cacheprovider",
    ]
    command += ["-c", os.devnull, "--rootdir", str(ROOT), str(notebook)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_output_is_compared_but_those_with_a_reason() -> None:
    marked = {
        (notebook.name, cell["id"])
        for notebook in NOTEBOOKS
        for cell in json.loads(notebook.read_text())["cells"]
        if "nbval-ignore-output" in cell["metadata"].get("tags", []) or "NBVAL_" in "".join(cell["source"])
    }
    assert marked == set(NOT_COMPARED)


def test_no_two_notebooks_share_the_id_of_a_cell() -> None:
    """By them a view finds its cell when its notebook was renamed."""
    cells = [cell["id"] for path in NOTEBOOKS for cell in json.loads(path.read_text())["cells"]]
    assert sorted(cells) == sorted(set(cells))
