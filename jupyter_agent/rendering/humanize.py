"""Sizes and parameters for people, and the parser of entered times."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from ..core.sanitize import to_single_line

_AGE = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|min|h|d|w)\Z")
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "w": 604_800}


def params_text(params: Mapping[str, str]) -> str:
    """Format a task's parameters as one line, "epochs=12 lr=3e-4"."""
    return to_single_line(" ".join(f"{name}={value}" for name, value in params.items()))


def size(count: int) -> str:
    """Format bytes as "512 B", "1.2 MiB"."""
    amount = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024 or unit == "GiB":
            break
        amount /= 1024
    return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"


def resources_text(values: Mapping[str, float], whose: str = "") -> str:
    """Format ``sys/…`` values as "CPU 142% · 1.2 GiB · GPU 87%, 3.1 GiB"; *whose* goes before them."""
    cpu, memory = values.get("sys/cpu"), values.get("sys/memory")
    gpu, gpu_memory = values.get("sys/gpu"), values.get("sys/gpu_memory")
    on_gpu = ["" if gpu is None else f"{gpu:.0f}%", "" if gpu_memory is None else size(int(gpu_memory))]
    parts = [
        "" if cpu is None else f"CPU {cpu:.0f}%",
        "" if memory is None else size(int(memory)),
        f"GPU {', '.join(filter(None, on_gpu))}" if any(on_gpu) else "",
    ]
    return f"{whose} {' · '.join(filter(None, parts))}".strip()


def parse_moment(text: str, now: float) -> float:
    """Parse an ISO date or time (local, unless it has an offset) or an age such as ``7d``, to Unix seconds.

    Raises `ValueError` with a sentence for the user.
    """
    if match := _AGE.match(text.strip()):
        return now - float(match[1]) * _SECONDS[match[2]]
    try:
        return datetime.fromisoformat(text.strip()).timestamp()
    except ValueError as error:
        raise ValueError(
            f"{text!r} is not a time; give a date (2031-05-17), a time (2031-05-17T09:30) or an age (12h, 7d)"
        ) from error
