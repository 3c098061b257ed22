"""Checkpoints: the newest complete one is loaded, whatever happened to later files."""

from __future__ import annotations

import errno
import os
import pickle
import stat
import threading
from pathlib import Path

import pytest

import jupyter_agent as ja
from jupyter_agent.errors import ResultNotStored
from jupyter_agent.journal.operations.retention import delete_files
from jupyter_agent.runtime.artifacts import checkpoints as checkpoints_module
from jupyter_agent.runtime.artifacts.checkpoints import Checkpoints
from jupyter_agent.system.paths import DataPaths
from tests.support.builders import TASK, task_id
from tests.support.runtime import logs, own_producer  # noqa: F401


@pytest.fixture
def checkpoints(paths: DataPaths) -> Checkpoints:
    return Checkpoints(paths)


def names(paths: DataPaths) -> list[str]:
    """The names of the files in the folder, without the task's id."""
    return sorted(path.name.replace(TASK, "task") for path in paths.checkpoints.iterdir())


def test_the_newest_is_loaded_and_the_previous_one_is_kept(
    checkpoints: Checkpoints, paths: DataPaths
) -> None:
    assert checkpoints.load(TASK, "none yet") == "none yet"
    sizes = [checkpoints.save(TASK, {"step": step}) for step in range(12)]
    assert checkpoints.load(TASK) == {"step": 11}
    assert sizes[0] == len(pickle.dumps({"step": 0}, protocol=pickle.HIGHEST_PROTOCOL))
    assert names(paths) == ["task-1-11.pickle", "task-1-12.pickle"]
    assert checkpoints.load(task_id(1), "another task's") == "another task's"


def test_a_file_cut_at_any_byte_falls_back_to_the_previous_one(
    checkpoints: Checkpoints, paths: DataPaths, caplog: pytest.LogCaptureFixture
) -> None:
    checkpoints.save(TASK, "before")
    checkpoints.save(TASK, "newest")
    newest = paths.checkpoints / f"{TASK}-1-2.pickle"
    whole = newest.read_bytes()
    for length in range(len(whole)):
        newest.write_bytes(whole[:length])
        assert checkpoints.load(TASK) == "before", length
    assert len(caplog.records) == len(whole)
    assert "is damaged; the one before it is used" in caplog.text
    newest.write_bytes(whole)
    assert checkpoints.load(TASK) == "newest"


def test_a_changed_byte_falls_back_to_the_previous_one(checkpoints: Checkpoints, paths: DataPaths) -> None:
    checkpoints.save(TASK, "before")
    checkpoints.save(TASK, "newest")
    newest = paths.checkpoints / f"{TASK}-1-2.pickle"
    whole = newest.read_bytes()
    for at in range(len(whole)):
        newest.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert checkpoints.load(TASK) == "before", at
    newest.write_bytes(whole + b"more")
    assert checkpoints.load(TASK) == "before"


def test_when_all_are_damaged_loading_raises_and_nothing_starts_over(
    checkpoints: Checkpoints, paths: DataPaths
) -> None:
    checkpoints.save(TASK, "only")
    (paths.checkpoints / f"{TASK}-1-1.pickle").write_bytes(b"")
    with pytest.raises(ResultNotStored, match=r"every checkpoint .* delete the task or use another key"):
        checkpoints.load(TASK, "default")
    checkpoints.save(TASK, "again")
    assert checkpoints.load(TASK) == "again"


def test_one_that_an_older_version_wrote_is_loaded_until_there_are_newer_ones(
    checkpoints: Checkpoints, paths: DataPaths
) -> None:
    paths.checkpoints.mkdir(mode=0o700)
    (paths.checkpoints / f"{TASK}.pickle").write_bytes(pickle.dumps("old"))
    assert checkpoints.load(TASK) == "old"
    checkpoints.save(TASK, "new")
    assert checkpoints.load(TASK) == "new"
    (paths.checkpoints / f"{TASK}-1-1.pickle").write_bytes(b"torn")
    assert checkpoints.load(TASK) == "old"
    checkpoints.save(TASK, "newer")
    assert names(paths) == ["task-1-1.pickle", "task-1-2.pickle"]


def test_an_earlier_attempt_that_is_still_running_does_not_undo_what_a_later_one_saved(
    checkpoints: Checkpoints, paths: DataPaths
) -> None:
    for step in range(10):
        checkpoints.save(TASK, f"first {step}", attempt=1)
    checkpoints.save(TASK, "second", attempt=2)
    checkpoints.save(TASK, "first, cut off", attempt=1)
    assert checkpoints.load(TASK) == "second"
    assert names(paths) == ["task-1-11.pickle", "task-2-1.pickle"]


