"""Options of one submitted task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Options:
    """The options of `task`. ``timeout``: seconds, ``None`` for no limit. ``slim``: a view of one line.

    ``grace``: seconds to clean up after a cancel; ``None``: as the setting says. ``kind`` and ``params``
    describe the work, see `About`.
    """

    name: str
    key: str | None = None
    on: Any = "thread"
    retries: int = 0
    timeout: float | None = None
    tags: tuple[str, ...] = ()
    show: bool = True
    slim: bool = False
    kind: str = "function"
    params: Mapping[str, str] | None = None
    grace: float | None = None

    @property
    def place(self) -> str:
        """Where it runs, in one word: ``on``, or the name of an executor's class."""
        return self.on if isinstance(self.on, str) else type(self.on).__name__

    @property
    def view(self) -> str | None:
        """Which view is shown where the task is started: ``slim``, ``full`` or ``None``."""
        return ("slim" if self.slim else "full") if self.show else None
