"""The files that a release and a host of repositories read: they load, and they agree with each other."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.source_trees import ROOT, tools

release, package_page, pythons = tools("release"), tools("package_page"), tools("pythons")
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
REPOSITORY = "https://host.example/owner/name"


def loaded(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))


def steps(workflow: Path) -> list[dict[str, Any]]:
    return [step for job in loaded(workflow)["jobs"].values() for step in job.get("steps", [])]


def test_version_and_dependencies_agree_everywhere() -> None:
    assert release.problems() == []


def test_each_disagreement_is_one_sentence(tmp_path: Path) -> None:
    for name in (*release.versions(), "pyproject.toml", "CHANGELOG.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    version = release.package_version()
    for name, old, new in (
        ("CITATION.cff", f"version: {version}", "version: 0.0.0"),
        ("conda/recipe.yaml", "cronsim >=2.5", "cronsim >=2.4"),
        ("CHANGELOG.md", f"## [{version}] - ", f"## [{version}] - still "),
    ):
        path = tmp_path / name
        path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")
    assert release.problems(tmp_path, "v0.0.1") == [
        f"CITATION.cff has version 0.0.0, not {version}",
        "pyproject.toml and conda/recipe.yaml differ in 'cronsim >=2.4'",
        "pyproject.toml and conda/recipe.yaml differ in 'cronsim >=2.5'",
        f"the tag v0.0.1 is not v{version}",
        f"CHANGELOG.md has no section '## [{version}] - <date>'",
    ]


def test_every_yaml_file_loads() -> None:
    files = [*ROOT.glob(".github/**/*.yml"), ROOT / "CITATION.cff", ROOT / "conda" / "recipe.yaml"]
    assert len(files) == 10
    assert all(isinstance(loaded(path), dict) for path in files)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_runs_targets_and_files_that_exist_and_reads_only(workflow: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert loaded(workflow)["permissions"] == {"contents": "read"}
    for step in steps(workflow):
        assert "uses" in step or "run" in step
        assert set(re.findall(r"\bmake ([a-z-]+)", step.get("run", ""))) <= targets
        assert all((ROOT / name).is_file() for name in re.findall(r"\btools/\S+", step.get("run", "")))
        assert re.fullmatch(r"[\w./-]+@(v\d+|release/v\d+)", step.get("uses", "a@v1"))


@pytest.mark.parametrize("name", ["tests", "wheels"])
def test_workflows_try_every_python_that_the_package_claims(name: str) -> None:
    jobs = loaded(ROOT / ".github" / "workflows" / f"{name}.yml")["jobs"].values()
    matrices = [job["strategy"]["matrix"]["python"] for job in jobs if "strategy" in job]
    assert matrices == [pythons.claimed((ROOT / "pyproject.toml").read_text("utf-8"))]


def test_without_an_address_the_page_has_no_relative_link_and_no_picture() -> None:
    text = package_page.page((ROOT / "PACKAGE.md").read_text("utf-8"), "", "0.1.0")
    assert not re.search(r"\]\((?!https?://)", text)
    assert "All limits are on one page" in text
    assert package_page.urls("") == {}


def test_all_addresses_come_from_the_one_of_the_repository() -> None:
    text = package_page.page((ROOT / "PACKAGE.md").read_text("utf-8"), REPOSITORY, "0.1.0")
    targets = re.findall(r"\]\(([^)]*)\)", text)
    assert f"{REPOSITORY}/raw/v0.1.0/docs/images/refresh.gif" in targets
    assert f"{REPOSITORY}/blob/v0.1.0/docs/explanation/limits.md" in targets
    files = [target.partition("/v0.1.0/")[2] for target in targets]
    assert all((ROOT / name).is_file() for name in files)
    assert set(package_page.urls(REPOSITORY)) == {"Source", "Documentation", "Changelog", "Issues"}
    assert all(url.startswith(REPOSITORY) for url in package_page.urls(REPOSITORY).values())
