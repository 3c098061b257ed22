"""Files belong to this user alone, whatever the umask, and pickles are loaded only from such files."""

from __future__ import annotations

import os
import pickle
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_agent.core.events import Result
from jupyter_agent.errors import ResultNotStored, UnknownTask
from jupyter_agent.runtime.artifacts.checkpoints import Checkpoints
from jupyter_agent.runtime.artifacts.results import Store
from jupyter_agent.system import paths as paths_module
from jupyter_agent.system.files import create_private
from jupyter_agent.system.ids import new_id
from jupyter_agent.system.paths import DataPaths, data_paths
from tests.support.builders import until
from tests.support.servers import Server, environment

EVERYTHING = """
import os, sys
import jupyter_agent as ja

def work():
    context = ja.current()
    context.checkpoint({"step": 1})
    context.log("a line")
    return list(range(10))

here, there = ja.submit(work), ja.task(work, on="process").submit()
here.result(30), there.result(30)
open_one = ja.submit(sys.stdin.read)
ja.submit(print, "x" * 3_000_000).result(30)
print("ready", flush=True)
open_one.result()
"""


@pytest.fixture
def umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def _modes(folder: Path) -> dict[Path, int]:
    """The mode of everything below *folder*, itself included."""
    found = {}
    for path in (folder, *folder.rglob("*")):
        try:
            found[path] = path.lstat().st_mode
        except FileNotFoundError:
            continue  # the server took it in just now
    return found


def _open_to_others(folder: Path) -> list[str]:
    return [
        f"{path} {stat.filemode(mode)}"
        for path, mode in _modes(folder).items()
        if mode & 0o077 or (stat.S_ISREG(mode) and mode & 0o700 != 0o600)
    ]


def _kinds(folder: Path) -> set[str]:
    """Which kinds of files there are."""
    return {path.suffix or path.name for path in _modes(folder) if path.is_file()}


@pytest.fixture
def script(umask: None) -> Iterator[Callable[[Path, Path], subprocess.Popen[str]]]:
    """``script(home, agent)`` runs `EVERYTHING`, which waits in the middle of a task; killed at the end."""
    started: list[subprocess.Popen[str]] = []

    def start(home: Path, agent: Path) -> subprocess.Popen[str]:
        env = environment(home, agent)
        process = subprocess.Popen(
            [sys.executable, "-c", EVERYTHING],
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        while (line := process.stdout.readline()) != "ready\n":
            assert line, "it ended before it was ready"
        return process

    yield start
    for process in started:
        process.kill()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        process.stdout.close()
        process.wait()


def test_everything_is_private_under_an_open_umask_with_a_server(
    shared: Server, script: Callable[[Path, Path], subprocess.Popen[str]]
) -> None:
    process = script(shared.home, shared.agent)
    assert {".sqlite", ".sqlite-wal", ".json", ".seg", ".pickle", "lock"} <= _kinds(shared.agent)
    assert _open_to_others(shared.agent) == []
    process.send_signal(signal.SIGKILL)
    process.wait()
    until(lambda: not list((shared.agent / "spools").glob("[0-9A-Z]*")))
    assert _open_to_others(shared.agent) == []


def test_everything_is_private_under_an_open_umask_without_one(
    tmp_path: Path, script: Callable[[Path, Path], subprocess.Popen[str]]
) -> None:
    agent = tmp_path / "deep" / "agent"
    script(tmp_path / "home", agent)
    command = [sys.executable, "-m", "jupyter_agent.cli", "tasks", "list"]
    env = environment(tmp_path / "home", agent)
    listed = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    assert "running" in listed.stdout
    assert {".sqlite", ".json", ".seg", ".pickle", "lock"} <= _kinds(agent)
    assert _open_to_others(agent) == []


@pytest.mark.usefixtures("umask")
def test_what_was_open_to_others_is_narrowed(paths: DataPaths) -> None:
    paths.root.chmod(0o777)
    paths_module._probed.cache_clear()
    assert data_paths() == paths
    assert stat.S_IMODE(paths.root.stat().st_mode) == 0o700


def test_a_private_file_is_never_one_that_was_there(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "target")
    (tmp_path / "file").touch()
    for name in ("link", "file"):
        with pytest.raises(FileExistsError):
            create_private(tmp_path / name)
    assert not (tmp_path / "target").exists()


@pytest.mark.parametrize("points_at", ["a folder of this user", "nothing"])
def test_the_temporary_folder_is_not_entered_by_a_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, points_at: str
) -> None:
    temporary, target = tmp_path / "tmp", tmp_path / "target"
    temporary.mkdir()
    if points_at != "nothing":
        target.mkdir(mode=0o755)
    (temporary / f"jupyter_agent-{os.getuid()}").symlink_to(target)
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(temporary))
    (tmp_path / "file").touch()
    monkeypatch.setenv("JUPYTER_AGENT_DIR", str(tmp_path / "file" / "agent"))
    with pytest.raises(PermissionError, match="symbolic link"):
        data_paths()
    assert not target.exists() or (list(target.iterdir()), stat.S_IMODE(target.stat().st_mode)) == ([], 0o755)


