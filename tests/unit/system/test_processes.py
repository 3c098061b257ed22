"""Ending processes: one ladder from SIGTERM to SIGKILL, and how its seconds nest."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from jupyter_agent.system import graces
from jupyter_agent.system.process_table import has_ended, is_dying, members
from jupyter_agent.system.processes import Child, kill_all, terminate, wait_for_end


class Recorded:
    """A target that ends after it was looked at *looks* times."""

    def __init__(self, looks: int) -> None:
        self.looks = looks
        self.sent: list[signal.Signals] = []

    def send(self, number: signal.Signals) -> None:
        self.sent.append(number)

    def is_alive(self) -> bool:
        self.looks -= 1
        return self.looks >= 0


def test_sigkill_comes_after_the_target_has_ended_or_the_grace() -> None:
    quick, stubborn = Recorded(3), Recorded(1 << 30)
    terminate(quick, 60.0, pause=lambda: None)
    assert (quick.sent, quick.looks) == ([signal.SIGTERM, signal.SIGKILL], -1)
    terminate(stubborn, 0.0, pause=lambda: None)
    assert stubborn.sent == [signal.SIGTERM, signal.SIGKILL]


def test_an_exception_while_waiting_sends_no_sigkill() -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    target = Recorded(10)
    with pytest.raises(KeyboardInterrupt):
        terminate(target, 60.0, pause=stop)
    assert target.sent == [signal.SIGTERM]


def test_a_child_that_ignores_sigterm_is_killed() -> None:
    deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); print(flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", deaf], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        terminate(Child(process), 0.1)
        wait_for_end(Child(process), 20.0)
        assert process.returncode == -signal.SIGKILL


def test_sigkill_is_sent_again_while_anything_is_left() -> None:
    target = Recorded(3)
    kill_all(target)
    assert target.sent == [signal.SIGKILL] * 3


def test_outer_waits_are_longer_than_the_inner_ones_together() -> None:
    ends_itself = graces.FORCE_INTERVAL + graces.FLUSH_TIMEOUT + graces.CHILDREN_GRACE
    assert graces.KILL_TIMEOUT < graces.FORCE_INTERVAL
    assert ends_itself < graces.OVERTIME
    assert graces.INTERRUPT_DELAY < graces.GRACE


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_process_that_is_killed_is_dying_until_it_has_ended() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        assert (is_dying(process.pid), has_ended(process.pid)) == (False, False)
        process.kill()
        assert is_dying(process.pid)  # at once, for the signal waits, and as a zombie
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert (is_dying(process.pid), has_ended(process.pid)) == (True, True)
    assert (is_dying(process.pid), has_ended(process.pid)) == (False, True)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_process_whose_name_is_cut_within_a_character_is_read() -> None:
    """The kernel cuts it at 15 bytes."""
    rename = "open('/proc/self/comm', 'w').write('x' * 14 + 'é'); print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", rename], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert (is_dying(process.pid), has_ended(process.pid)) == (False, False)
        assert process.pid in list(members(os.getsid(0)))
        process.kill()


def test_a_number_that_is_no_process_has_ended() -> None:
    assert has_ended(1 << 70)
    assert not is_dying(1 << 70)
