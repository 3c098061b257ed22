"""``python -m tests.notebooks``: run the notebooks that ship, and save the pictures of their tasks in them.

Nothing else of them is changed: what else their outputs are is written by hand, and tested.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

from jupyter_agent.notebook.display.bundle import MIME
from jupyter_agent.notebook.task_list import MIME as TABLE
from tests.notebooks.test_notebooks import NOTEBOOKS, ROOT


def main(names: list[str]) -> None:
    for name in [name for name in os.environ if name.startswith(("JUPYTER", "JPY_"))]:
        del os.environ[name]
    for path in NOTEBOOKS:
        if not names or path.name in names:
            with tempfile.TemporaryDirectory(prefix="notebooks-", ignore_cleanup_errors=True) as folder:
                os.environ |= {"JUPYTER_AGENT_DIR": folder, "PYTHONPATH": str(ROOT)}
                save_pictures(path)


def save_pictures(path: Path) -> None:
    """Replace HTML and text of each view of a task, and of each table, by those in a run of now."""
    ran = nbformat.read(path, as_version=4)
    NotebookClient(ran, resources={"metadata": {"path": str(path.parent)}}).execute()
    saved = json.loads(path.read_text())
    for cell, executed in zip(saved["cells"], ran.cells, strict=True):
        for old, new in zip(views(cell), views(executed), strict=True):
            picture = new["data"]["text/html"]
            for place in (sys.prefix, sys.base_prefix, str(ROOT)):  # in tracebacks
                picture = picture.replace(f"{place}/", "")
            old["data"]["text/html"] = picture.splitlines(keepends=True)
            old["data"]["text/plain"] = new["data"]["text/plain"].splitlines(keepends=True)
    path.write_text(json.dumps(saved, indent=1, ensure_ascii=False) + "\n")
    print(path.name)


def views(cell: Any) -> list[Any]:
    return [
        output for output in cell.get("outputs", []) if not {MIME, TABLE}.isdisjoint(output.get("data", {}))
    ]


if __name__ == "__main__":
    main(sys.argv[1:])
