"""What rich and other libraries draw in tasks: progress, and a log that can be read, in a real kernel."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import indent

import pytest

from tests.integration.test_capture_in_kernels import PREPARED
from tests.support.cells import Kernel
from tests.support.cells import kernel as start_kernel

EVERYWHERE = ("thread", "process", "detached")
MODES = {"terminal": "force_terminal=True, force_jupyter=False", "kernel": "force_jupyter=True"}


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    with start_kernel(tmp_path_factory.mktemp("kernel")) as started:
        started.run(PREPARED)
        started.run("""
def displays(handle): return [decode_data(e).data for e in handle.events() if e.type == "display"]
def raw(handle): return "".join(decode_data(e).text for e in handle.events() if e.type == "log")
""")
        yield started


def run(kernel: Kernel, code: str, on: str, arguments: str = MODES["terminal"]) -> list[str]:
    """Run *code* as a task in which *console* is one of rich; return the lines of its log as stored."""
    kernel.run(f"""
def work():
    import sys, time
    from rich.console import Console
    console = Console({arguments}, width=60)
{indent(code, "    ")}
handle = ends(work, {on!r})
""")
    stored: str = kernel.value("raw(handle)")
    assert not set("\x1b\r\b") & set(stored), stored
    return [line.rstrip() for line in stored.splitlines()]


@pytest.mark.parametrize(
    ("on", "mode"),
    [("thread", "terminal"), ("thread", "kernel"), ("process", "terminal"), ("detached", "terminal")],
)
def test_what_rich_prints_is_plain_text_once(kernel: Kernel, on: str, mode: str) -> None:
    code = """
import rich
rich.get_console().__dict__.update(console.__dict__)
rich.print("[bold red]hello[/] [link=https://x.org]there[/link]", {"a": 1})
console.log("logged", log_locals=False)
print("plain")
from rich.table import Table
table = Table("x", "y")
table.add_row("1", "2")
console.print(table)
"""
    lines = run(kernel, code, on, MODES[mode])
    assert lines[:2] == ["hello there", "{'a': 1}"]
    assert [lines[2].split()[1], lines[3]] == ["logged", "plain"]
    assert lines[4:] == ["┏━━━┳━━━┓", "┃ x ┃ y ┃", "┡━━━╇━━━┩", "│ 1 │ 2 │", "└───┴───┘"]
    assert kernel.value("displays(handle)") == []


PROGRESS = {
    "track": ("list(map(lambda _: time.sleep(.06), track(range(6), 'x', console=console)))", (6, 6, "x")),
    "wrapped loop": (
        """
with Progress(console=console) as progress:
    for _ in progress.track(range(6), description="[red]x[/]"): time.sleep(.06)
""",
        (6, 6, "x"),
    ),
    "several rows": (
        """
with Progress(console=console) as progress:
    rows = [progress.add_task("x", total=total) for total in (3, 6, 2)]
    for _ in range(6):
        time.sleep(.06)
        for row in rows: progress.advance(row)
""",
        (6, 6, "x"),
    ),
    "a row inside that is set back": (
        """
with Progress(console=console) as progress:
    outer, inner = progress.add_task("x", total=3), progress.add_task("y", total=5)
    for _ in range(3):
        progress.reset(inner)
        for _ in range(5): time.sleep(.02); progress.advance(inner)
        progress.advance(outer)
""",
        (3, 3, "x"),
    ),
    "moved by a pool": (
        """
from concurrent.futures import ThreadPoolExecutor
with Progress(console=console) as progress, ThreadPoolExecutor(2) as pool:
    row = progress.add_task("x", total=6)
    list(pool.map(lambda _: (time.sleep(.06), progress.advance(row)), range(6)))
""",
        (6, 6, "x"),
    ),
    "inside a live display": (
        """
from rich.live import Live
progress = Progress(console=console)
with Live(progress, console=console):
    row = progress.add_task("x", total=6)
    for _ in range(6): time.sleep(.06); progress.advance(row)
