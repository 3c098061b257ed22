"""Data paths: the folders of a user's journals, spools, results and workers."""

from __future__ import annotations

import errno
import os
import secrets
import shlex
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .files import make_private
from .locks import FileLock


@dataclass(frozen=True, slots=True)
class DataPaths:
    """The folders below one root.

    ``fallback_reason`` says why the root is not the configured one; ``None`` when it is.
    """

    root: Path
    fallback_reason: str | None = None

    @property
    def journals(self) -> Path:
        return self.root / "journals"

    @property
    def spools(self) -> Path:
        return self.root / "spools"

    @property
    def results(self) -> Path:
        return self.root / "results"

    @property
    def checkpoints(self) -> Path:
        return self.root / "checkpoints"

    @property
    def calls(self) -> Path:
        """Run specs of detached tasks."""
        return self.root / "calls"

    @property
    def orders(self) -> Path:
        """Work items that no worker has claimed."""
        return self.root / "orders"

    @property
    def workers(self) -> Path:
        """Claimed work items, logs, worker slots, and how many workers there may be."""
        return self.root / "workers"


def data_paths() -> DataPaths:
    """Return `JUPYTER_AGENT_DIR`, or ``agent`` in Jupyter's data folder; made when missing (0700).

    Where nothing can be written or locked there, a folder of this user in the host's temporary
    directory takes its place, except on a full disk, and ``fallback_reason`` says why. Every process of a
    user gets the same folder.
    """
    configured = os.environ.get("JUPYTER_AGENT_DIR")
    if configured:
        return _probed(_absolute(Path(configured).expanduser()))
    from jupyter_core.paths import jupyter_data_dir

    return _probed(Path(jupyter_data_dir()) / "agent")


def _absolute(root: Path) -> Path:
    """Return *root*, the same for later calls and child processes whatever ``chdir`` comes in between."""
    if not root.is_absolute():
        root = root.absolute()
        os.environ["JUPYTER_AGENT_DIR"] = str(root)
    return root


@cache
def _probed(root: Path) -> DataPaths:
    try:
        _probe(root)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            # It passes, and then every process must be in the same folder, with those that came before.
            return DataPaths(root)
        local = _local_folder()
        if local is None:
            return DataPaths(root)  # it may pass, too; until then, all that needs a file says what is wrong
        if local.is_symlink():  # any user may have made it in a shared folder, and may change its target
            raise PermissionError(f"{local} is a symbolic link") from error
        _probe(local)
        why = f"{root} cannot be written or locked ({error.strerror or error}); using {local}"
        return DataPaths(local, why)
    return DataPaths(root)


def _local_folder() -> Path | None:
    """Return the folder that takes the place of one that cannot be used; ``None`` where there is no place."""
    try:
        return Path(tempfile.gettempdir()) / f"jupyter_agent-{_user_id()}"
    except FileNotFoundError:  # no temporary folder can be written: a read-only container, or full disks
        return None


def left_elsewhere(paths: DataPaths) -> str | None:
    """Return where the tasks are, as a sentence, that were stored while *paths* could not be used."""
    local = _local_folder()
    if local is None or local == paths.root or not any(local.glob("journals/*/journal.sqlite")):
        return None
    if local.is_symlink() or not _is_own(local):  # any user may have made it in a shared folder
        return None
    return (
        f"tasks of a time when {paths.root} could not be used are in {local}: "
        f"JUPYTER_AGENT_DIR={shlex.quote(str(local))} jupyter agent tasks list"
    )


def ensure_temporary_folder(paths: DataPaths) -> None:
    """Use the data folder for temporary files, here and in child processes, where no other takes any."""
    try:
        tempfile.gettempdir()
    except FileNotFoundError:  # a kernel needs one, too
        os.environ["TMPDIR"] = str(make_private(paths.root))


def _is_own(folder: Path) -> bool:
    return not hasattr(os, "getuid") or folder.stat().st_uid == os.getuid()


def _probe(root: Path) -> None:
    """Make *root* and acquire a lock in it. Raises `OSError` where that does not work."""
    if root.exists() and not _is_own(root):
        raise PermissionError(f"{root} belongs to another user")
    make_private(root)
    path = root / f".probe-{os.getpid()}-{secrets.token_hex(4)}"
    lock = FileLock.acquire(path)
    path.unlink()
    if lock is None:
        raise OSError("locks do not work there")
    lock.release()


def _user_id() -> str:
    return str(os.getuid()) if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
