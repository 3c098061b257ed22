"""Tracebacks for people: the user's frames, and the frames of libraries folded.

The browser's counterpart is ``frontend/src/model/traceback.ts``; ``tests/tracebacks.json`` has cases for
both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

_FRAME = re.compile(r'^[ |]*(?:File "(?P<file>[^"]*)"|Cell (?:In)?\[\d+\]), line \d+(?:, in .*)?$')
_PACKAGE = re.compile(r"(?:site|dist)-packages[/\\](?P<name>[^/\\]+?)(?:\.py)?(?:[/\\]|$)")
_PYTHON = re.compile(r"^<frozen |/lib(?:64)?/python3[^/]*/|[/\\]Python3\d*[/\\]Lib[/\\]")
_DEEPER = re.compile(r"^[ |]*    |^[ |]*\[Previous line repeated")


@dataclass
class Block:
    """Lines that belong together: a frame of the user's, frames of libraries in a row, or what is between.

    ``packages``: whose frames they are; ``frames``: how many.
    """

    kind: Literal["user", "library", "text"]
    lines: list[str] = field(default_factory=list)
    packages: list[str] = field(default_factory=list)
    frames: int = 0

    @property
    def summary(self) -> str:
        """What stands for folded frames: "3 frames in pandas, numpy"."""
        return f"{self.frames} {'frame' if self.frames == 1 else 'frames'} in {', '.join(self.packages)}"


def blocks_of(traceback: str) -> list[Block]:
    """Return *traceback* in blocks. Where no frame is the user's, all of it is text."""
    blocks: list[Block] = []
    for line in traceback.rstrip("\n").split("\n"):
        frame = _FRAME.match(line)
        if frame is not None:
            _add_frame(blocks, line, _package_of(frame["file"]))
        elif blocks and (blocks[-1].kind == "text" or _DEEPER.match(line)):
            blocks[-1].lines.append(line)
        else:
            blocks.append(Block("text", [line]))
    if not any(block.kind == "user" for block in blocks):
        return [Block("text", [line for block in blocks for line in block.lines])]
    return blocks


def _add_frame(blocks: list[Block], line: str, package: str) -> None:
    if not package:
        blocks.append(Block("user", [line], frames=1))
        return
    if not blocks or blocks[-1].kind != "library":
        blocks.append(Block("library"))
    block = blocks[-1]
    block.lines.append(line)
    block.frames += 1
    if package not in block.packages:
        block.packages.append(package)


def _package_of(file: str | None) -> str:
    """Return the library of a source file; empty for the user's own."""
    if file is None:
        return ""
    if found := _PACKAGE.search(file):
        return found["name"]
    return "Python" if _PYTHON.search(file) else ""


def folded_lines(traceback: str) -> Iterator[tuple[str, str]]:
    """Yield the lines of *traceback*, each with its kind: "user", "source", "folded", "error" or "text"."""
    for block in blocks_of(traceback):
        if block.kind == "library":
            yield "folded", f"  … {block.summary}"
        elif block.kind == "user":
            yield "user", block.lines[0]
            yield from (("source", line) for line in block.lines[1:])
        else:
            yield from (("text" if _is_prose(line) else "error", line) for line in block.lines)


def _is_prose(line: str) -> bool:
    return not line or line.startswith((" ", "Traceback", "During handling", "The above exception"))
