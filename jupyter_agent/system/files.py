"""Files: private creation, atomic replacement, removal."""

from __future__ import annotations

import errno
import json
import os
import secrets
import shutil
import stat
from pathlib import Path
from typing import IO, Any

GONE = ".gone-"


def make_private(folder: Path) -> Path:
    """Make *folder*, 0700, with its parents; narrows one that others could read."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    mode = stat.S_IMODE(folder.stat().st_mode)
    if mode & 0o077:
        folder.chmod(mode & 0o700)
    return folder


def create_private(path: Path) -> IO[bytes]:
    """A new file that only this user can read, whatever the umask. Raises `FileExistsError`."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb")


def write_private(path: Path, *parts: bytes, temporary: Path | None = None) -> None:
    """Replace *path* in one step with a synced file that only this user can read; it outlives a power loss.

    *temporary* is where it is written first: a name in the same folder that nobody else writes to, so that
    whatever a killed writer left there is replaced.
    """
    if temporary is None:
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    temporary.unlink(missing_ok=True)
    created = create_private(temporary)
    try:
        with created as file:
            file.writelines(parts)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in *folder* outlive a power loss, where the system can do that."""
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
    """Remove *folder* so that nobody ever sees it half there: it loses its name first.

    What cannot be deleted then stays under a name that `sweep` knows.
    """
    gone = folder.with_name(f"{GONE}{folder.name}-{secrets.token_hex(4)}")
    folder.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


def sweep(parent: Path) -> None:
    """Delete what `remove_folder` left in *parent*, perhaps because its process was killed."""
    for gone in parent.glob(f"{GONE}*"):
        shutil.rmtree(gone, ignore_errors=True)


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in *path*; ``None`` when it is missing or not (yet) readable as one."""
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
