"""A spool that a newer version has written is no damage: it is said, and left as it is."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from jupyter_agent.core.events import About, State, TaskState
from jupyter_agent.journal.operations.spool_recovery import recover_spools
from jupyter_agent.journal.session import JournalSession
from jupyter_agent.journal.sqlite.journal import SQLiteJournal
from jupyter_agent.producer.segment import MAGIC
from jupyter_agent.producer.spool import Spool
from jupyter_agent.producer.spool_folder import header_for
from jupyter_agent.system.ids import new_id
from jupyter_agent.system.paths import DataPaths
from tests.support.builders import HOLDER, task_id


def test_it_is_left_and_said_until_a_version_that_knows_it_recovers_it(
    tmp_path: Path, paths: DataPaths
) -> None:
    spool = Spool.create(paths, header_for(new_id(), "default", 1.0))
    spool.append(task_id(1), 1, "state", State(TaskState.QUEUED, about=About("train")))
    spool.close()
    (segment,) = spool.folder.glob("*.seg")
    content = segment.read_bytes()
    segment.write_bytes(MAGIC[:-1] + b"2" + content[len(MAGIC) :][::-1])
    said: list[dict[str, str]] = []
    with closing(SQLiteJournal(tmp_path / "journal", HOLDER, "E")) as journal:
        session = JournalSession(journal, lambda _stored, _seconds: None, note_unreadable=said.append)
        assert recover_spools(session, paths, "default") == 0
        assert "was written by a newer version of jupyter_agent" in said[-1][spool.folder.name]
        assert journal.head == 0
        segment.write_bytes(content)
        assert recover_spools(session, paths, "default") == 1
        assert said[-1] == {}
        assert journal.task(task_id(1)) is not None
    assert not spool.folder.exists()
