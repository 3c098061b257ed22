"""Options of one submitted task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Options:
    """The options of `task`. ``timeout``: seconds, ``None`` for no limit. ``slim``: a view of one line."""

    name: str
    key: str | None = None
    on: Any = "thread"
    retries: int = 0
    timeout: float | None = None
    tags: tuple[str, ...] = ()
    show: bool = True
    slim: bool = False

    @property
    def view(self) -> str | None:
        """Which view is shown where the task is started: ``slim``, ``full`` or ``None``."""
        return ("slim" if self.slim else "full") if self.show else None
