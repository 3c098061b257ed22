"""Every code block in the README and the documentation runs, in order, page by page."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import pytest

from .blocks import PASSIVE, RUNNABLE, Block, blocks, run_in_kernel, run_in_shell
from .conftest import running_kernel, running_server

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
NEEDS_SERVER = "<!-- runs with a server -->"
WITH_CODE = [page for page in PAGES if any(block.language in RUNNABLE for block in blocks(page))]


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", WITH_CODE, ids=name)
def test_every_code_block_of_a_page_runs(page: Path, home: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    with_server = NEEDS_SERVER in page.read_text()
    with running_server(home, folder) if with_server else nullcontext() as server:
        env = home | ({"JPY_PARENT_PID": str(server)} if server else {})
        with running_kernel(env, folder) as client:
            for block in blocks(page):
                if block.language == "console":
                    run_in_shell(block, home, folder)
                elif block.language in RUNNABLE:
                    run_in_kernel(client, block)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_block_either_runs_or_says_that_it_is_only_text(page: Path) -> None:
    known = RUNNABLE | PASSIVE
    odd = [b.where for b in blocks(page) if b.language not in known and not b.language.startswith("{")]
    assert not odd, f"these blocks are neither {sorted(known)} nor a directive: {odd}"


def test_a_block_that_raises_is_noticed(home: dict[str, str], tmp_path: Path) -> None:
    block = Block(tmp_path / "page.md", 1, "python", "1 / 0\n")
    with running_kernel(home, tmp_path) as client, pytest.raises(AssertionError, match="ZeroDivisionError"):
        run_in_kernel(client, block)


def test_a_command_that_fails_is_noticed(home: dict[str, str], tmp_path: Path) -> None:
    block = Block(tmp_path / "page.md", 1, "console", "$ ls no-such-file\nwhatever it printed\n")
    with pytest.raises(AssertionError, match=r"page.md:1: exit 2"):
        run_in_shell(block, home, tmp_path)
