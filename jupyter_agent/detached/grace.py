"""Grace of a detached task, as a process sees it that may have to kill its worker."""

from __future__ import annotations

from ..system.paths import DataPaths
from .run_spec import RunSpec
from .worker_slots import load_limits


def grace_of(run_spec: RunSpec | None, paths: DataPaths) -> float:
    """Return the seconds to clean up; those of the setting for what an older version queued."""
    if run_spec is None or run_spec.grace is None:
        return load_limits(paths).grace
    return run_spec.grace
