"""One build of the package for all tests of its contents."""

from __future__ import annotations

import pytest

from tests.support.source_trees import Made, built, copy_of_the_tree, machine, tools, unpacked


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The wheel of the sdist is made on a machine without Node.js."""
    folder = tmp_path_factory.mktemp("made")
    frontend, node = tools("frontend"), tools("node")
    frontend.Frontend().install(node.need_node())
    tree = copy_of_the_tree(folder / "tree")
    wheel = built(tree, "wheel", folder / "wheel")
    sdist = built(tree, "sdist", folder / "sdist")
    from_sdist = unpacked(sdist, folder / "from-sdist")
    bare = machine(folder / "bare")
    return Made(tree, sdist, from_sdist, wheel, built(from_sdist, "wheel", folder / "again", bare))
