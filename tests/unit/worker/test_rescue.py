"""Helper process of a detached worker: what may not keep the worker from starting."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.runtime import run_script

NO_CHILDREN = "import signal\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
NO_PROCESSES = "import os\ndef fork():\n    raise BlockingIOError('no more')\nos.fork = fork\n"


@pytest.mark.parametrize("before", [NO_CHILDREN, NO_PROCESSES])
def test_a_worker_starts_without_one_where_it_must(before: str, tmp_path: Path) -> None:
    script = "from jupyter_agent.worker.rescue import Helper\nHelper('one').started()\nprint('started')\n"
    done = run_script(tmp_path, before + script)
    assert (done.stdout, done.returncode) == ("started\n", 0), done.stderr