def test_a_failed_save_leaves_the_previous_checkpoints(
    checkpoints: Checkpoints, paths: DataPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoints.save(TASK, "kept")
    with pytest.raises(TypeError, match="pickle"):
        checkpoints.save(TASK, threading.Lock())
    monkeypatch.setattr(checkpoints_module, "MAX_CHECKPOINT", 100)
    with pytest.raises(ValueError, match=r"a checkpoint of 1,0.. bytes is over 100"):
        checkpoints.save(TASK, "x" * 1000)

    def full(fd: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        checkpoints.save(TASK, "lost")
    assert checkpoints.load(TASK) == "kept"
    assert names(paths) == ["task-1-1.pickle"]


def test_a_full_disk_does_not_stop_the_task_and_is_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def work() -> tuple[bool, bool, object]:
        first = ja.current().checkpoint("one")
        with monkeypatch.context() as patch:
            patch.setattr(checkpoints_module, "write_private", full)
            second = ja.current().checkpoint("two")
        return first, second, ja.current().restore()

    handle = ja.submit(work)
    assert handle.result(10) == (True, False, "one")
    assert [log.text for log in logs(handle.id)] == ["the checkpoint was not kept: No space left on device"]
    assert [event.type for event in handle.events()].count("checkpoint") == 1


def test_a_damaged_newest_checkpoint_is_logged(paths: DataPaths) -> None:
    def work() -> object:
        context = ja.current()
        context.checkpoint("one")
        context.checkpoint("two")
        (paths.checkpoints / f"{context.id}-1-2.pickle").write_bytes(b"torn")
        return context.restore()

    handle = ja.submit(work)
    assert handle.result(10) == "one"
    assert [log.text for log in logs(handle.id)] == [
        f"the checkpoint {paths.checkpoints}/{handle.id}-1-2.pickle is damaged; the one before it is used"
    ]


def test_file_and_folder_are_synced_before_the_oldest_goes(
    checkpoints: Checkpoints, paths: DataPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power loss may leave what existed at any moment of this."""
    done: list[str] = []
    sync, replace, unlink = os.fsync, Path.replace, Path.unlink

    def synced(fd: int) -> None:
        done.append("sync folder" if stat.S_ISDIR(os.fstat(fd).st_mode) else "sync file")
        sync(fd)

    def replaced(path: Path, target: Path) -> Path:
        done.append("rename")
        return replace(path, target)

    def unlinked(path: Path, missing_ok: bool = False) -> None:
        if path.exists():
            done.append(f"remove {path.name.replace(TASK, 'task')}")
        unlink(path, missing_ok)

    checkpoints.save(TASK, 1)
    checkpoints.save(TASK, 2)
    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", replaced)
    monkeypatch.setattr(Path, "unlink", unlinked)
    checkpoints.save(TASK, 3)
    assert done == ["sync file", "rename", "sync folder", "remove task-1-1.pickle"]


def test_temporary_files_are_removed_with_the_next_attempt_or_with_the_task(
    checkpoints: Checkpoints, paths: DataPaths
) -> None:
    checkpoints.save(TASK, "one")
    half = paths.checkpoints / f".{TASK}-1.part"
    half.write_bytes(b"half")
    checkpoints.save(TASK, "two", attempt=1)
    assert not half.exists()
    half.write_bytes(b"half")
    checkpoints.save(TASK, "three", attempt=2)
    assert not half.exists()
    half.write_bytes(b"half")
    (paths.checkpoints / f"{task_id(7)}.pickle").write_bytes(b"another's")
    delete_files(paths, TASK)
    assert [path.name for path in paths.checkpoints.iterdir()] == [f"{task_id(7)}.pickle"]


def test_many_threads_save_one_after_the_other(checkpoints: Checkpoints, paths: DataPaths) -> None:
    def save(name: int) -> None:
        for step in range(10):
            checkpoints.save(TASK, (name, step))

    threads = [threading.Thread(target=save, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names(paths) == ["task-1-39.pickle", "task-1-40.pickle"]
    assert checkpoints.load(TASK)[1] == 9  # type: ignore[index]


def test_a_reader_beside_a_writer_always_finds_one(checkpoints: Checkpoints) -> None:
    checkpoints.save(TASK, 0)
    stop = threading.Event()
    seen: list[int] = []

    def read() -> None:
        while not stop.is_set():
            seen.append(Checkpoints(DataPaths(checkpoints._folder.parent)).load(TASK, -1))  # type: ignore[arg-type]

    reader = threading.Thread(target=read)
    reader.start()
    for step in range(1, 150):
        checkpoints.save(TASK, step)
    stop.set()
    reader.join()
    assert seen == sorted(seen)
    assert min(seen, default=0) >= 0
