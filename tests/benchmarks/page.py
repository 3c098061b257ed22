"""The writer of the page: results between a subject's markers, and the plots beside it."""

from __future__ import annotations

import os
import platform
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from .harness import ROOT

if TYPE_CHECKING:
    from .registry import Result

PAGE = ROOT / "docs" / "explanation" / "performance.md"
IMAGES = ROOT / "docs" / "images"


def machine() -> str:
    """Return the machine and the date of the measurement."""
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"Measured {datetime.now(UTC):%Y-%m-%d %H:%M} UTC: Python {platform.python_version()}, "
        f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}; "
        f"load before it {os.getloadavg()[0]:.1f}."
    )


def write(name: str, result: Result, page: Path = PAGE, images: Path = IMAGES) -> None:
    """Replace what stands between the markers of *name*. Raises `ValueError` when they are missing."""
    text = page.read_text()
    page.write_text(replaced(text, name, f"{machine()}\n\n{result.text}"))
    if result.plot is not None:
        images.mkdir(exist_ok=True)
        (images / f"{name}.svg").write_text(result.plot)


def replaced(text: str, name: str, new: str) -> str:
    """*text* with *new* between ``<!-- begin name -->`` and ``<!-- end name -->``."""
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    found, count = pattern.subn(lambda _: f"{begin}\n{new}\n{end}", text)
    if count != 1:
        raise ValueError(f"the page has the markers of {name!r} {count} times, not once")
    return found
