"""Folder of a spool: its header, its lock, and reading it without writing.

A folder holds ``lock`` (held while the producer lives), ``spool.json`` (the header) and segments named by
their first number; and ``ending``, once its process has begun to end while attempts still ran.
"""

from __future__ import annotations

import logging
import os
import shutil
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator
from itertools import chain, dropwhile
from operator import attrgetter
from pathlib import Path

import msgspec
from msgspec import Struct

from ..core.events import UNREADABLE, State, TaskState, encode_data
from ..errors import SpoolError
from ..system.files import create_private, make_private, remove_folder
from ..system.host import boot, host
from ..system.locks import FileLock, is_locked
from ..system.paths import DataPaths
from .segment import Record, read_segment

log = logging.getLogger(__name__)


class Header(Struct, frozen=True):
    """``spool.json``: whose spool this is. ``journal`` is the slot it belongs to for life."""

    producer: str
    journal: str
    host: str
    boot: str
    pid: int
    created: float


_MAX_ENDING = 4096
"""Bytes of an ``ending``; a larger one is not read."""

_ENDED = State(TaskState.INTERRUPTED, reason="the process ended")
"""The end when it cannot be read."""


def header_for(producer: str, journal: str, now: float) -> Header:
    """Return the header of a spool that this process makes at *now* (Unix seconds)."""
    return Header(producer, journal, host(), boot(), os.getpid(), now)


def create_spool_folder(paths: DataPaths, header: Header) -> tuple[Path, FileLock]:
    """Create the folder of a new spool; the folder and its lock, which is held.

    Raises `SpoolError` when the disk has no room.
    """
    folder = paths.spools / header.producer
    # Under a temporary name, then locked, then renamed: the final name never exists without its lock held,
    # so no holder mistakes a new spool for a dead producer's.
    try:
        temporary = make_private(make_private(paths.spools) / f".new-{header.producer}")
        lock = FileLock.acquire(temporary / "lock")
    except OSError as error:
        raise creation_error(paths, error) from error
    if lock is None:
        raise SpoolError(f"another process holds {temporary / 'lock'}, though the name is this spool's alone")
    try:
        (temporary / "spool.json").unlink(missing_ok=True)  # of a killed process that had the same id
        with create_private(temporary / "spool.json") as file:
            file.write(msgspec.json.encode(header))
        temporary.rename(folder)
        lock.path = folder / "lock"
    except OSError as error:
        undo_creation(temporary, lock)
        raise creation_error(paths, error) from error
    return folder, lock


def lock_of_dead(folder: Path) -> FileLock | None:
    """Acquire the lock of a dead process's spool; ``None`` when that process lives. Raises `OSError`."""
    try:
        return FileLock.acquire(folder / "lock", create=False)
    except OSError:  # such as on a disk that has turned read-only, where its lock can be looked at
        if is_locked(folder / "lock"):
            return None
        raise


def remove_unused_spool(folder: Path) -> bool:
    """Remove the spool of a dead process that had emitted nothing; return False when it has to stay."""
    try:
        lock = lock_of_dead(folder)
        return lock is not None and _remove_if_empty(folder, lock)
    except (SpoolError, OSError) as error:
        log.debug("a spool is left where it is: %s", error)
        return False


def _remove_if_empty(folder: Path, lock: FileLock) -> bool:
    try:
        if read_spool(folder)[1]:
            return False
        remove_folder(folder)
        return True
    finally:
        lock.release()


def undo_creation(folder: Path, lock: FileLock) -> None:
    """Remove a folder that cannot become a spool."""
    shutil.rmtree(folder, ignore_errors=True)
    lock.release()


def creation_error(paths: DataPaths, error: OSError) -> SpoolError:
    """Return the error for a spool that cannot be created."""
    return SpoolError(f"no spool can be made in {paths.spools}: {error.strerror or error}")


def write_ending(folder: Path, end: State) -> None:
    """Write down, once, the end of the attempts that the producer's process leaves open when it is gone.

    Neither that process nor the one that kills it can record that end before: threads emit until then.
    """
    try:
        with create_private(folder / "ending") as file:
            file.write(encode_data(end))
    except OSError as error:  # a full disk, or a folder that is gone: the holder calls it interrupted then
        log.debug("how this process ends cannot be written to %s: %s", folder, error)


def read_ending(folder: Path) -> State | None:
    """Return the end for the attempts that the producer has left open; ``None`` when none was written."""
    try:
        with (folder / "ending").open("rb") as file:
            end = msgspec.json.decode(file.read(_MAX_ENDING), type=State)
    except OSError:
        return None
    except UNREADABLE:  # the disk was full: that the process began to end is known from the file
        return _ENDED
    return end if end.state.ended else _ENDED


def read_spool(folder: Path) -> tuple[Header, list[Record]]:
    """Return the header and every sound record, by number, each once. Safe beside a living writer.

    Raises `SpoolError` when the header cannot be read.
    """
    return read_spool_header(folder), list(spool_records(folder))


def spool_records(folder: Path, known: int = 0) -> Iterator[Record]:
    """Yield every sound record, by number, each once; the files are read one after the other, when due.

    *known*: begin with the record of this number, if it is there, and do not read the files before it.
    """
    paths = sorted(folder.glob("*.seg"))
    # A segment is named by its first number.
    start = bisect_right(paths, f"{known:020d}", key=attrgetter("stem")) - 1
    if start > 0:
        newer = dropwhile(lambda record: record[0] < known, _records_in(paths[start:]))
        anchor = next(newer, None)
        if anchor is not None and anchor[0] == known:
            yield from chain([anchor], newer)
            return
        # It was dropped, or is in a file that compaction wrote under a smaller name: only all files tell.
    yield from dropwhile(lambda record: record[0] < known, _records_in(paths))


def _records_in(paths: list[Path]) -> Iterator[Record]:
    last = 0
    for path in paths:
        try:
            # Of a number that damage doubled, the first record counts.
            found = dict(reversed(read_segment(path)))
        except FileNotFoundError:
            continue
        # Compaction that a kill interrupted leaves old files beside the one that replaced them: skip what
        # is known already.
        new = sorted(record for record in found.items() if record[0] > last)
        yield from new
        last = new[-1][0] if new else last


def spool_mentions(
    folder: Path, task_ids: Collection[str], between: Callable[[], None] = lambda: None
) -> bool:
    """Return True if any record may be of one of these tasks; much quicker than to read them.

    *between* is called after each file. Raises `OSError`.
    """
    wanted = [task_id.encode() for task_id in task_ids]
    for path in sorted(folder.glob("*.seg")):
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            continue
        if any(one in content for one in wanted):
            return True
        between()
    return False


def read_spool_header(folder: Path) -> Header:
    """Return the header of *folder*. Raises `SpoolError` when it cannot be read or names another producer."""
    path = folder / "spool.json"
    try:
        header = msgspec.json.decode(path.read_bytes(), type=Header)
    except (OSError, *UNREADABLE) as error:
        raise SpoolError(f"{path} cannot be read: {error}") from error
    if header.producer != folder.name:
        raise SpoolError(f"{path} is of another producer, {header.producer[:80]!r}")
    return header
