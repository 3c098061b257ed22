"""What a process and its descendants use: CPU and memory from /proc, GPU from nvidia-smi."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_agent.system.resources import gpu
from jupyter_agent.system.resources.gpu import PAUSE, VALID, GpuUse, NvidiaSmi, gpu_use
from jupyter_agent.system.resources.process_tree import Sample, cpu_percent, sample
from tests.support.builders import until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")

PARENT = """
import subprocess, sys
pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
children = [
    subprocess.Popen([sys.executable, "-c", sys.argv[1]], start_new_session=new, **pipes)
    for new in (False, True)
]
for child in children:
    child.stdout.read(1)
print(*(child.pid for child in children), flush=True)
sys.stdin.read()
for child in children:
    child.communicate()
"""
CHILD = """
import sys, time
block = bytearray(b"x") * 50_000_000
while time.process_time() < 0.3:
    pass
print(end=".", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def tree() -> Iterator[tuple[int, int, int]]:
    """The pids of a parent, of its child, and of its child in a session of its own; all have used CPU."""
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        near, far = map(int, parent.stdout.readline().split())
        yield parent.pid, near, far
        parent.communicate()


def test_descendants_count_in_whatever_session(tree: tuple[int, int, int]) -> None:
    parent, near, far = tree
    found = sample(parent)
    assert found is not None
    assert found.pids == {parent, near, far}
    assert found.memory > 2 * 50_000_000
    ticks = {pid: ticks for (pid, _), ticks in found.ticks.items()}
    assert min(ticks[near], ticks[far]) >= 0.25 * os.sysconf("SC_CLK_TCK")


def test_those_of_another_session_can_be_left_out(tree: tuple[int, int, int]) -> None:
    parent, near, _ = tree
    found = sample(parent, own_session=True)
    assert found is not None
    assert found.pids == {parent, near}


def test_a_process_that_is_not_there_has_no_sample() -> None:
    with subprocess.Popen(["true"]) as process:
        process.wait()
        assert sample(process.pid) is None


def test_the_cpu_is_counted_between_two_samples() -> None:
    second = os.sysconf("SC_CLK_TCK")
    before = Sample(10.0, {(1, 5): 100, (2, 6): 900}, 0)
    after = Sample(12.0, {(1, 5): 100 + second, (3, 7): second, (2, 99): 0}, 0)
    assert cpu_percent(before, after) == 100.0
    assert cpu_percent(before, before) is None


APPS = "11, GPU-a, 300\\n12, GPU-b, 200\\n13, GPU-c, 100\\n14, GPU-c, [N/A]\\n"
GPUS = "GPU-a, 90\\nGPU-b, 30\\nGPU-c, [N/A]\\n"


class Nvidia:
    """A program that answers as nvidia-smi does, in a folder that is first on the path."""

    def __init__(self, folder: Path) -> None:
        self.program = folder / "nvidia-smi"
        self.times = 0
        """How often it was started."""
        self.now = 0.0
        self.asked = NvidiaSmi(lambda: self.now)

    def says(self, apps: str, gpus: str = "", end: str = "") -> None:
        """Let it answer with texts for ``printf``, and then run *end*."""
        self.program.write_text(
            f"""#!/bin/sh
case "$1" in
--query-compute-apps=*) printf '{apps}' ;;
--query-gpu=*) printf '{gpus}' ;;
esac
{end}
"""
        )
        self.program.chmod(0o700)

    def advanced(self) -> Nvidia:
        """The same, after its last answer has become too old."""
        self.now += VALID
        return self

    def use(self, *pids: int) -> GpuUse | None:
        return gpu_use(set(pids), self.asked)


@pytest.fixture
def nvidia(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Nvidia:
    """A machine with three GPUs."""
    made = Nvidia(tmp_path)
    made.says(APPS, GPUS)
    popen = subprocess.Popen.__init__

    def count(*args: Any, **options: Any) -> None:
        made.times += 1
        popen(*args, **options)

    monkeypatch.setattr(subprocess.Popen, "__init__", count)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return made


@pytest.mark.parametrize(
    ("pids", "use"),
    [
        ((11, 12, 99), GpuUse(60.0, 500 << 20)),
        ((13, 14), GpuUse(None, 100 << 20)),
        ((99,), None),
        ((), None),
    ],
)
def test_gpus_are_those_that_the_processes_use(
    nvidia: Nvidia, pids: tuple[int, ...], use: GpuUse | None
) -> None:
    assert nvidia.use(*pids) == use


@pytest.mark.parametrize(
    ("apps", "gpus", "use"),
    [
        # two instances of a GPU divided with MIG: the driver tells no utilization of it
        ("11, GPU-a, 900\\n11, GPU-a, 100\\n", "GPU-a, [N/A]\\n", GpuUse(None, 1000 << 20)),
        ("11, MIG-1b2c, 900\\n", "GPU-a, [N/A]\\n", GpuUse(None, 900 << 20)),
        # a container or WSL, where the driver does not tell a process's memory
        ("11, GPU-a, [Insufficient Permissions]\\n", "GPU-a, 40\\n", GpuUse(40.0, 0)),
        ("11, GPU-a, [Not Supported]\\n", "GPU-a, [Not Supported]\\n", GpuUse(None, 0)),
        ("[N/A], GPU-a, 5\\n", "GPU-a, 40\\n", None),
        ("No devices were found\\n", "", None),
        (
            "WARNING: infoROM is corrupted\\n11, GPU-a, 5\\n",
            "GPU-a, 7\\n",
            GpuUse(7.0, 5 << 20),
        ),
        ("\\377\\376\\302\\262, GPU-a, 5\\n", "", None),
        ("", "", None),
    ],
)
def test_what_a_driver_does_not_tell_is_left_out(
    nvidia: Nvidia, apps: str, gpus: str, use: GpuUse | None
) -> None:
    nvidia.says(apps, gpus)
    assert nvidia.use(11) == use


def test_where_nvidia_smi_fails_or_is_not_there_nothing_is_said(
    nvidia: Nvidia, monkeypatch: pytest.MonkeyPatch
) -> None:
    nvidia.says(APPS, GPUS, "exit 9")
    assert nvidia.use(11) is None
    nvidia.now += VALID
    nvidia.program.write_bytes(b"no program")
    assert nvidia.use(11) is None
    nvidia.now += VALID
    monkeypatch.setenv("PATH", "/nowhere")
    assert nvidia.use(11) is None


def test_tasks_that_are_looked_at_together_ask_once(nvidia: Nvidia) -> None:
    assert [nvidia.use(11), nvidia.use(12)] == [GpuUse(90.0, 300 << 20), GpuUse(30.0, 200 << 20)]
    assert nvidia.times == 2, "the processes, and the GPUs"
    nvidia.now += VALID
    nvidia.use(11)
    assert nvidia.times == 4


def test_a_program_that_hangs_is_given_up_and_left_alone_for_a_while(
    nvidia: Nvidia, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpu, "TIMEOUT", 0.05)
    nvidia.says(APPS, GPUS, "exec sleep 60")
    assert nvidia.use(11) is None
    nvidia.now += PAUSE / 2
    assert nvidia.use(11) is None
    assert nvidia.times == 1
    monkeypatch.setattr(gpu, "TIMEOUT", 30)
    nvidia.says(APPS, GPUS)
    nvidia.now += PAUSE
    assert until(lambda: nvidia.advanced().use(11)) == GpuUse(90.0, 300 << 20)


def test_no_second_one_is_started_beside_one_that_cannot_be_killed(
    nvidia: Nvidia, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpu, "TIMEOUT", 0.05)
    monkeypatch.setattr(subprocess.Popen, "kill", lambda _: None)  # as in a call of a driver that hangs
    os.mkfifo(tmp_path / "end")
    nvidia.says(APPS, GPUS, f"read line < {tmp_path}/end")
    assert nvidia.use(11) is None
    nvidia.now += 10 * PAUSE
    assert nvidia.use(11) is None
    assert nvidia.times == 1
    monkeypatch.setattr(gpu, "TIMEOUT", 30)
    nvidia.says(APPS, GPUS)
    (tmp_path / "end").write_text("\n")
    assert until(lambda: nvidia.advanced().use(11)) == GpuUse(90.0, 300 << 20)
