"""What completion offers: each public name once, and nothing that is for the package only."""

from __future__ import annotations

import re
from types import ModuleType

import jupyter_agent as ja
from tests.support.builders import PACKAGE_ROOT
from tests.support.runtime import own_producer  # noqa: F401


def _offered(value: object) -> list[str]:
    return [name for name in dir(value) if not name.startswith("_")]


def test_the_package_offers_each_public_name_once_and_nothing_else() -> None:
    for name in ja.__all__:
        getattr(ja, name)  # from now on it is a global, too
    assert _offered(ja) == sorted(ja.__all__)


def test_completion_that_only_reads_the_source_finds_no_imports_of_the_packages_own() -> None:
    """As jedi and language servers do for a module that no cell has imported yet."""
    names = {name for name in vars(ja) if not name.startswith("_")}
    submodules = {name for name in names if isinstance(getattr(ja, name), ModuleType)}
    assert all(getattr(ja, name).__name__ == f"jupyter_agent.{name}" for name in submodules)
    assert names - submodules <= {*ja.__all__, "load_ipython_extension"}


def test_a_context_offers_what_the_reference_has_and_nothing_else() -> None:
    reference = (PACKAGE_ROOT / "docs" / "reference" / "api.md").read_text("utf-8")
    section = reference.partition("## Inside a task")[2].partition("\n## ")[0]
    described = set(re.findall(r"`\.(\w+)", section))
    assert set(_offered(ja.current())) == described
    assert all(hasattr(ja.current(), name) for name in described)


def test_a_handle_offers_what_the_reference_has_and_nothing_else() -> None:
    @ja.task(show=False)
    def work() -> None: ...

    handle = work.submit()
    handle.result()
    reference = (PACKAGE_ROOT / "docs" / "reference" / "api.md").read_text("utf-8")
    section = reference.partition("A `TaskHandle` has")[2].partition("\n## ")[0]
    assert set(_offered(handle)) == set(re.findall(r"`\.(\w+)", section))