class Evil:
    """Loading it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (Path.touch, (self.path,))


@pytest.fixture
def evil(tmp_path: Path) -> bytes:
    return pickle.dumps(Evil(tmp_path / "loaded"))


STORED = Result("it", stored=True)


def _group_writable(path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_bytes(content)
    path.chmod(0o620)


def _world_writable(path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_bytes(content)
    path.chmod(0o602)


def _linked(path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    other = path.with_name("elsewhere")
    other.write_bytes(content)
    other.chmod(0o600)
    path.symlink_to(other)


def _dangling(path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    path.symlink_to(path.with_name("nowhere"))


def _pipe(path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(path, 0o600)


def _folder(path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    path.mkdir()


def _of_another_user(path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_bytes(content)
    path.chmod(0o600)
    own = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: own + 1)


NOT_LOADED = [_group_writable, _world_writable, _linked, _dangling, _pipe, _folder, _of_another_user]


@pytest.mark.parametrize("make", NOT_LOADED, ids=lambda make: make.__name__.strip("_"))
@pytest.mark.parametrize("kind", ["result", "checkpoint"])
def test_a_pickle_is_not_loaded_from(
    paths: DataPaths, tmp_path: Path, evil: bytes, monkeypatch: pytest.MonkeyPatch, make: Any, kind: str
) -> None:
    store, checkpoints, task = Store(paths), Checkpoints(paths), new_id()
    if kind == "result":
        store.save_result(task, 1, "it")
        path = paths.results / f"{task}-1.pickle"
    else:
        checkpoints.save(task, "it")
        path = paths.checkpoints / f"{task}-1-1.pickle"
    path.unlink()
    make(path, evil, monkeypatch)
    with pytest.raises(ResultNotStored, match="is not loaded"):
        store.load_result(task, 1, STORED) if kind == "result" else checkpoints.load(task)
    assert not (tmp_path / "loaded").exists()


def test_a_pickle_of_ones_own_is_loaded(paths: DataPaths, tmp_path: Path, evil: bytes) -> None:
    """The others above would prove nothing if nothing ever were."""
    store, task = Store(paths), new_id()
    store.save_result(task, 1, "it")
    (paths.results / f"{task}-1.pickle").write_bytes(evil)
    store.load_result(task, 1, STORED)
    assert (tmp_path / "loaded").exists()


@pytest.mark.parametrize("ident", ["../x", "..", "/etc/passwd", "a/b", "\x00", "", "A" * 25, "A" * 26 + "\n"])
def test_what_is_no_id_is_no_file_name(paths: DataPaths, ident: str) -> None:
    store, checkpoints = Store(paths), Checkpoints(paths)
    uses: list[Callable[[], object]] = [
        lambda: store.load_result(ident, 1, STORED),
        lambda: checkpoints.load(ident),
        lambda: checkpoints.save(ident, 1),
    ]
    for use in uses:
        with pytest.raises(UnknownTask):
            use()
    assert store.save_result(ident, 1, "it").stored is False
    assert [path for path in paths.root.rglob("*") if path.is_file()] == []
