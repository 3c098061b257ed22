"""Options of one submit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Options:
    """What `task` takes; times are seconds, ``None`` means without."""

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
        """How the task is shown where it is started; ``None``: not at all."""
        return ("slim" if self.slim else "full") if self.show else None
