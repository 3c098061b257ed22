"""Checkpoints: the newest two states that a task saved, as files.

``<task>-<attempt>-<number>.pickle`` is a header (magic, length, digest) and a pickle. A new one is
written under a temporary name, synced, renamed, and the folder synced; only then is the oldest removed. So
whenever a process is killed or the power fails, one complete checkpoint exists, and a truncated or damaged
file is recognised before anything in it is unpickled.

Checkpoints of a later attempt are newer than those of an earlier one: a process that was only disconnected,
and goes on saving while the next attempt runs, does not undo what that one saved. ``<task>.pickle``, as older
versions wrote it, is the oldest of all.
"""

from __future__ import annotations

import hashlib
import logging
import re
import struct
import threading
from collections.abc import Callable
from io import BufferedReader
from pathlib import Path
from typing import NamedTuple

from ...errors import ResultNotStored
from ...system.files import make_private, write_private
from ...system.orphaned_locks import renew_orphaned_locks
from ...system.paths import DataPaths
from .pickle_files import checked, open_own, pickled, unpickled

log = logging.getLogger(__name__)

MAX_CHECKPOINT = 1 << 30
MAX_KEPT = 2
"""Checkpoints of one task: the newest, and the previous one in case the newest is damaged later."""

_MAGIC = b"jagent-cp1\n"
_HEADER = struct.Struct(f"<{len(_MAGIC)}sQ32s")
_NAME = re.compile(r"(?:-(\d{1,18})-(\d{1,18}))?\.pickle")


class Version(NamedTuple):
    """One checkpoint of a task; later ones are greater."""

    attempt: int
    number: int
    path: Path

    @property
    def is_bare(self) -> bool:
        """Whether it is a pickle without a header, as older versions wrote it."""
        return self.attempt == 0


class Checkpoints:
    """The checkpoints of all tasks of this machine. Thread-safe."""

    def __init__(self, paths: DataPaths) -> None:
        self._folder = paths.checkpoints
        renew_orphaned_locks(self)

    def renew_locks(self) -> None:
        """See `LockOwner`."""
        self._saving = threading.Lock()

    def save(self, task: str, state: object, attempt: int = 1) -> int:
        """Save *state* as the newest; its size in bytes.

        Raises `ValueError` when it is over `MAX_CHECKPOINT`, what pickling raises, and `OSError` when it
        cannot be written; then the previous checkpoints stay.
        """
        content = pickled(state)
        if len(content) > MAX_CHECKPOINT:
            raise ValueError(f"a checkpoint of {len(content):,} bytes is over {MAX_CHECKPOINT:,}")
        header = _HEADER.pack(_MAGIC, len(content), hashlib.sha256(content).digest())
        with self._saving:
            before = self.versions(task)
            last = max((old.number for old in before if old.attempt == attempt), default=0)
            path = make_private(self._folder) / f"{task}-{attempt}-{last + 1}.pickle"
            # The old ones are removed last: at every moment a complete checkpoint has its final name.
            write_private(path, header, content, temporary=self._part(task, attempt))
            self._remove_old(task, attempt, [*before, Version(attempt, last + 1, path)])
        return len(content)

    def load(
        self, task: str, default: object = None, *, warn: Callable[[str], object] = log.warning
    ) -> object:
        """Return the newest state that is complete, or *default* when none was ever saved.

        *warn* is called for each damaged one. Raises `ResultNotStored` if all are damaged, or the newest
        complete one cannot be unpickled here.
        """
        damaged: list[Version] = []
        while found := [version for version in self.versions(task) if version not in damaged]:
            newest = found[-1]
            try:
                with open_own(newest.path, task) as file:
                    if newest.is_bare or _is_complete(file):
                        return unpickled(file, newest.path, task)
            except FileNotFoundError:  # removed: a newer one has just been saved
                continue
            damaged.append(newest)
            warn(f"the checkpoint {newest.path} is damaged; the one before it is used")
        if damaged:
            raise ResultNotStored(
                f"every checkpoint of task {task} is damaged ({damaged[0].path});"
                " to start over, delete the task or use another key",
                task_id=task,
            )
        return default

    def versions(self, task: str) -> list[Version]:
        """Return the checkpoints of *task*, oldest first, damaged ones too."""
        found = []
        for path in self._folder.glob(f"{checked(task)}*"):
            match = _NAME.fullmatch(path.name[len(task) :])
            if match:
                found.append(Version(int(match[1] or 0), int(match[2] or 0), path))
        return sorted(found)

    def _part(self, task: str, attempt: int) -> Path:
        return self._folder / f".{task}-{attempt}.part"

    def _remove_old(self, task: str, attempt: int, versions: list[Version]) -> None:
        """Remove all but the newest `MAX_KEPT`, and temporary files of earlier attempts that were killed."""
        for old in sorted(versions)[:-MAX_KEPT]:
            old.path.unlink(missing_ok=True)
        for part in self._folder.glob(f".{task}-*.part"):
            if int(part.stem.rpartition("-")[2]) < attempt:
                part.unlink(missing_ok=True)


def _is_complete(file: BufferedReader) -> bool:
    """Return whether the file matches its header; *file* is then positioned at its pickle."""
    header = file.read(_HEADER.size)
    if len(header) < _HEADER.size:
        return False
    magic, size, digest = _HEADER.unpack(header)
    if magic != _MAGIC or file.seek(0, 2) != _HEADER.size + size:
        return False
    file.seek(_HEADER.size)
    found = hashlib.file_digest(file, "sha256").digest()
    file.seek(_HEADER.size)
    return bool(found == digest)
