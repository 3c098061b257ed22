"""Steps of the package's build: the front-end, if it is not made already, and the package's page."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

sys.path.insert(0, str(Path(__file__).parent / "tools"))

from frontend import Frontend
from node import PACKAGE, CannotBuild, find_node, need_node
from package_page import page, urls
from release import package_version


class FrontendHook(BuildHookInterface[Any]):
    """Asks for Node.js as a Python package only if something has to be built and the machine has none."""

    def dependencies(self) -> list[str]:
        needed = not Frontend(Path(self.root)).is_built() and find_node() is None
        return [PACKAGE] if needed else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        frontend = Frontend(Path(self.root))
        try:
            if not frontend.is_built():
                self.app.display_info(frontend.build(need_node()))
        except CannotBuild as problem:
            self.app.abort(str(problem))


class PackagePageHook(MetadataHookInterface):
    """Makes the links of PACKAGE.md, and the project's addresses, from the one in pyproject.toml."""

    def update(self, metadata: dict[str, Any]) -> None:
        root, repository = Path(self.root), str(self.config["repository"]).rstrip("/")
        text = page((root / "PACKAGE.md").read_text("utf-8"), repository, package_version(root))
        metadata["readme"] = {"content-type": "text/markdown", "text": text}
        metadata["urls"] = urls(repository)
