"""What has to agree before a release; standard library only.

python tools/release.py check            every file names the same version and the same dependencies
python tools/release.py check v0.1.0     and the tag and a dated section of CHANGELOG.md, too
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VERSION_FILE = "jupyter_agent/_version.py"
_CONDA_NAMES = {
    "jupyter-client": "jupyter_client",
    "jupyter-core": "jupyter_core",
    "jupyter-server": "jupyter_server",
    "msgspec": "msgspec-python",
    "prometheus-client": "prometheus_client",
    "tzdata": "python-tzdata",
}
"""Packages that conda-forge has under another name."""


def versions(root: Path = ROOT) -> dict[str, str]:
    """Return the version that each file names. Raises `ValueError` for a file that names none."""
    package = "jupyter_agent/frontend/package.json"
    patterns = {
        "CITATION.cff": r"^version: (.+)$",
        "conda/recipe.yaml": r"^  version: (\d.*)$",
    }
    found = {name: _named(root / name, pattern) for name, pattern in patterns.items()}
    found[VERSION_FILE] = package_version(root)
    return found | {package: json.loads((root / package).read_text("utf-8"))["version"]}


def package_version(root: Path = ROOT) -> str:
    """Return the version of the package. Raises `ValueError` if its file names none."""
    return _named(root / VERSION_FILE, r'^__version__ = "(.+)"$')


def _named(path: Path, pattern: str) -> str:
    found = re.search(pattern, path.read_text("utf-8"), re.MULTILINE)
    if found is None:
        raise ValueError(f"{path.name} names no version")
    return found[1]


def requirements(root: Path = ROOT) -> tuple[list[str], list[str]]:
    """Return the dependencies in pyproject.toml, by conda's names, and those of the recipe."""
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    pairs = [requirement.split(">=") for requirement in project["dependencies"]]
    wanted = [f"{_CONDA_NAMES.get(name, name)} >={bound}" for name, bound in pairs]
    run = (
        (root / "conda" / "recipe.yaml")
        .read_text("utf-8")
        .partition("\n  run:\n")[2]
        .partition("\ntests:")[0]
    )
    return wanted, [line.removeprefix("    - ") for line in run.splitlines() if "- python >=" not in line]


def problems(root: Path = ROOT, tag: str | None = None) -> list[str]:
    """Return a sentence for everything that does not agree."""
    found = versions(root)
    version = found[VERSION_FILE]
    sentences = [
        f"{name} has version {each}, not {version}" for name, each in found.items() if each != version
    ]
    wanted, listed = requirements(root)
    differing = sorted(set(wanted) ^ set(listed))
    sentences += [f"pyproject.toml and conda/recipe.yaml differ in {each!r}" for each in differing]
    if tag is not None:
        if tag != f"v{version}":
            sentences.append(f"the tag {tag} is not v{version}")
        if not re.search(
            rf"^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d$",
            (root / "CHANGELOG.md").read_text("utf-8"),
            re.MULTILINE,
        ):
            sentences.append(f"CHANGELOG.md has no section '## [{version}] - <date>'")
    return sentences


def main(words: list[str]) -> int:
    if words[:1] != ["check"] or len(words) > 2:
        print(__doc__)
        return 2
    found = problems(tag=words[1] if len(words) == 2 else None)
    print("\n".join(found) or "version and dependencies agree everywhere")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
