"""`on="process"` where what the child prints cannot be shown: it is read and recorded, and the task ends."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.runtime import own_producer  # noqa: F401

LINES = 1000
"""More than all the pipes and buffers on the way hold."""

SCRIPT = """
import os, pathlib, sys
import jupyter_agent as ja

def work():
    for number in range({lines}):
        print("süß", number, "." * 200)
    os.write(1, b"below print\\n")
    return "done"

{before}
handle = ja.task(work, on="process", show=False).submit()
ended = handle.wait(40)
pathlib.Path({path!r}).write_text(f"{{ended}} {{handle.state}}\\n{{handle.logs()}}", "utf-8")
os._exit(0)  # Python would fail to flush its output
"""

BROKEN_STREAM = """
class Broken:
    def write(self, text):
        raise RuntimeError("out of order")
sys.stdout = Broken()
"""


def end_of(folder: Path, stdout: int, *, before: str = "", **environment: str) -> tuple[list[str], str]:
    """What a script saw of its task, which printed `LINES` lines; what the script said."""
    script = folder / "script.py"
    script.write_text(SCRIPT.format(lines=LINES, before=before, path=str(folder / "seen")), "utf-8")
    done = subprocess.run(
        [sys.executable, str(script)],
        stdout=stdout,
        stderr=subprocess.PIPE,
        env=os.environ | environment,
        timeout=60,
        check=True,
        text=True,
    )
    return (folder / "seen").read_text("utf-8").splitlines(), done.stderr


DOTS = "." * 200
EXPECTED = ["True completed", *(f"süß {number} {DOTS}" for number in range(LINES)), "below print"]


@pytest.fixture
def full() -> Iterator[int]:
    with open("/dev/full", "wb") as file:
        yield file.fileno()


@pytest.fixture
def unread() -> Iterator[int]:
    reading, writing = os.pipe()
    os.close(reading)
    yield writing
    os.close(writing)


@pytest.mark.parametrize(("output", "why"), [("full", "No space left"), ("unread", "Broken pipe")])
def test_output_that_nobody_can_take(
    output: str, why: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    seen, said = end_of(tmp_path, request.getfixturevalue(output))
    assert seen == EXPECTED
    assert said.count("cannot be shown") == 1
    assert why in said


@pytest.mark.parametrize(
    ("before", "why"),
    [("sys.stdout.close()", "closed file"), (BROKEN_STREAM, "out of order")],
    ids=["closed", "broken"],
)
def test_a_stream_of_the_users_that_fails(before: str, why: str, tmp_path: Path) -> None:
    seen, said = end_of(tmp_path, subprocess.DEVNULL, before=before)
    assert seen == EXPECTED
    assert said.count("cannot be shown") == 1
    assert why in said


def test_characters_that_the_output_does_not_have_are_escaped(tmp_path: Path) -> None:
    with (tmp_path / "shown").open("wb") as file:
        seen, said = end_of(tmp_path, file.fileno(), PYTHONIOENCODING="ascii")
    assert seen == EXPECTED
    assert said == ""
    shown = (tmp_path / "shown").read_text("ascii").splitlines()
    assert [shown[0], shown[-2], shown[-1]] == [
        rf"s\xfc\xdf 0 {DOTS}",
        rf"s\xfc\xdf {LINES - 1} {DOTS}",
        "below print",
    ]
