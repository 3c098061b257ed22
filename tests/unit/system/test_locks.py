"""Locks, held by real processes."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from jupyter_agent.system.locks import FileLock, is_locked
from tests.support.builders import python, until

HOLD = """
import os, sys
from pathlib import Path
from jupyter_agent.system.locks import FileLock
lock = FileLock.acquire(Path(sys.argv[1]))
if len(sys.argv) > 2:
    child = os.fork()
    if child == 0:
        sys.stdin.read()
        os._exit(0)
    print(child, flush=True)
print("held" if lock else "refused", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lock"


def test_one_process_holds_it_and_no_other_gets_it(path: Path) -> None:
    with python(HOLD, path) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert is_locked(path)
        assert FileLock.acquire(path) is None
        with python(HOLD, path) as second:
            assert second.stdout is not None
            assert second.stdout.readline() == "refused\n"


def test_a_kill_frees_it(path: Path) -> None:
    with python(HOLD, path) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        assert not is_locked(path)
        lock = FileLock.acquire(path)
        assert lock is not None
        lock.release()


def test_a_stopped_process_still_holds_it(path: Path) -> None:
    with python(HOLD, path) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        holder.send_signal(signal.SIGSTOP)
        assert is_locked(path)


def test_a_forked_child_does_not_hold_it_after_its_parent_died(path: Path) -> None:
    with python(HOLD, path, "fork") as holder:
        assert holder.stdout is not None
        child = int(holder.stdout.readline())
        assert holder.stdout.readline() == "held\n"
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        os.kill(child, 0)
        assert until(lambda: not is_locked(path)), "the child closes its copy before anything else runs in it"
        os.kill(child, signal.SIGKILL)


@pytest.mark.parametrize("read", ["open", "copy", "hash", "child"])
def test_no_other_descriptor_of_the_file_drops_it(path: Path, read: str, tmp_path: Path) -> None:
    """POSIX record locks fall when their process closes any descriptor: a backup of HOME drops them."""
    lock = FileLock.acquire(path)
    assert lock is not None
    match read:
        case "open":
            path.open().close()
        case "copy":
            shutil.copy(path, tmp_path / "copy")
        case "hash":
            hashlib.sha256(path.read_bytes())
        case "child":
            subprocess.run(["cat", str(path)], check=True)
    assert is_locked(path)
    with python(HOLD, path) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "refused\n"
    lock.release()
    assert not is_locked(path)


def test_a_forked_child_may_close_and_release_whatever_it_inherited(path: Path) -> None:
    lock = FileLock.acquire(path)
    assert lock is not None
    child = os.fork()
    if child == 0:
        lock.release()
        path.open().close()
        os.closerange(3, 256)
        os._exit(0)
    os.waitpid(child, 0)
    assert is_locked(path)
    lock.release()
    assert not is_locked(path)


FORKING = """
import os, sys
from pathlib import Path
os.register_at_fork(after_in_child=lambda: sys.stdin.readline())  # before the hook of `locks`: a slow child
from jupyter_agent.system.locks import FileLock

path = Path(sys.argv[1])
lock = FileLock.acquire(path)
if not os.fork():
    os._exit(0)
lock.release()
lock = FileLock.acquire(path)
print(lock is not None, flush=True)
sys.stdin.read()
"""


def test_a_lock_is_released_while_a_forked_child_still_has_its_copy(path: Path) -> None:
    with python(FORKING, path) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "True\n"
        assert is_locked(path)


def test_a_child_that_ends_does_not_free_its_parents(path: Path) -> None:
    lock = FileLock.acquire(path)
    assert lock is not None
    code = "import sys; from pathlib import Path; from jupyter_agent.system.locks import is_locked as f"
    with python(code + "; print(f(Path(sys.argv[1])), flush=True)", path) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "True\n"
        other.wait()
    with python(HOLD, path) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "refused\n"
    lock.release()


def test_the_process_that_holds_it_does_not_get_it_twice(path: Path) -> None:
    lock = FileLock.acquire(path)
    assert lock is not None
    assert FileLock.acquire(path) is None
    assert is_locked(path)
    lock.release()
    lock.release()
    again = FileLock.acquire(path)
    assert again is not None
    lock.release()
    assert is_locked(path), "an old handle does not free a new holder's"
    again.release()


def test_looking_from_the_process_that_holds_it_does_not_drop_it(path: Path) -> None:
    lock = FileLock.acquire(path)
    assert lock is not None
    for _ in range(3):
        assert is_locked(path)
        assert FileLock.acquire(path) is None
    with python(HOLD, path) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "refused\n"
    lock.release()


def test_it_stays_held_when_its_folder_is_renamed(tmp_path: Path) -> None:
    (tmp_path / "newborn").mkdir()
    lock = FileLock.acquire(tmp_path / "newborn" / "lock")
    assert lock is not None
    (tmp_path / "newborn").rename(tmp_path / "grown")
    with python(HOLD, tmp_path / "grown" / "lock") as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "refused\n"
    assert FileLock.acquire(tmp_path / "grown" / "lock") is None
    lock.release()


def test_a_missing_file_is_not_locked_and_not_created_by_looking(path: Path) -> None:
    assert not is_locked(path)
    with pytest.raises(FileNotFoundError):
        FileLock.acquire(path, create=False)
    assert not path.exists()


def test_looking_does_not_prevent_acquiring(path: Path) -> None:
    looking = """
import sys
from pathlib import Path
from jupyter_agent.system.locks import is_locked
print("looking", flush=True)
while True:
    is_locked(Path(sys.argv[1]))
"""
    path.touch()
    with python(looking, path) as looker:
        assert looker.stdout is not None
        looker.stdout.readline()
        for _ in range(2000):
            lock = FileLock.acquire(path)
            assert lock is not None
            lock.release()


def test_the_file_is_private(path: Path) -> None:
    lock = FileLock.acquire(path)
    assert lock is not None
    assert path.stat().st_mode & 0o777 == 0o600
    lock.release()


def test_descriptors_do_not_leak(path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(50):
        lock = FileLock.acquire(path)
        assert lock is not None
        assert FileLock.acquire(path) is None
        is_locked(path)
        lock.release()
        is_locked(path)
    assert until(lambda: len(os.listdir("/proc/self/fd")) == before)
