"""`track` in a real terminal: a bar that no output tears, and none without a terminal."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from jupyter_agent.core.events import Progress, decode_data
from tests.support.builders import until
from tests.support.pty import in_terminal, script_in_terminal
from tests.support.runtime import spooled

BAR = "━"
START = "import logging, sys, threading, time\nlogging.basicConfig()\nimport jupyter_agent as ja\n"


def loop(body: str, items: str = "range(8)", name: str = "fit") -> str:
    lines = "".join(f"    {line}\n" for line in body.split("\n"))
    return f"{START}for i in ja.track({items}, name={name!r}):\n{lines}print('after')\n"


def test_the_bar_moves_and_stays_as_a_line(tmp_path: Path) -> None:
    with script_in_terminal(tmp_path, loop("time.sleep(0.1)")) as terminal:
        (line,) = terminal.until("3/8")
        assert line.startswith("fit  " + BAR)
        assert line.endswith(" left")
        assert terminal.end() == 0
    bar, after = terminal.screen
    assert bar.startswith("fit  " + BAR * 40 + "  100%  8/8  ")
    assert re.search(r" in \d", bar)
    assert after == "after"


def test_what_is_printed_and_logged_in_between_stands_above_it(tmp_path: Path) -> None:
    body = "time.sleep(0.12)\nprint('printed', i)\nlogging.warning('logged %d', i)\n"
    body += "sys.stderr.write('written\\n')"
    with script_in_terminal(tmp_path, loop(body)) as terminal:
        while True:
            *lines, last = terminal.until("fit")
            assert last.startswith("fit  ")
            assert not [line for line in lines if BAR in line or "fit" in line], lines
            if "printed 5" in lines:
                break
            terminal.until(f"printed {lines.count('written') + 1}")
            terminal.until("left")
        assert terminal.end() == 0
    said = [line for i in range(8) for line in (f"printed {i}", f"WARNING:root:logged {i}", "written")]
    assert terminal.screen[:-2] == said
    assert terminal.screen[-2].startswith("fit  " + BAR)


def test_a_line_without_its_end_is_left_alone(tmp_path: Path) -> None:
    body = "print('.', end='', flush=True)\ntime.sleep(0.12)"
    with script_in_terminal(tmp_path, loop(body)) as terminal:
        assert terminal.end() == 0
    dots, bar, _ = terminal.screen
    assert dots == "........"
    assert bar.startswith("fit  " + BAR)


def test_a_question_is_not_drawn_over(tmp_path: Path) -> None:
    body = "time.sleep(0.3)\nprint('hello', input(f'name {i}? '))\ntime.sleep(0.3)"
    with script_in_terminal(tmp_path, loop(body, "range(2)")) as terminal:
        terminal.until("name 0?")
        before = len(terminal.raw)
        terminal.type(b"bo")
        assert terminal.until("name 0? bo")[-1] == "name 0? bo"
        terminal.type(b"b\n")
        terminal.until("hello bob")
        assert BAR.encode() not in terminal.raw[before:].split(b"hello")[0]
        terminal.until("50%")
        terminal.until("name 1?")
        terminal.type(b"al\n")
        assert terminal.end() == 0
    assert terminal.screen[:4] == ["name 0? bob", "hello bob", "name 1? al", "hello al"]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ("if i == 3: break", 0, "4/8  cancelled after"),
        ("if i == 3: raise ValueError('no')", 1, "3/8  failed after"),
        ("if i == 3: {}[1]", 1, "3/8  failed after"),
        ("if i == 3: raise SystemExit(7)", 7, "3/8  failed after"),
    ],
)
def test_however_it_ends_the_bar_ends_clean(tmp_path: Path, body: str, status: int, words: str) -> None:
    with script_in_terminal(tmp_path, loop(body)) as terminal:
        assert terminal.end() == status
    bar, *rest = terminal.screen
    assert words in bar
    assert not [line for line in rest if BAR in line]
    assert {1: "Traceback", 0: "after"}.get(status, "") in "".join(rest[:1])
    assert terminal.raw.endswith(b"\n")


def test_control_c_ends_it_clean(tmp_path: Path) -> None:
    with script_in_terminal(tmp_path, loop("time.sleep(0.2)", "range(500)")) as terminal:
        terminal.until("1/500")
        terminal.type(b"\x03")
        assert terminal.end() in (130, -2, 1)
    bars = [line for line in terminal.screen if BAR in line]
    assert len(bars) == 1
    assert "cancelled after" in bars[0]
    assert terminal.screen[-1] == "KeyboardInterrupt"


def test_an_iterator_that_nobody_finished_ends_with_the_process_and_without_noise(tmp_path: Path) -> None:
    text = f"{START}held = ja.track(range(9), name='held')\nnext(held)\ntime.sleep(0.3)\n"
    with script_in_terminal(tmp_path, text) as terminal:
        assert terminal.end() == 0
    (bar,) = terminal.screen
    assert "0/9" in bar
    assert "interrupted after" in bar


def test_inner_loops_stand_below_and_go(tmp_path: Path) -> None:
    body = "for j in ja.track(range(20), name='batches'):\n    time.sleep(0.05)"
    with script_in_terminal(tmp_path, loop(body, "range(2)", "epochs")) as terminal:
        outer, inner = terminal.until("  batches  ")
        assert outer.startswith("epochs ")
        assert inner.startswith("  batches  " + BAR)
        terminal.until("1/2")
        assert terminal.end() == 0
    assert [line.split()[0] for line in terminal.screen] == ["epochs", "after"]


def test_two_threads_have_a_bar_each(tmp_path: Path) -> None:
    text = f"""{START}
