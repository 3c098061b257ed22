"""A thread that computes in Python all the time, as a busy cell does."""

from __future__ import annotations

import threading
from typing import Self


class Busy:
    """Context manager: the thread computes while it is open."""

    def __enter__(self) -> Self:
        self._stop = False
        self._thread = threading.Thread(target=self._run, name="busy", daemon=True)
        self._thread.start()
        return self

    def _run(self) -> None:
        n = 0
        while not self._stop:
            n += 1

    def __exit__(self, *_: object) -> None:
        self._stop = True
        self._thread.join()
