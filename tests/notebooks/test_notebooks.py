"""The notebooks that ship give the outputs that they were saved with.

Every output is compared, but those of the cells in `NOT_COMPARED`. Of a task's picture and its text the name
is: they also say how long the task ran. Of a table, durations, ids and its moment are left out. ``python -m
tests.notebooks`` saves all of these anew.
"""

from __future__ import annotations

import json
import os
import re
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

ENDS = ("completed", "failed", "cancelled", "interrupted")
SANITIZED = r"""
[picture of a task]
regex: (?s)^<div style="font:13px/1\.5 system-ui.*?<strong>(.*?)</strong>.*$
replace: picture of \1

[text of a task that has ended]
regex: ^<Task (.*?)(?: (?:completed|failed|cancelled|interrupted)(?: in .*?)? [0-9A-Z]{6})?>$
replace: <Task \1>

[moment of a table of tasks]
regex: As of \d{4}-[^<\n]*
replace: As of then

[durations in a table of tasks]
regex: (\s+|<td>)\d+(?:\.\d)?s(?:\s+|</td><td>)[0-9A-Z]{6}(?=$|\n|</td>)
replace: \1DURATION and ID
"""


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
    sanitized = tmp_path / "sanitized.ini"
    sanitized.write_text(SANITIZED)
    command += ["--nbval-sanitize-with", str(sanitized)]
    command += ["-c", os.devnull, "--rootdir", str(ROOT), str(notebook)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.name)
def test_a_saved_picture_says_how_its_task_ended_and_how_long_it_took(notebook: Path) -> None:
    """It is all that a reader has without our extension, and with it beside another journal."""
    for cell in json.loads(notebook.read_text())["cells"]:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "application/vnd.jupyter-agent.task.v1+json" not in data:
                continue
            picture = "".join(data["text/html"])
            text = "".join(data["text/plain"])
            said = re.fullmatch(r"<Task (.*) (\w+) in [\dhms. ]+ [0-9A-Z]{6}>", text)
            assert said is not None, text
            assert f"<strong>{said[1]}</strong>" in picture
            assert said[2] in ENDS
            assert f">{said[2]}" in picture
            assert re.search(r"[ >]\d+\.\d+s|\d+:\d\d", picture), picture
            assert "File &quot;/" not in picture  # no path of the machine that saved it


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
