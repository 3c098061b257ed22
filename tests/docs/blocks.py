"""Fenced code blocks of a Markdown page, run as a reader would run them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from jupyter_client.blocking.client import BlockingKernelClient

_FENCE = re.compile(r"^(`{3,})([^\n`]*)\n(.*?)^\1[ ]*$", re.MULTILINE | re.DOTALL)
RUNNABLE = frozenset({"python", "ipython", "console"})
PASSIVE = frozenset({"text", "json"})
SECONDS = 60


@dataclass(frozen=True, slots=True)
class Block:
    """One block: its page, the line of its fence, its language and its code."""

    page: Path
    line: int
    language: str
    code: str

    @property
    def where(self) -> str:
        return f"{self.page.name}:{self.line}"

    @property
    def commands(self) -> str:
        """Return the lines of a console block that a reader types."""
        typed = [line[2:] for line in self.code.splitlines() if line.startswith(("$ ", "> "))]
        return "\n".join(typed)


def blocks(page: Path) -> Iterator[Block]:
    """Yield every fenced block of *page*, in order."""
    text = page.read_text()
    for match in _FENCE.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        yield Block(page, line, match[2].strip(), match[3])


def run_in_kernel(client: BlockingKernelClient, block: Block) -> None:
    """Run a Python block as a cell; fail with the cell's traceback."""
    reply = client.execute_interactive(block.code, timeout=SECONDS, output_hook=lambda message: None)
    content = reply["content"]
    assert content["status"] == "ok", "\n".join([block.where, *content.get("traceback", [])])


def run_in_shell(block: Block, env: dict[str, str], folder: Path) -> str:
    """Run the typed lines of a console block and return their output. Fail unless they exit with 0."""
    assert block.commands, f"{block.where}: a console block needs a line that starts with '$ '"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block.commands],
        env=env,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{block.where}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout
