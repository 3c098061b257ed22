"""Shell completion: what is offered, and the scripts in a real shell."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_agent.cli.backends.journals import Journals
from jupyter_agent.cli.commands import completion
from jupyter_agent.cli.main import run
from jupyter_agent.system.paths import DataPaths
from tests.support.builders import PACKAGE_ROOT
from tests.support.cli import Writer

Capture = pytest.CaptureFixture[str]
Offered = Callable[..., list[str]]


@pytest.fixture
def offered(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> Offered:
    """What bash is offered behind *words*, the last of which may be half typed."""

    def ask(*words: str) -> list[str]:
        monkeypatch.setenv(completion.VARIABLE, "bash_complete")
        monkeypatch.setenv("COMP_WORDS", "\n".join(words))
        monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
        capsys.readouterr()
        assert run([]) == 0
        captured = capsys.readouterr()
        assert captured.err == ""
        return captured.out.split()

    return ask


def test_commands_and_options_are_offered_for_both_spellings(offered: Offered) -> None:
    for program in (["jupyter-agent"], ["jupyter", "agent"], ["/usr/bin/jupyter", "agent"]):
        assert offered(*program, "sched") == ["plain,schedule"]
        assert offered(*program, "tasks", "add", "--over") == ["plain,--overlap"]
        assert offered(*program, "tasks", "list", "--status", "co") == ["plain,completed"]
        assert offered(*program, "tasks", "add", "tr") == ["file,tr"]


def test_ids_are_offered_by_id_and_by_name(offered: Offered, paths: DataPaths) -> None:
    train, crawl = Writer(paths, name="train"), Writer(paths, name="crawl")
    assert run(["tasks", "list"]) == 0
    assert offered("jupyter-agent", "tasks", "show", "tr") == [f"plain,{train.task}"]
    assert set(offered("jupyter-agent", "tasks", "show", "")) == {f"plain,{w.task}" for w in (train, crawl)}
    assert offered("jupyter-agent", "schedule", "show", "") == []
    assert offered("jupyter-agent", "forward", "remove", "") == []
    train.die()
    crawl.die()


def test_no_answer_in_time_is_no_answer(
    offered: Offered, paths: DataPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_AGENT_URL", "http://127.0.0.1:9/")
    assert offered("jupyter-agent", "tasks", "show", "") == []


def test_looking_for_ids_recovers_no_spools(paths: DataPaths) -> None:
    """A shell must not wait for what a killed process has left."""
    writer = Writer(paths)
    writer.die()
    assert completion.task_ids(None, None, "") == []  # type: ignore[arg-type]
    assert (paths.spools / writer.spool.producer).exists()
    assert Journals(paths).recover


@pytest.mark.parametrize("shell", completion.SHELLS)
def test_there_is_a_script_for(shell: str, capsys: Capture) -> None:
    assert run(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert completion.VARIABLE in script
    assert "jupyter-agent" in script


TRY = """
_others() { COMPREPLY=(other); }
complete -F _others jupyter
source "$1"
try() {
    COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
    function=$(complete -p "$1" | sed 's/.* -F \\([^ ]*\\) .*/\\1/')
    "$function" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
    echo "${COMPREPLY[@]}"
}
try jupyter-agent tasks c
try jupyter agent schedule p
try jupyter l
"""


def test_bash_completes_both_spellings_and_leaves_other_completions_alone(
    tmp_path: Path, capsys: Capture
) -> None:
    assert run(["completion", "bash"]) == 0
    script, trial = tmp_path / "completion.bash", tmp_path / "try.bash"
    script.write_text(capsys.readouterr().out)
    trial.write_text(TRY)
    program = tmp_path / "bin" / "jupyter-agent"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -W error -m jupyter_agent.cli "$@"\n')
    program.chmod(0o755)
    path = os.pathsep.join([str(program.parent), os.environ["PATH"]])
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE_ROOT), "PATH": path}
    done = subprocess.run(
        ["bash", str(trial), str(script)], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.splitlines() == ["cancel clear", "pause", "other"], done.stderr
