"""The contents of the wheel: everything that is needed, nothing else, no Node.js to install it."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
from jupyterlab_server.settings_utils import get_settings

import jupyter_agent
from tests.support.source_trees import EXTENSION, ROOT, Made, contents

ASSETS = EXTENSION.format(version=jupyter_agent.__version__)
SCREENS = {"compare.js", "run.js", "schedules.js", "timeline.js"}
LAZY = {"list.js", "log.js", "rich.js", "plot.js", "resources.js", "shared.js"} | SCREENS
PAGES = {"element.js", "page.js", "page.css", "widget.js"} | LAZY
BUNDLED = {"@lit/reactive-element", "dompurify", "lit", "lit-element", "lit-html", "marked", "uplot"}
MAX_ELEMENT, MAX_EXTENSION = 150_000, 200_000
"""The bytes that the element may have, and those that the JupyterLab extension may have beside it."""


@pytest.fixture(scope="module")
def wheel(made: Made) -> dict[str, bytes]:
    return contents(made.wheel)


@pytest.fixture(scope="module")
def sdist(made: Made) -> dict[str, bytes]:
    return contents(made.sdist)


def test_the_wheel_has_what_pages_load(wheel: dict[str, bytes]) -> None:
    served = {Path(name).name for name in wheel if name.startswith("jupyter_agent/static/")}
    assert served == PAGES | {"third-party-licenses.json"}


def test_the_wheel_has_the_extension_with_its_settings(wheel: dict[str, bytes]) -> None:
    package = json.loads(wheel[f"{ASSETS}package.json"])
    assert (package["name"], package["version"]) == ("jupyter-agent-tasks", jupyter_agent.__version__)
    assert f"{ASSETS}{package['jupyterlab']['_build']['load']}" in wheel
    assert json.loads(wheel[f"{ASSETS}install.json"])["packageName"] == "jupyter-agent-tasks"
    schemas = (ROOT / "jupyter_agent" / "frontend" / "schema").glob("*.json")
    for schema in schemas:
        assert wheel[f"{ASSETS}schemas/jupyter-agent-tasks/{schema.name}"] == schema.read_bytes()


def test_the_wheel_has_no_sources_of_the_front_end_and_nothing_for_tests(wheel: dict[str, bytes]) -> None:
    odd = re.compile(
        r"\.(ts|mjs|map)$|node_modules|frontend/|testing|built\.json|/labextension/|(^|/)tests?/"
    )
    assert not [name for name in wheel if odd.search(name)]


def test_the_sdist_has_the_sources_and_what_was_built_of_them(sdist: dict[str, bytes]) -> None:
    assert {f"jupyter_agent/static/{name}" for name in PAGES} <= set(sdist)
    assert "jupyter_agent/labextension/package.json" in sdist
    sources = {"build.mjs", "package-lock.json", "src/element/index.ts", "src/lab/index.ts"}
    assert {f"jupyter_agent/frontend/{name}" for name in sources} <= set(sdist)
    assert not [name for name in sdist if re.search(r"node_modules|frontend/lib/|\.venv|\.git/", name)]


def test_a_wheel_of_the_sdist_is_the_same_and_takes_no_node(made: Made, wheel: dict[str, bytes]) -> None:
    assert contents(made.wheel_of_sdist) == wheel


def test_no_built_file_knows_where_it_was_built(made: Made, wheel: dict[str, bytes]) -> None:
    marks = [str(made.tree), str(ROOT), str(Path.home()), sys.prefix, "node_modules", "sourceMappingURL"]
    found = [(name, mark) for name, text in wheel.items() for mark in marks if mark.encode() in text]
    assert not [pair for pair in found if pair[0].endswith((".js", ".css", ".json"))]


@pytest.mark.parametrize("folder", ["jupyter_agent/static/", f"{ASSETS}static/"])
def test_the_licences_of_what_is_bundled_are_in_the_wheel(wheel: dict[str, bytes], folder: str) -> None:
    packages = json.loads(wheel[f"{folder}third-party-licenses.json"])["packages"]
    assert {package["name"] for package in packages} == BUNDLED
    assert all("opyright" in package["extractedText"] for package in packages)


def test_the_element_and_the_extension_are_within_their_limits(wheel: dict[str, bytes]) -> None:
    element = len(wheel["jupyter_agent/static/element.js"])
    extension = sum(len(text) for name, text in wheel.items() if re.match(rf"{ASSETS}static/.*\.js$", name))
    assert element <= MAX_ELEMENT
    assert extension <= MAX_EXTENSION


def test_nothing_is_in_the_wheel_that_is_not_listed_here(wheel: dict[str, bytes]) -> None:
    info = f"jupyter_agent_tasks-{jupyter_agent.__version__}.dist-info/"
    data = f"jupyter_agent_tasks-{jupyter_agent.__version__}.data/data/"
    expected = (
        r"jupyter_agent/([a-z_]+/)*[a-z_]+\.py|jupyter_agent/py\.typed",
        r"jupyter_agent/static/(?:[a-z]+\.(?:js|css)|third-party-licenses\.json)",
        r"jupyter_agent/notebooks/[a-z_]+\.(ipynb|py)",
        rf"{info}(METADATA|WHEEL|RECORD|entry_points\.txt|licenses/LICENSE|sboms/jupyter-agent-tasks\.cdx\.json)",
        rf"{data}etc/jupyter/jupyter_server_config\.d/jupyter_agent\.json",
        rf"{ASSETS}(install|package)\.json",
        rf"{ASSETS}schemas/jupyter-agent-tasks/(plugin\.json|package\.json\.orig)",
        rf"{ASSETS}static/(?:[a-zA-Z0-9_]+\.)+js|{ASSETS}static/(style\.js|third-party-licenses\.json)",
    )
    assert [name for name in wheel if not any(re.fullmatch(each, name) for each in expected)] == []


def test_jupyterlab_reads_the_version_of_our_settings_from_the_builders_copy(
    wheel: dict[str, bytes], tmp_path: Path
) -> None:
    """`package.json.orig` is not a leftover: without it the settings would have the version ``N/A``."""
    folder = tmp_path / "jupyter-agent-tasks" / "schemas" / "jupyter-agent-tasks"
    folder.mkdir(parents=True)
    for name in ("plugin.json", "package.json.orig"):
        (folder / name).write_bytes(wheel[f"{ASSETS}schemas/jupyter-agent-tasks/{name}"])
    none = str(tmp_path / "none")
    settings, _warnings = get_settings(
        none,
        none,
        none,
        schema_name="jupyter-agent-tasks:plugin",
        labextensions_path=[str(tmp_path)],
    )
    assert settings["version"] == jupyter_agent.__version__


def test_the_wheel_has_a_bill_of_materials_of_what_is_bundled(wheel: dict[str, bytes]) -> None:
    name = f"jupyter_agent_tasks-{jupyter_agent.__version__}.dist-info/sboms/jupyter-agent-tasks.cdx.json"
    sbom = json.loads(wheel[name])
    whole = sbom["metadata"]["component"]
    assert (sbom["bomFormat"], sbom["specVersion"]) == ("CycloneDX", "1.6")
    assert whole["purl"] == f"pkg:pypi/jupyter-agent-tasks@{jupyter_agent.__version__}"
    licences = json.loads(wheel["jupyter_agent/static/third-party-licenses.json"])["packages"]
    assert [(part["name"], part["version"]) for part in sbom["components"]] == [
        (package["name"], package["versionInfo"]) for package in licences
    ]
    assert all(part["licenses"] for part in sbom["components"])
    assert sbom["dependencies"][0]["dependsOn"] == [part["bom-ref"] for part in sbom["components"]]


def test_both_packages_have_one_version_and_one_licence() -> None:
    package = json.loads((ROOT / "jupyter_agent" / "frontend" / "package.json").read_text())
    assert package["version"] == jupyter_agent.__version__
    assert f'license = "{package["license"]}"' in (ROOT / "pyproject.toml").read_text()


def test_the_lock_file_names_no_place_to_download_from() -> None:
    lock = json.loads((ROOT / "jupyter_agent" / "frontend" / "package-lock.json").read_text())
    packages = [entry for folder, entry in lock["packages"].items() if folder]
    assert packages
    assert all("integrity" in entry and "resolved" not in entry for entry in packages)
