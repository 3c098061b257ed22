from __future__ import annotations

import errno
import json
import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from jupyter_agent.core.ids import is_ulid
from jupyter_agent.system import files
from jupyter_agent.system.files import make_private, read_json, remove_folder, sweep, write_private
from jupyter_agent.system.host import boot, host, is_this_host
from jupyter_agent.system.ids import new_id
from jupyter_agent.system.locks import FileLock
from jupyter_agent.system.paths import DataPaths, data_paths, ensure_temporary_folder, left_elsewhere


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


class TestFinding:
    @pytest.fixture(autouse=True)
    def local(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """The host's temporary folder."""
        folder = tmp_path / "local"
        folder.mkdir()
        monkeypatch.setattr(tempfile, "gettempdir", lambda: str(folder))
        return folder

    def test_the_environment_says_where(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("JUPYTER_AGENT_DIR", str(tmp_path / "x" / "y"))
        assert data_paths() == DataPaths(tmp_path / "x" / "y")
        assert mode(tmp_path / "x" / "y") == 0o700
        assert list((tmp_path / "x" / "y").iterdir()) == [], "the probe leaves nothing"

    def test_else_jupyters_data_folder(self, own_environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("JUPYTER_AGENT_DIR")
        assert data_paths().root == own_environment / "data" / "agent"

    def test_a_tilde_is_home(self, own_environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("JUPYTER_AGENT_DIR", "~/here")
        assert data_paths().root == own_environment / "here"

    def test_a_file_in_the_way_moves_it_and_says_why(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, local: Path
    ) -> None:
        (tmp_path / "file").write_text("in the way")
        monkeypatch.setenv("JUPYTER_AGENT_DIR", str(tmp_path / "file" / "agent"))
        paths = data_paths()
        assert paths.root == local / f"jupyter_agent-{os.getuid()}"
        assert mode(paths.root) == 0o700
        asked = tmp_path / "file" / "agent"
        assert paths.fallback_reason == (
            f"{asked} cannot be written or locked (Not a directory); using {paths.root}"
        )
        assert data_paths() == paths, "every look comes to the same answer"

    @pytest.mark.parametrize("error", [errno.ENOLCK, errno.EROFS, errno.EOPNOTSUPP])
    def test_where_locks_do_not_work_it_moves(
        self, monkeypatch: pytest.MonkeyPatch, local: Path, error: int
    ) -> None:
        real = FileLock.acquire

        def acquire(path: Path, **options: bool) -> FileLock | None:
            if local not in path.parents:
                raise OSError(error, os.strerror(error))
            return real(path, **options)

        monkeypatch.setattr(FileLock, "acquire", acquire)
        paths = data_paths()
        assert local in paths.root.parents
        assert paths.fallback_reason is not None
        assert os.strerror(error) in paths.fallback_reason

    def test_what_was_stored_elsewhere_is_told_when_the_folder_can_be_used_again(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, local: Path
    ) -> None:
        monkeypatch.setenv("JUPYTER_AGENT_DIR", str(tmp_path / "agent"))
        elsewhere = local / f"jupyter_agent-{os.getuid()}"
        (elsewhere / "journals" / "default").mkdir(parents=True)
        assert left_elsewhere(data_paths()) is None
        (elsewhere / "journals" / "default" / "journal.sqlite").touch()
        assert f"JUPYTER_AGENT_DIR={elsewhere} jupyter agent tasks list" in str(left_elsewhere(data_paths()))
        assert left_elsewhere(DataPaths(elsewhere)) is None
        os.chown(elsewhere, os.getuid() + 1, -1)
        assert left_elsewhere(data_paths()) is None, "another user may have made it"

    def test_where_no_temporary_folder_can_be_written_either_it_stays_and_takes_its_place(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def none() -> str:
            raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")

        monkeypatch.setattr(tempfile, "gettempdir", none)
        (tmp_path / "file").write_text("in the way")
        monkeypatch.setenv("JUPYTER_AGENT_DIR", str(tmp_path / "file" / "agent"))
        assert data_paths() == DataPaths(tmp_path / "file" / "agent")
        monkeypatch.setenv("JUPYTER_AGENT_DIR", str(tmp_path / "agent"))
        monkeypatch.setenv("TMPDIR", "/nowhere")
        ensure_temporary_folder(data_paths())
        assert os.environ["TMPDIR"] == str(tmp_path / "agent")

    def test_a_folder_of_another_user_is_not_used(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, local: Path
    ) -> None:
        theirs = tmp_path / "theirs"
        theirs.mkdir()
        os.chown(theirs, os.getuid() + 1, -1) if os.getuid() == 0 else pytest.fail("runs as root")
        monkeypatch.setenv("JUPYTER_AGENT_DIR", str(theirs))
        paths = data_paths()
        assert paths.fallback_reason is not None
        assert "belongs to another user" in paths.fallback_reason


class TestPrivacy:
    def test_a_new_folder_is_private_and_an_open_one_is_narrowed(self, tmp_path: Path) -> None:
        before = os.umask(0)
        try:
            assert mode(make_private(tmp_path / "a" / "b")) == 0o700
            (tmp_path / "open").mkdir(mode=0o755)
            assert mode(make_private(tmp_path / "open")) == 0o700
        finally:
            os.umask(before)

    def test_a_private_file_is_replaced_in_one_step(self, tmp_path: Path) -> None:
        path = tmp_path / "holder.json"
        write_private(path, b"one")
        write_private(path, b"two")
        assert path.read_bytes() == b"two"
        assert mode(path) == 0o600
        assert sorted(p.name for p in tmp_path.iterdir()) == ["holder.json", "home"]

    def test_one_that_cannot_be_written_leaves_the_old_one_and_nothing_else(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "holder.json"
        write_private(path, b"old")

        def full(fd: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            write_private(path, b"new")
        assert path.read_bytes() == b"old"
        assert sorted(p.name for p in tmp_path.iterdir()) == ["holder.json", "home"]


class TestRemoving:
    def test_a_folder_goes_whole(self, tmp_path: Path) -> None:
        (tmp_path / "a" / "b").mkdir(parents=True)
        (tmp_path / "a" / "b" / "c").write_text("x")
        remove_folder(tmp_path / "a")
        assert [p.name for p in tmp_path.iterdir()] == ["home"]

    def test_what_a_killed_process_left_is_swept(self, tmp_path: Path) -> None:
        (tmp_path / ".gone-x-1").mkdir()
        (tmp_path / ".gone-x-1" / "rest").write_text("x")
        (tmp_path / "stays").mkdir()
        sweep(tmp_path)
        sweep(tmp_path / "nowhere")
        assert sorted(p.name for p in tmp_path.iterdir()) == ["home", "stays"]


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b"1", b"\xff\xfe", b"null", b"[" * 10_000])
def test_a_file_without_a_json_object_is_none(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "x.json"
    if content is not None:
        path.write_bytes(content)
    assert read_json(path) is None


def test_a_json_object_is_read(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(json.dumps({"a": [1]}))
    assert read_json(tmp_path / "x.json") == {"a": [1]}


def test_ids_are_ulids_of_now_and_all_different() -> None:
    ids = [new_id() for _ in range(1000)]
    assert all(is_ulid(one) for one in ids)
    assert len(set(ids)) == 1000


def test_a_lock_is_judged_on_the_machine_that_made_it() -> None:
    assert is_this_host(None)
    assert is_this_host(host())
    assert not is_this_host("elsewhere")
    assert not is_this_host("elsewhere", "")
    assert not is_this_host("elsewhere", "another boot")
    assert is_this_host("renamed", boot()) is bool(boot())


def test_a_relative_folder_is_the_same_after_a_chdir_and_for_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JUPYTER_AGENT_DIR", "agent here")
    first = data_paths()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert data_paths() == first == DataPaths(tmp_path / "agent here")
    show = "from jupyter_agent.system.paths import data_paths; print(data_paths().root)"
    done = subprocess.run([sys.executable, "-c", show], capture_output=True, text=True, check=True)
    assert done.stdout == f"{first.root}\n"


def test_a_chdir_between_the_import_and_the_first_task_changes_no_relative_folder(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    task = "ja.task(print, name='here', show=False).submit().wait()"
    code = f"import jupyter_agent as ja, os; os.chdir('elsewhere'); {task}"
    env = os.environ | {"JUPYTER_AGENT_DIR": "agent here"}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=env, check=True)
    command = [sys.executable, "-m", "jupyter_agent.cli", "tasks", "list"]
    listed = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=True)
    assert "here" in listed.stdout
    assert not list((tmp_path / "elsewhere").iterdir())


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o177, 0o777])
def test_every_folder_that_is_made_on_the_way_is_private(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        folder = make_private(tmp_path / "calls" / "task" / "deep")
    finally:
        os.umask(before)
    assert [mode(parent) for parent in (folder, *folder.parents[:2])] == [0o700] * 3


@pytest.mark.parametrize("shared", [0o2775, 0o777, 0o1777, 0o750])
def test_a_folder_that_was_open_to_others_is_narrowed_and_that_is_said(
    tmp_path: Path, shared: int, caplog: pytest.LogCaptureFixture
) -> None:
    tmp_path.chmod(shared)
    make_private(tmp_path)
    assert mode(tmp_path) == shared & ~0o077
    (record,) = caplog.records
    assert record.getMessage().startswith(f"{tmp_path} was open to others ({shared:o}) and is private now")
    make_private(tmp_path)
    assert len(caplog.records) == 1


def test_a_file_system_without_rights_is_named_once_and_nothing_else_is_claimed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As of a share for other systems: `chmod` succeeds there, and changes nothing."""
    monkeypatch.setattr(files, "_file_systems", set())
    monkeypatch.setattr(Path, "chmod", lambda _self, _mode: None)
    for name in ("spools", "journals"):
        (tmp_path / name).mkdir()
        os.chmod(tmp_path / name, 0o777)
        assert make_private(tmp_path / name) == tmp_path / name
    (record,) = caplog.records
    assert record.getMessage().startswith(f"{tmp_path / 'spools'} cannot be made private: its file system")


def test_a_file_in_the_place_of_a_folder_is_an_error_and_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("of another program")
    (tmp_path / "file").chmod(0o644)
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(NotADirectoryError):
            make_private(folder)
    assert mode(tmp_path / "file") == 0o644
