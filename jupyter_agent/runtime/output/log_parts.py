"""Parts of captured text: the ``log`` events that it becomes, with its colours beside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...core.events import MAX_EVENT_BYTES, Log
from ...core.logs.styles import runs_within, split_styles

PART = MAX_EVENT_BYTES // 8
"""Characters of one event; longer texts are split. JSON may need six bytes for one character."""


def log_parts(
    stream: Any, text: str, level: str | None = None, logger: str | None = None, section: str | None = None
) -> Iterator[Log]:
    """Yield *text* in as many payloads as it needs. Only a captured stream has styles."""
    plain, styles = (text, ()) if stream == "logging" else split_styles(text)
    for start in range(0, len(plain), PART):
        end = start + PART
        part = styles and runs_within(styles, start, end)
        yield Log(stream, plain[start:end], level, logger, section, part)