def work(name, pause):
    for _ in ja.track(range(10), name=name):
        time.sleep(pause)
threads = [threading.Thread(target=work, args=given) for given in (("slow", 0.12), ("fast", 0.06))]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""
    with script_in_terminal(tmp_path, text) as terminal:
        terminal.until("slow")
        assert sorted(line.split()[0] for line in terminal.until("fast")) == ["fast", "slow"]
        assert terminal.end() == 0
    assert [line.split()[0] for line in terminal.screen] == ["fast", "slow"]
    assert all("10/10" in line for line in terminal.screen)


def test_a_name_steers_no_terminal_and_a_narrow_one_is_enough(tmp_path: Path) -> None:
    text = loop("time.sleep(0.06)", name="[red]\x1b[2J" + "x" * 99)
    with script_in_terminal(tmp_path, text, columns=44) as terminal:
        terminal.until("/8")
        assert terminal.end() == 0
    bar, after = terminal.screen
    assert bar.startswith("[red]xxxx")
    assert "8/8" in bar
    assert len(bar) < 44
    assert after == "after"


def test_a_task_in_a_script_makes_no_noise(tmp_path: Path) -> None:
    text = f"""{START}
def work():
    for _ in ja.track(range(5)):
        time.sleep(0.1)
    print("from the task")
ja.submit(work).result()
"""
    with script_in_terminal(tmp_path, text) as terminal:
        assert terminal.end() == 0
    assert terminal.raw == b"from the task\r\n"


def test_in_ipython_on_a_terminal_it_is_the_same(tmp_path: Path) -> None:
    script = tmp_path / "script.ipy"
    script.write_text(loop("time.sleep(0.1)") + "ja.tasks()\n")
    command = (sys.executable, "-m", "IPython", "--colors=NoColor", str(script))
    with in_terminal(*command) as terminal:
        terminal.until("3/8")
        assert terminal.end() == 0
    assert [line.split()[0] for line in terminal.screen] == ["fit", "after"]


def test_a_stopped_terminal_stops_neither_the_loop_nor_its_events(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    waits = f"    while i == 4 and not os.path.exists({str(gate)!r}):\n        time.sleep(0.01)\n"
    text = f"import os\n{START}for i in ja.track(range(40), name='fit'):\n{waits}    time.sleep(0.02)\n"
    with script_in_terminal(tmp_path, text) as terminal:
        terminal.until("4/40")
        termios.tcflow(terminal.master, termios.TCOOFF)
        gate.touch()

        def seen() -> int:
            events = [decode_data(event) for event in spooled(tmp_path) if event.type == "progress"]
            return max(int(data.done or 0) for data in events if isinstance(data, Progress))

        until(lambda: seen() == 40)
        termios.tcflow(terminal.master, termios.TCOON)
        assert terminal.end() == 0
    assert "40/40" in terminal.screen[-1]


@pytest.mark.parametrize(
    "environment", [{"TERM": "dumb"}, {"JPY_PARENT_PID": "1"}], ids=["dumb", "below a kernel"]
)
def test_nothing_is_drawn_where_nobody_could_read_it(tmp_path: Path, environment: dict[str, str]) -> None:
    with script_in_terminal(tmp_path, loop("time.sleep(0.05)"), 100, **environment) as terminal:
        assert terminal.end() == 0
    assert terminal.raw == b"after\r\n"


@pytest.mark.parametrize("name", ["FORCE_COLOR", "TTY_COMPATIBLE", "CI", "NO_SUCH"])
def test_a_pipe_gets_nothing(tmp_path: Path, name: str) -> None:
    script = tmp_path / "script.py"
    script.write_text(loop("time.sleep(0.05)"))
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        check=True,
        env={**os.environ, name: "1", "TERM": "xterm-256color"},
    )
    assert (done.stdout, done.stderr) == (b"after\n", b"")


def test_output_into_a_file_stays_clean_while_the_bar_is_seen(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(loop("time.sleep(0.1)\nprint(i)"))
    command = f"{sys.executable} {tmp_path / 'script.py'} > {tmp_path / 'out'}"
    with in_terminal("/bin/sh", "-c", command) as terminal:
        terminal.until("3/8")
        assert terminal.end() == 0
    assert [line.split()[0] for line in terminal.screen] == ["fit"]
    assert (tmp_path / "out").read_text() == "".join(f"{i}\n" for i in range(8)) + "after\n"


def test_rich_is_not_loaded_without_a_bar() -> None:
    code = "import sys, jupyter_agent as ja; [*ja.track(range(3))]; print('rich' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
