"""Files: private creation, atomic replacement, removal."""

from __future__ import annotations

import errno
import json
import logging
import os
import secrets
import shutil
import stat
from pathlib import Path
from typing import IO, Any, TypeGuard

log = logging.getLogger(__name__)
GONE = ".gone-"
"""Prefix of folders that are being deleted."""


def is_file_error(error: BaseException | None) -> TypeGuard[OSError]:
    """Return True if *error* is of a file or its disk: a connection's and a timeout are `OSError` too."""
    if not isinstance(error, OSError) or isinstance(error, ConnectionError | TimeoutError):
        return False
    return error.errno is not None and error.errno > 0  # below: a host's name


def make_private(folder: Path) -> Path:
    """Make *folder* and its missing parents (0700, whatever the umask) and return it.

    One that is there and open to others is made private, which is logged: it may be shared on purpose.
    """
    for missing in reversed([parent for parent in (folder, *folder.parents) if not parent.exists()]):
        missing.mkdir(mode=0o700, exist_ok=True)
        if missing.stat().st_mode & 0o700 != 0o700:  # the umask takes the owner's rights, too
            missing.chmod(0o700)
    status = folder.stat()
    if not stat.S_ISDIR(status.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o077:
        folder.chmod(mode & ~0o077)
        _say_what_changed(folder, mode)
    return folder


_file_systems: set[int] = set()
"""Those without rights that were named."""


def _say_what_changed(folder: Path, mode: int) -> None:
    """Log that *folder*, which had *mode*, is private now; or once that its file system has no rights."""
    status = folder.stat()
    if not stat.S_IMODE(status.st_mode) & 0o077:
        log.warning(
            "%s was open to others (%o) and is private now: it is for this user's tasks", folder, mode
        )
    elif status.st_dev not in _file_systems:
        _file_systems.add(status.st_dev)
        log.warning(
            "%s cannot be made private: its file system keeps no rights, so others who reach it may read"
            " this user's tasks",
            folder,
        )


def create_private(path: Path) -> IO[bytes]:
    """Open a new file that only this user can read, whatever the umask. Raises `FileExistsError`."""
    return os.fdopen(open_private(path, os.O_WRONLY | os.O_EXCL), "wb")


def open_private(path: Path, flags: int) -> int:
    """Open a file that only this user can read and write, created if it is missing; return its fd.

    *flags* are those of `os.open` without ``O_CREAT``. A umask may take the owner's rights.
    Raises `OSError`.
    """
    fd = os.open(path, flags | os.O_CREAT | os.O_CLOEXEC, 0o600)
    if hasattr(os, "fchmod") and os.fstat(fd).st_mode & 0o600 != 0o600:
        os.fchmod(fd, 0o600)
    return fd


def write_private(path: Path, *parts: bytes, temporary: Path | None = None) -> None:
    """Replace *path* atomically with a file that only this user can read; the file survives a power loss.

    *temporary* is where it is written first: a name in the same folder that has no other writer, so that
    what a killed writer left there is replaced. Without it, a random name.
    """
    if temporary is None:
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    temporary.unlink(missing_ok=True)
    created = create_private(temporary)
    try:
        with created as file:
            file.writelines(parts)
            file.flush()
            # Content before name: renamed first, the file could be empty under its final name after a
            # power loss. The folder is synced last, since without it the new name itself may be lost.
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def probe_writing(folder: Path) -> None:
    """Write a block into *folder* and remove it again. Raises `OSError` where that does not work."""
    file = folder / f".probe-{os.getpid()}-{secrets.token_hex(4)}"
    try:
        with create_private(file) as opened:
            opened.write(bytes(4096))  # an empty file finds room on a full disk
    finally:
        file.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make the names in *folder* survive a power loss, on systems that can sync a folder."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems cannot
            raise
    finally:
        os.close(fd)


def remove_folder(folder: Path) -> None:
    """Remove *folder* without any reader seeing it half deleted: it is renamed first.

    What cannot be deleted stays under a name that `sweep` recognises.
    """
    gone = folder.with_name(f"{GONE}{folder.name}-{secrets.token_hex(4)}")
    folder.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


def sweep(parent: Path) -> None:
    """Delete what `remove_folder` left in *parent*, for example because its process was killed."""
    for gone in parent.glob(f"{GONE}*"):
        shutil.rmtree(gone, ignore_errors=True)


def identity(file: Path | int) -> tuple[int, int] | None:
    """Return device and inode of a path or a descriptor; ``None`` where there is none, or none to be seen."""
    try:
        status = os.fstat(file) if isinstance(file, int) else file.stat()
    except OSError:  # also of a disk that fails, and of a folder that may not be read
        return None
    return status.st_dev, status.st_ino


def read_json(path: Path) -> dict[str, Any] | None:
    """Return the object in *path*; ``None`` when the file is missing or is not (yet) a JSON object."""
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
