"""Processes killed with SIGKILL while they save a checkpoint: the last one that was complete is there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

AT_EACH_BYTE = """
import os, signal, sys
from pathlib import Path
from jupyter_agent.system import files
from jupyter_agent.system.paths import DataPaths
from jupyter_agent.runtime.artifacts.checkpoints import Checkpoints

TASK = "0" * 26
checkpoints = Checkpoints(DataPaths(Path(sys.argv[1])))
create = files.create_private

class Dying:
    "Writes so many bytes of a file, each for itself, and then kills the process."
    def __init__(self, file, left):
        self.file, self.left = file, left
    def __enter__(self):
        return self
    def __exit__(self, *_):
        self.file.close()
    def __getattr__(self, name):
        return getattr(self.file, name)
    def writelines(self, parts):
        for byte in b"".join(parts):
            if not self.left:
                os.kill(os.getpid(), signal.SIGKILL)
            self.left -= 1
            self.file.write(bytes([byte]))
            self.file.flush()

def child(work):
    pid = os.fork()
    if not pid:
        work()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

checkpoints.save(TASK, "old")
size = (checkpoints.versions(TASK)[-1].path).stat().st_size
for left in range(size):
    def killed():
        files.create_private = lambda path: Dying(create(path), left)
        checkpoints.save(TASK, "new")
    assert child(killed) == -signal.SIGKILL
    assert checkpoints.load(TASK) == "old", left
    parts = list(checkpoints._folder.glob(".*"))
    assert [part.stat().st_size for part in parts] == [left], parts

def whole():
    files.create_private = lambda path: Dying(create(path), size)
    checkpoints.save(TASK, "new")
assert child(whole) == 0
assert checkpoints.load(TASK) == "new"
print(size)
"""

IN_A_LOOP = """
import os, random, select, signal, sys, time
from pathlib import Path
from jupyter_agent.journal.operations.retention import delete_files
from jupyter_agent.system.paths import DataPaths
from jupyter_agent.runtime.artifacts.checkpoints import Checkpoints

TASK, dice = "0" * 26, random.Random(5)
paths = DataPaths(Path(sys.argv[1]))
checkpoints = Checkpoints(paths)
said, kills = 0, int(sys.argv[2])
for attempt in range(1, kills + 1):
    out, into = os.pipe()
    pid = os.fork()
    if not pid:
        step, padding = checkpoints.load(TASK, (0, b""))
        assert padding == bytes([step % 256]) * (step % 7 * 50_000), step
        while True:
            step += 1
            checkpoints.save(TASK, (step, bytes([step % 256]) * (step % 7 * 50_000)), attempt)
            os.write(into, b".")
    os.close(into)
    done = len(os.read(out, 1))
    assert done, "it did not get as far as its loop"
    time.sleep(dice.random() * 0.02)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    while some := os.read(out, 65536):
        done += len(some)
    os.close(out)
    step, padding = checkpoints.load(TASK)
    assert padding == bytes([step % 256]) * (step % 7 * 50_000)
    assert said + done <= step <= said + done + 1, (said, done, step)
    said = step
    assert len(list(paths.checkpoints.iterdir())) <= 2 + 1 + 1  # kept, not yet removed, half written
delete_files(paths, TASK)
assert list(paths.checkpoints.iterdir()) == []
print(kills)
"""


@pytest.mark.parametrize(
    ("script", "arguments"), [(AT_EACH_BYTE, []), (IN_A_LOOP, ["40"])], ids=["byte", "loop"]
)
def test_a_process_killed_while_it_saves_leaves_the_last_complete_checkpoint(
    tmp_path: Path, script: str, arguments: list[str]
) -> None:
    command = [sys.executable, "-W", "error", "-c", script, str(tmp_path / "agent"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 40


NO_MORE_BYTES = """
import resource, sys
from pathlib import Path
from jupyter_agent.system.paths import DataPaths
from jupyter_agent.runtime.artifacts.checkpoints import Checkpoints

TASK = "0" * 26
checkpoints = Checkpoints(DataPaths(Path(sys.argv[1])))
checkpoints.save(TASK, "old")
for room in (0, 1, 50, 4096, 100_000):
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
    try:
        checkpoints.save(TASK, bytes(200_000))
    except OSError as error:
        print(error.strerror)
    assert checkpoints.load(TASK) == "old"
    assert [path.name for path in checkpoints._folder.iterdir()] == [f"{TASK}-1-1.pickle"]
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
checkpoints.save(TASK, "new")
assert checkpoints.load(TASK) == "new"
"""


def test_a_disk_that_takes_no_more_leaves_the_last_complete_checkpoint_and_nothing_else(
    tmp_path: Path,
) -> None:
    command = [sys.executable, "-W", "error", "-c", NO_MORE_BYTES, str(tmp_path / "agent")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stderr, done.returncode) == ("", 0)
    assert done.stdout == "File too large\n" * 5
