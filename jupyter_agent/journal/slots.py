"""Slots: the folders of a user's journals, each held by at most one process.

``journals/default``, ``journals/default-2`` and so on, each with ``lock`` (held by its holder),
``holder.json`` (the holder's address and key, for this user only) and ``journal.sqlite``.

The lock comes first and goes last: only its owner writes or deletes the other files.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from ..detached.work_queue import waiting_work_items
from ..errors import JournalError, JournalHeld, SpoolError
from ..producer.spool_folder import read_spool_header
from ..system.files import make_private, remove_folder, write_private
from ..system.host import is_this_host
from ..system.locks import FileLock, is_locked
from ..system.paths import DataPaths
from ..transport.discovery import DEFAULT, ONE_SHOT, HolderFile, read_living_holder, this_holder

T = TypeVar("T")
log = logging.getLogger(__name__)
MAX_SLOTS = 16
ANNOUNCE_TIMEOUT = 1.0
"""Seconds within which a new holder has written whether it is a server or a one-shot process."""


class Slot:
    """One journal folder, held by this process until `release`."""

    def __init__(self, folder: Path, lock: FileLock) -> None:
        self.folder = folder
        self._lock = lock
        self._announced: HolderFile | None = None

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def file(self) -> Path:
        return self.folder / "journal.sqlite"

    @property
    def _address(self) -> Path:
        return self.folder / "holder.json"

    def announce(self, holder: HolderFile) -> None:
        """Write the holder's address for this user's processes."""
        write_private(self._address, msgspec.json.encode(holder))
        self._announced = holder

    def is_in_place(self) -> bool:
        """Return True if lock and address are there: not deleted, not replaced."""
        return self._lock.is_in_place() and (self._announced is None or self._address.exists())

    def restore(self) -> None:
        """Make folder, lock and address again. Raises `JournalError` when another process was faster."""
        if not self._lock.is_in_place():
            make_private(self.folder)
            lock = FileLock.acquire(self.folder / "lock")
            if lock is None:
                raise JournalError(
                    f"{self.folder} was deleted or replaced, and another process holds what is there now; "
                    "restart this server"
                )
            self._lock.release()
            self._lock = lock
        if self._announced is not None:
            self.announce(self._announced)

    def release(self) -> None:
        """Remove the address, then release the lock."""
        # The address first: once the lock is free, the file may be the next holder's.
        try:
            self._address.unlink(missing_ok=True)
        except OSError as error:  # nobody trusts an address without a lock, and the next holder replaces it
            log.debug("%s is left there: %s", self._address, error)
        self._lock.release()

    def delete(self) -> None:
        """Delete the whole slot, then release its lock; on a disk that fails, its files stay."""
        try:
            remove_folder(self.folder)
        except OSError as error:
            log.debug("%s is left there: %s", self.folder, error)
        self._lock.release()


def slot_names() -> Iterator[str]:
    """Yield every possible name, in the order in which servers try them."""
    yield DEFAULT
    yield from (f"{DEFAULT}-{number}" for number in range(2, MAX_SLOTS + 1))


def try_slot(paths: DataPaths, name: str) -> Slot | None:
    """Acquire the slot *name*; ``None`` when it is held. Raises `JournalError` when it is unusable."""
    folder = paths.journals / name
    try:
        make_private(paths.journals)
        make_private(folder)
        lock = FileLock.acquire(folder / "lock")
        if lock is not None:
            (folder / "holder.json").unlink(missing_ok=True)  # left by a holder that was killed
    except OSError as error:
        raise _unusable(folder, error) from error
    return Slot(folder, lock) if lock else None


def _unusable(folder: Path, error: OSError) -> JournalError:
    return JournalError(f"the journal folder {folder} cannot be used: {error.strerror or error}")


def holder_of(paths: DataPaths, name: str) -> HolderFile | None:
    """Return the address of the slot's holder; ``None`` when it is free, or held and not announced.

    The second: by a process that has just acquired it, or by a child of one that was killed.
    """
    folder = paths.journals / name
    return read_living_holder(folder) if is_locked(folder / "lock") else None


def existing_slots(paths: DataPaths) -> list[str]:
    """Return the names of the existing slots, `DEFAULT` first."""
    return [name for name in slot_names() if (paths.journals / name).is_dir()]


def known_slots(paths: DataPaths) -> list[str]:
    """Return `existing_slots`, and `DEFAULT` in any case: it is created when it is opened."""
    return list(dict.fromkeys([DEFAULT, *existing_slots(paths)]))


def take_server_slot(
    paths: DataPaths,
    open_slot: Callable[[Slot], T],
    *,
    timeout: float = 10.0,
    wait: Callable[[float], None] = time.sleep,
) -> T:
    """Acquire the first slot that no other server holds and that opens; return what *open_slot* returns.

    Waits at most *timeout* seconds for a process that has a slot for one job. Raises `JournalError`, with the
    reasons, when no slot can be acquired.
    """
    trouble: list[str] = []
    for name in slot_names():
        try:
            slot = _try_slot_until(paths, name, timeout, wait)
            if slot is not None and _has_leftovers(paths, slot):
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


def _has_leftovers(paths: DataPaths, slot: Slot) -> bool:
    """Return True if spools or work items name this slot, whose journal was merged into the default one.

    They belong to the default journal now; a new journal of this name would receive their events.
    """
    if slot.name == DEFAULT or slot.file.exists():
        return False
    by_items = (item.journal for item in waiting_work_items(paths))
    return slot.name in _named_by_spools(paths) or slot.name in by_items


def _named_by_spools(paths: DataPaths) -> Iterator[str]:
    for folder in paths.spools.glob("[0-9A-Z]*"):
        try:
            header = read_spool_header(folder)
        except SpoolError:  # it was recovered just now
            continue
        if is_this_host(header.host, header.boot):
            yield header.journal


def _opened(slot: Slot, open_slot: Callable[[Slot], T]) -> T:
    is_new = slot.name != DEFAULT and not slot.file.exists()
    try:
        return open_slot(slot)
    except BaseException:
        if is_new:  # with nothing in it: on a full disk, each name in turn
            slot.delete()
        else:
            slot.release()
        raise


def _try_slot_until(
    paths: DataPaths, name: str, timeout: float, wait: Callable[[float], None]
) -> Slot | None:
    start = time.monotonic()
    timeouts = {"server": 0.0, ONE_SHOT: timeout, "unannounced": min(timeout, ANNOUNCE_TIMEOUT)}
    while True:
        slot = try_slot(paths, name)
        address = None if slot else read_living_holder(paths.journals / name)
        if slot or time.monotonic() - start >= timeouts[address.kind if address else "unannounced"]:
            return slot
        wait(0.05)


def take_slot_briefly(paths: DataPaths, name: str = DEFAULT) -> Slot:
    """Acquire the slot *name* for one job.

    Raises `JournalHeld`, with the holder's address, when another process has it.
    """
    slot = try_slot(paths, name)
    if slot is None:
        address = read_living_holder(paths.journals / name)
        raise JournalHeld(
            f"the journal {name!r} is held by another process",
            holder=msgspec.to_builtins(msgspec.structs.replace(address, key="")) if address else None,
        )
    try:
        slot.announce(this_holder(ONE_SHOT))
    except OSError as error:
        slot.release()
        raise _unusable(slot.folder, error) from error
    return slot
