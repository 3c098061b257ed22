"""Where the processes of a pool reach the one that submitted."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from jupyter_agent.errors import AgentError
from jupyter_agent.runtime.engines.pool import link_server
from jupyter_agent.system.paths import DataPaths


@pytest.fixture
def deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary directory that was deleted after Python had looked for it."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "deleted"))
    return tmp_path / "deleted"


def test_a_temporary_directory_that_was_deleted_keeps_no_task_from_a_pool(deleted: Path) -> None:
    folder = link_server._private_folder()
    try:
        assert folder.stat().st_mode & 0o777 == 0o700
    finally:
        folder.rmdir()
    assert not deleted.exists()


def test_no_place_at_all_is_one_sentence(
    deleted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mkdtemp(**_: object) -> str:
        raise PermissionError(13, "Permission denied", str(deleted))

    monkeypatch.setattr(tempfile, "mkdtemp", mkdtemp)
    monkeypatch.setattr(link_server, "data_paths", lambda: DataPaths(tmp_path))
    with pytest.raises(AgentError, match=r"^no folder can be made for a pool's processes .*set TMPDIR"):
        link_server._private_folder()
