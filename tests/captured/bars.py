"""Progress bars of every kind, as loops and moved by hand."""

from __future__ import annotations

from tests.captured.case import Case, Gap, Held
from tests.captured.gaps import Gaps

LOOP = """
import time
{imports}

def work():
    for _ in {loop}:
        time.sleep(.05)
"""


def loop(library: str, form: str, imports: str, expression: str, line: str, gaps: Gaps | None = None) -> Case:
    """A loop over six items, with the line that its bar leaves in the log."""
    code = LOOP.format(imports=imports, loop=expression)
    return Case(library, form, code, Held((line,), (6, 6)), gaps=gaps or {})


TQDM = r"100%\|█+\| 6/6 \[.*\]"

BARS = (
    loop("tqdm", "`tqdm`", "from tqdm import tqdm", "tqdm(range(6))", TQDM),
    loop("tqdm", "`tqdm.auto`", "from tqdm.auto import tqdm", "tqdm(range(6))", TQDM),
    loop("tqdm", "`tqdm.notebook`", "from tqdm.notebook import tqdm", "tqdm(range(6))", TQDM),
    Case(
        "tqdm",
        "`tqdm.asyncio`",
        """
import asyncio
from tqdm.asyncio import tqdm

async def main():
    await tqdm.gather(*(asyncio.sleep(.05 * n) for n in range(6)))

def work():
    asyncio.run(main())
""",
        Held((TQDM,), (6, 6)),
    ),
    Case(
        "tqdm",
        "`thread_map`",
        """
import time
from tqdm.contrib.concurrent import thread_map

def work():
    thread_map(time.sleep, [.05] * 6, max_workers=2)
""",
        Held((TQDM,), (6, 6)),
    ),
    Case(
        "tqdm",
        "`process_map`",
        """
import time
from tqdm.contrib.concurrent import process_map

def work():
    process_map(time.sleep, [.05] * 6, max_workers=2)
""",
        Held((TQDM,), (6, 6)),
    ),
    Case(
        "tqdm",
        "`tqdm.rich`",
        """
import time, warnings
from tqdm.rich import tqdm

def work():
    warnings.filterwarnings("ignore", message="rich is experimental")
    for _ in tqdm(range(6)):
        time.sleep(.05)
""",
        Held((".*100%.*6/6.*",), (6, 6)),
    ),
    Case(
        "tqdm",
        "`progress_apply` of pandas",
        """
import time
import pandas as pd
from tqdm.auto import tqdm

def work():
    tqdm.pandas()
    pd.Series(range(6)).progress_apply(lambda n: time.sleep(.05))
""",
        Held((TQDM,), (6, 6)),
    ),
    Case(
        "tqdm",
        "nested",
        """
import time
from tqdm.auto import tqdm

def work():
    for _ in tqdm(range(6), desc="epochs"):
        for _ in tqdm(range(5), desc="batches", leave=False):
            time.sleep(.01)
""",
        Held(("epochs: " + TQDM,), (6, 6)),
    ),
    Case(
        "tqdm",
        "moved by hand",
        """
import time
from tqdm import tqdm

def work():
    bar = tqdm(total=6, desc="rows")
    for n in range(3):
        time.sleep(.06)
        bar.set_postfix(loss=n)
        bar.update(2)
    bar.close()
""",
        Held(("rows: " + TQDM,), (6, 6)),
    ),
    Case(
        "tqdm",
        "several, one below the other",
        """
import time
from tqdm import tqdm

def work():
    with tqdm(total=6, desc="files", position=0) as files, tqdm(total=12, desc="lines", position=1) as lines:
        for _ in range(6):
            time.sleep(.04)
            lines.update(2)
            files.update()
""",
        Held(("lines: " + TQDM.replace("6/6", "12/12"), "files: " + TQDM), (6, 6)),
    ),
    Case(
        "tqdm",
        "`tqdm.write` and `print` in a loop",
        """
import time
from tqdm import tqdm

def work():
    for n in tqdm(range(6)):
        time.sleep(.05)
        if n == 2:
            tqdm.write("written")
            print("printed")
""",
        Held(("written", "printed", TQDM), (6, 6)),
    ),
    loop(
        "rich",
        "`track`",
        "from rich.progress import track",
        'track(range(6), "rows")',
        "rows .*100% .*",
    ),
    loop(
        "progressbar2",
        "`progressbar`",
        "import progressbar",
        "progressbar.progressbar(range(6))",
        r"100% \(6 of 6\) .*",
        {"detached": Gap(None, Held((*[r".*% \(. of 6\) .*"] * 7,), (6, 6)))},
    ),
    loop(
        "alive-progress",
        "`alive_it`",
        "from alive_progress import alive_it",
        "alive_it(range(6))",
        r".*6/6.*",
    ),
    Case(
        "alive-progress",
        "`alive_bar`, with `print`",
        """
import time
from alive_progress import alive_bar

def work():
    with alive_bar(6, title="rows") as bar:
        for n in range(6):
            time.sleep(.05)
            if n == 2:
                print("printed")
            bar()
""",
        Held((r"on 2: printed", r"rows .*6/6.*"), (6, 6)),
    ),
    Case(
        "click",
        "`progressbar`",
        """
import time
import click

def work():
    with click.progressbar(range(6), label="rows") as bar:
        for _ in bar:
            time.sleep(.05)
""",
        Held(("rows",), (6, 6)),
    ),
)