""",
        (6, 6, "x"),
    ),
}


@pytest.mark.parametrize(
    ("on", "mode", "how"),
    [
        *(("thread", mode, how) for how in PROGRESS for mode in MODES),
        *((on, "terminal", "several rows") for on in EVERYWHERE[1:]),
    ],
)
def test_a_progress_of_rich_is_the_tasks_progress_and_its_last_state_in_the_log(
    kernel: Kernel, on: str, mode: str, how: str
) -> None:
    code, last = PROGRESS[how]
    lines = run(kernel, f"from rich.progress import Progress, track\n{code}", on, MODES[mode])
    assert kernel.value("(handle.progress.done, handle.progress.total, handle.progress.message)") == last
    assert len(kernel.value("moved(handle)")) > 2
    shown = [line for line in lines if line.startswith("x ")]
    assert shown, lines
    assert all("100%" in line for line in shown), lines
    assert len(shown) == (3 if how == "several rows" else 1), lines
    assert kernel.value("displays(handle)") == []


@pytest.mark.parametrize("mode", MODES)
def test_what_is_printed_beside_a_progress_is_kept_and_what_it_clears_is_not(
    kernel: Kernel, mode: str
) -> None:
    code = """
from rich.progress import Progress
with Progress(console=console, transient=True) as progress:
    row = progress.add_task("gone", total=8)
    for n in range(8):
        time.sleep(.05)
        progress.advance(row)
        progress.console.print("[blue]item[/]", n)
print("after")
"""
    lines = run(kernel, code, "thread", MODES[mode])
    said = [line for line in lines if line]  # in a notebook, older versions of rich print an empty line
    assert said == [*(f"item {n}" for n in range(8)), "after"]


@pytest.mark.parametrize("mode", MODES)
def test_a_status_is_the_message_while_it_lasts(kernel: Kernel, mode: str) -> None:
    code = """
with console.status("[green]thinking") as status:
    time.sleep(.15)
    status.update("writing")
    print("found")
    time.sleep(.15)
"""
    assert run(kernel, code, "thread", MODES[mode])[0].endswith("found")
    messages = kernel.value("[decode_data(e).message for e in handle.events() if e.type == 'progress']")
    assert messages == ["thinking", "writing", None]


@pytest.mark.parametrize("mode", MODES)
def test_of_a_live_display_the_last_state_is_kept(kernel: Kernel, mode: str) -> None:
    code = """
from rich.live import Live
from rich.table import Table
def table(n):
    table = Table("n")
    for row in range(n): table.add_row(str(row))
    return table
with Live(console=console) as live:
    for n in range(1, 5): live.update(table(n), refresh=True)
"""
    lines = run(kernel, code, "thread", MODES[mode])
    assert [line for line in lines if line.startswith("│")] == ["│ 0 │", "│ 1 │", "│ 2 │", "│ 3 │"], lines


BARS = {
    "alive-progress": (
        """
from alive_progress import alive_bar
with alive_bar(9, file=sys.stdout, force_tty=True) as bar:
    for n in range(9):
        time.sleep(.02)
        bar()
        if n == 4: print("beside")
""",
        "9/9 [100%]",
    ),
    "progressbar2": (
        """
import progressbar
for _ in progressbar.progressbar(range(9), fd=sys.stderr, is_terminal=True): time.sleep(.02)
""",
        "100% (9 of 9)",
    ),
    "click": (
        """
import click, io
class Terminal(io.StringIO):
    def isatty(self): return True
    def write(self, text): return sys.stdout.write(text)
with click.progressbar(range(9), file=Terminal()) as bar:
    for _ in bar: time.sleep(.02)
""",
        "100%",
    ),
    "tqdm.rich": (
        """
import warnings
warnings.simplefilter("ignore")
from tqdm.rich import tqdm
for _ in tqdm(range(9), options={"console": console}): time.sleep(.04)
""",
        "9/9",
    ),
}


@pytest.mark.parametrize(
    ("on", "library"), [*(("thread", one) for one in BARS), ("process", "alive-progress")]
)
def test_bars_of_other_libraries_leave_one_line(kernel: Kernel, on: str, library: str) -> None:
    code, expected = BARS[library]
    lines = [line for line in run(kernel, code, on) if line.strip()]
    drawn = [line for line in lines if "%" in line]
    assert len(drawn) == 1, lines
    assert expected in drawn[0]
    assert ("beside" in "".join(lines)) == ("beside" in code)
