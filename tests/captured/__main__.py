"""``python -m tests.captured``: write the table of the documentation.

``--show WORD…`` runs the cases whose names have one of the words (without words, all) and prints what their
logs hold, instead.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.captured.case import PLACES
from tests.captured.cases import CASES
from tests.captured.places import run_all
from tests.captured.table import table, write


def show(words: list[str]) -> None:
    """Run cases and print what was found, beside nothing that it is compared with."""
    chosen = tuple(case for case in CASES if not words or any(word in case.name for word in words))
    with tempfile.TemporaryDirectory() as folder:
        found = run_all(Path(folder), chosen)
    for case in chosen:
        print(case.name)
        for place in PLACES:
            print(f"    {place:9}", found[case.name, place])


if __name__ == "__main__":
    if sys.argv[1:2] == ["--show"]:
        show(sys.argv[2:])
    else:
        write(table())
