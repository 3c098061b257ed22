"""Slots: the folders of a user's journals, and who holds which.

``journals/default``, ``journals/default-2`` and so on, each with ``lock`` (held by its holder),
``holder.json`` (the holder's address and key, for this user only) and ``journal.sqlite``.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from ..detached.work_queue import waiting_work_items
from ..errors import JournalError, JournalHeld, SpoolError
from ..producer.spool_folder import read_spool_header
from ..system.files import make_private, remove_folder, write_private
from ..system.host import host, is_this_host
from ..system.locks import FileLock, is_locked
from ..system.paths import DataPaths
from ..transport.discovery import DEFAULT, HolderFile, read_holder

T = TypeVar("T")
log = logging.getLogger(__name__)
MAX_SLOTS = 16
ANNOUNCE_TIMEOUT = 1.0
"""Seconds within which whoever took a slot says whether it is a command line's or a server's."""


class Slot:
    """One journal folder, held by this process until `release`."""

    def __init__(self, folder: Path, lock: FileLock) -> None:
        self.folder = folder
        self._lock = lock

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def file(self) -> Path:
        return self.folder / "journal.sqlite"

    def announce(self, holder: HolderFile) -> None:
        """Tell this user's processes where the holder is."""
        write_private(self.folder / "holder.json", msgspec.json.encode(holder))

    def release(self) -> None:
        """Take the address back, then the lock."""
        (self.folder / "holder.json").unlink(missing_ok=True)
        self._lock.release()

    def delete(self) -> None:
        """Remove the whole slot, then let go of its lock."""
        remove_folder(self.folder)
        self._lock.release()


def slot_names() -> Iterator[str]:
    yield DEFAULT
    yield from (f"{DEFAULT}-{number}" for number in range(2, MAX_SLOTS + 1))


def try_slot(paths: DataPaths, name: str) -> Slot | None:
    """Take the slot called *name* if nobody holds it. Raises `JournalError` where that cannot be told."""
    folder = paths.journals / name
    try:
        make_private(paths.journals)
        make_private(folder)
        lock = FileLock.acquire(folder / "lock")
        if lock is not None:
            (folder / "holder.json").unlink(missing_ok=True)  # of one that was killed
    except OSError as error:
        raise JournalError(
            f"the journal folder {folder} cannot be used: {error.strerror or error}"
        ) from error
    return Slot(folder, lock) if lock else None


def holder_of(paths: DataPaths, name: str) -> HolderFile | None:
    """Who holds the slot called *name* now; ``None`` when nobody does, or has not said so yet."""
    folder = paths.journals / name
    return read_holder(folder) if is_locked(folder / "lock") else None


def existing_slots(paths: DataPaths) -> list[str]:
    """The names of the slots that are there, `DEFAULT` first."""
    return [name for name in slot_names() if (paths.journals / name).is_dir()]


def known_slots(paths: DataPaths) -> list[str]:
    """`existing_slots`, and the default one in any case: it is made when it is opened."""
    return list(dict.fromkeys([DEFAULT, *existing_slots(paths)]))


def take_server_slot(
    paths: DataPaths,
    open_slot: Callable[[Slot], T],
    *,
    patience: float = 10.0,
    wait: Callable[[float], None] = time.sleep,
) -> T:
    """What *open_slot* makes of the first slot that no other server holds and that can be used.

    A command line that holds one for a moment is waited for, at most *patience* seconds.
    Raises `JournalError`, with the reasons, when no slot can be had.
    """
    trouble: list[str] = []
    for name in slot_names():
        try:
            slot = _patiently(paths, name, patience, wait)
            if slot is not None and _is_of_before(paths, slot):
                slot.delete()
            elif slot is not None:
                opened = _opened(slot, open_slot)
                if trouble:
                    log.error("the journal %s is used instead: %s", name, trouble[0])
                return opened
        except JournalError as error:
            trouble.append(str(error))
    if trouble:
        raise JournalError(f"{trouble[0]} (and so with {len(trouble) - 1} others)")
    raise JournalError(f"all {MAX_SLOTS} journals are held by other servers")


def _is_of_before(paths: DataPaths, slot: Slot) -> bool:
    """Whether there are processes, or workers to come, of a journal with this name that was taken in by
    the default one. They belong to that now, and would take a new one of the name for theirs."""
    if slot.name == DEFAULT or slot.file.exists():
        return False
    orders = (order.journal for order in waiting_work_items(paths))
    return slot.name in _named_by_spools(paths) or slot.name in orders


def _named_by_spools(paths: DataPaths) -> Iterator[str]:
    for folder in paths.spools.glob("[0-9A-Z]*"):
        try:
            header = read_spool_header(folder)
        except SpoolError:  # it has just been taken in
            continue
        if is_this_host(header.host, header.boot):
            yield header.journal


def _opened(slot: Slot, open_slot: Callable[[Slot], T]) -> T:
    try:
        return open_slot(slot)
    except BaseException:
        slot.release()
        raise


def _patiently(paths: DataPaths, name: str, patience: float, wait: Callable[[float], None]) -> Slot | None:
    begun = time.monotonic()
    most = {"server": 0.0, "moment": patience, "unsaid": min(patience, ANNOUNCE_TIMEOUT)}
    while True:
        slot = try_slot(paths, name)
        address = None if slot else read_holder(paths.journals / name)
        if slot or time.monotonic() - begun >= most[address.kind if address else "unsaid"]:
            return slot
        wait(0.05)


def take_slot_briefly(paths: DataPaths, name: str = DEFAULT) -> Slot:
    """The slot called *name*, for a command that reads or writes it and goes.

    Raises `JournalHeld` with the holder's address when somebody has it.
    """
    slot = try_slot(paths, name)
    if slot is None:
        address = read_holder(paths.journals / name)
        raise JournalHeld(
            f"the journal {name!r} is held by another process",
            holder=msgspec.to_builtins(msgspec.structs.replace(address, key="")) if address else None,
        )
    slot.announce(HolderFile("moment", os.getpid(), host(), started=time.time()))
    return slot
