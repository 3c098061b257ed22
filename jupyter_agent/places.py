"""Where things are on disk, who this machine is, and the two careful ways to write a file."""

from __future__ import annotations

import errno
import json
import os
import secrets
import shutil
import socket
import stat
import tempfile
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any

from .core.ids import ulid, ulid_after
from .locks import FileLock

GONE = ".gone-"


@dataclass(frozen=True, slots=True)
class Places:
    """The folders below one root; ``moved`` says why the root is not where it was asked to be."""

    root: Path
    moved: str | None = None

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
        """What detached tasks run."""
        return self.root / "calls"

    @property
    def orders(self) -> Path:
        """Attempts that wait for a worker."""
        return self.root / "orders"

    @property
    def workers(self) -> Path:
        """What workers have in hand, and how many there may be."""
        return self.root / "workers"


def find_places() -> Places:
    """`JUPYTER_AGENT_DIR`, or ``agent`` in Jupyter's data folder; made when missing (0700).

    Where nothing can be written or locked there, a folder of this user in the host's temporary
    directory takes its place and ``moved`` says so. Every process of a user comes to the same answer.
    """
    asked = os.environ.get("JUPYTER_AGENT_DIR")
    if asked:
        return _probed(Path(asked).expanduser())
    from jupyter_core.paths import jupyter_data_dir

    return _probed(Path(jupyter_data_dir()) / "agent")


@cache
def _probed(root: Path) -> Places:
    try:
        _probe(root)
    except OSError as error:
        local = Path(tempfile.gettempdir()) / f"jupyter_agent-{_user_id()}"
        if local.is_symlink():  # anybody may have put it there, and may turn it elsewhere
            raise PermissionError(f"{local} is a symbolic link") from error
        _probe(local)
        why = f"{root} cannot be written or locked ({error.strerror or error}); using {local}"
        return Places(local, why)
    return Places(root)


def _probe(root: Path) -> None:
    if root.exists() and hasattr(os, "getuid") and root.stat().st_uid != os.getuid():
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


_newest_id = ""


def new_id() -> str:
    """A fresh ULID of now; greater than those before, so that what this process makes keeps its order."""
    global _newest_id
    made = ulid(time.time(), secrets.token_bytes(10))
    if made <= _newest_id:
        made = ulid_after(_newest_id, secrets.token_bytes(8))
    _newest_id = made
    return made


@cache
def host() -> str:
    """This machine's name, as spools and producers state it."""
    return socket.gethostname()


@cache
def boot() -> str:
    """What tells one run of this machine's kernel from the next; empty where there is no such id."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def is_this_host(other_host: str | None, other_boot: str | None = None) -> bool:
    """Whether a lock that *other_host* made can be judged from here."""
    return other_host in (None, host()) or bool(other_boot and other_boot == boot())
