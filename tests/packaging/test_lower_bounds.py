"""The constraints of `make lower-bounds` are the bounds that the package declares."""

from __future__ import annotations

import tomllib
from importlib.metadata import version

import pytest

from tests.support.source_trees import ROOT, tools


def test_every_dependency_is_pinned_to_its_bound() -> None:
    pyproject = (ROOT / "pyproject.toml").read_text("utf-8")
    bounds = tools("lower_bounds").lower_bounds(pyproject)
    pinned = [f"{name}>={bound}" for name, bound in bounds.items()]
    assert pinned == tomllib.loads(pyproject)["project"]["dependencies"]


@pytest.mark.parametrize("requirement", ["rich", "rich<14", "rich==13.7", "rich>=13.7,<14"])
def test_a_dependency_without_a_bound_is_refused(requirement: str) -> None:
    with pytest.raises(ValueError, match="is not of the form name>=version"):
        tools("lower_bounds").lower_bounds(f'[project]\ndependencies = ["{requirement}"]')


def test_an_environment_of_other_versions_is_told_by_name() -> None:
    differences = tools("lower_bounds").differences
    assert differences({"rich": version("rich")}) == []
    assert differences({"rich": "1.0"}) == [f"rich is {version('rich')}, not 1.0"]
