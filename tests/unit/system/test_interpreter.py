"""No start of an interpreter executes a file of the folder it happens to be in."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from ipykernel.kernelspec import install
from nbformat.v4 import new_code_cell, new_notebook

import jupyter_agent as ja
from jupyter_agent.cli.jupyter.server_process import own_server
from jupyter_agent.cli.main import run as cli
from jupyter_agent.core.events import TaskState
from jupyter_agent.errors import CannotTravel
from jupyter_agent.system.interpreter import caller_path, program_command, program_start_environment
from jupyter_agent.system.paths import DataPaths
from tests.support.runtime import own_producer  # noqa: F401
from tests.support.workers import no_workers_left

STANDARD = "queue random token keyword runpy json socket selectors sitecustomize usercustomize"
INSTALLED = (
    "msgspec tornado click rich nbclient nbformat ipykernel ipykernel_launcher cloudpickle jupyter_core"
    " jupyter_client IPython apprise tqdm jupyter_server anyio attr comm dateutil debugpy decorator"
    " jedi fastjsonschema jinja2 jsonschema matplotlib matplotlib_inline nest_asyncio numpy pandas pexpect"
    " platformdirs psutil pygments referencing rpds six traitlets typing_extensions wcwidth websocket zmq"
)
CONFIGURATION = (
    "jupyter_config jupyter_server_config jupyter_notebook_config jupyter_lab_config ipython_config"
    " ipython_kernel_config matplotlibrc conftest setup"
)


@pytest.fixture
def downloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory: files that leave a mark when they are executed, and break what imports them."""
    folder = tmp_path / "downloads"
    folder.mkdir()
    for name in f"{STANDARD} {INSTALLED} {CONFIGURATION}".split():
        trap = (
            f"import pathlib\npathlib.Path({str(folder)!r}, 'executed-{name}').touch()\nraise SystemExit(7)\n"
        )
        (folder / f"{name}.py").write_text(trap)
    monkeypatch.chdir(folder)
    return folder


def executed(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("executed-*"))


@pytest.fixture
def workers(paths: DataPaths) -> Iterator[None]:
    with no_workers_left(paths):
        yield


def test_a_command_without_a_server(
    downloads: Path, workers: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli(["tasks", "add", "--watch", "--", "echo", "hi"]) == 0
    assert "hi" in capsys.readouterr().out
    assert executed(downloads) == []


CALLER = """
import sys
from pathlib import Path
import jupyter_agent as ja

ja.task(lambda: 0).submit().result(60)  # a kernel has long loaded what that needs
sys.path.insert(0, str(Path.cwd()))  # as front-ends do with a notebook's folder
print(ja.task(lambda: sum(range(4)), on=sys.argv[1], name="sum").submit().result(60))
"""


@pytest.mark.parametrize("on", ["process", "detached"])
def test_a_function_of_a_caller_whose_path_begins_with_the_folder(
    downloads: Path, workers: None, tmp_path: Path, on: str
) -> None:
    script = tmp_path / "script.py"
    script.write_text(CALLER)
    done = subprocess.run([sys.executable, "-P", script, on], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("6\n", "")
    assert executed(downloads) == []


def test_a_look_at_the_journal_without_a_server(downloads: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(downloads), *sys.path])
    ja.tasks()
    assert executed(downloads) == []


@pytest.mark.parametrize("kernel", ["python3", "installed"])
def test_a_notebook(
    downloads: Path,
    workers: None,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    kernel: str,
) -> None:
    """``ipykernel install`` gives the interpreter an option before ``-m``; a path may have empty entries."""
    install(kernel_name="installed", prefix=str(tmp_path))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "share" / "jupyter"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep + os.environ.get("PYTHONPATH", ""))
    book = new_notebook(cells=[new_code_cell("print('in the kernel')")])
    nbformat.write(book, downloads / "work.ipynb")
    assert cli(["tasks", "add", "--watch", "--kernel", kernel, "work.ipynb"]) == 0
    assert "in the kernel" in capsys.readouterr().out
    assert executed(downloads) == []


def test_a_server_of_the_command_line(downloads: Path) -> None:
    async def start() -> str:
        async with own_server(downloads) as server:
            return server.url

    assert asyncio.run(start()).startswith("http://127.0.0.1:")
    assert executed(downloads) == []


def test_the_command_line_itself(downloads: Path) -> None:
    """The console script; ``python -m`` is the user's own choice of a path."""
    program = Path(sys.executable).with_name("jupyter-agent")
    done = subprocess.run([program, "tasks", "list"], capture_output=True, text=True, check=False)
    assert (done.returncode, executed(downloads)) == (0, [])


def test_a_function_finds_its_neighbours_but_never_another_standard_library(
    tmp_path: Path, workers: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a file of the folder is called decides nothing but for modules that are its own."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "queue.py").write_text("raise SystemExit('the wrong queue')\n")
    (tmp_path / "neighbour.py").write_text("WORD = 'mine'\n")
    work = "import queue, neighbour\ndef main():\n    print(neighbour.WORD, queue.Queue.__name__)\n"
    (tmp_path / "work.py").write_text(work)
    assert cli(["tasks", "add", "--watch", "work:main"]) == 0
    assert "mine Queue" in capsys.readouterr().out


def test_a_module_that_only_the_caller_can_import_serves_a_worker(
    tmp_path: Path, workers: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "only_here_of_the_caller.py").write_text("def work():\n    return 'found'\n")
    monkeypatch.setattr(sys, "path", [*sys.path, str(elsewhere)])
    from only_here_of_the_caller import work  # type: ignore[import-not-found]

    for on in ("process", "detached"):
        assert ja.task(work, on=on).submit().result(60) == "found"


@pytest.mark.parametrize("place", ["", "folder"])
def test_the_package_itself_is_found_where_only_the_callers_path_has_it(tmp_path: Path, place: str) -> None:
    """As in a checkout that is not installed, also when it is the working directory."""
    root = Path(ja.__file__).parents[1]
    program = program_command("jupyter_agent.cli", "--version")
    environment = program_start_environment({"PYTHONPATH": caller_path(), "PATH": os.environ["PATH"]})
    isolated = [program[0], "-S", *program[1:]]  # without what is installed
    folder = root if not place else tmp_path
    done = subprocess.run(isolated, env=environment, cwd=folder, capture_output=True, text=True, check=False)
    assert "jupyter agent" in done.stdout, done.stderr


def test_in_a_folder_that_was_deleted_a_child_works_and_a_worker_says_why_it_cannot(
    tmp_path: Path, workers: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "deleted").mkdir()
    monkeypatch.chdir(tmp_path / "deleted")
    (tmp_path / "deleted").rmdir()
    assert ja.task(lambda: 3, on="process").submit().result(60) == 3
    with pytest.raises(CannotTravel, match=r"current folder, which was deleted; go to another one"):
        ja.task(lambda: 3, on="detached").submit()


def test_what_a_worker_starts_has_the_callers_own_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", "/mine")
    show = "import os, sys; print(os.environ.get('PYTHONPATH'))"
    ask = ja.task(lambda: subprocess.run([sys.executable, "-c", show], capture_output=True, text=True).stdout)
    for on in ("process", "detached"):
        handle = ask.options(on=on).submit()
        assert handle.result(60) == "/mine\n"
        assert handle.state == TaskState.COMPLETED.value
