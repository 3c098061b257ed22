"""Results: the object that was returned is given back, whatever it looks like."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_agent.errors import ResultNotStored
from jupyter_agent.runtime.artifacts.results import Store
from jupyter_agent.system.paths import DataPaths
from tests.support.builders import TASK


class Looks:
    """An object with a repr of its own."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Looks) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)


@pytest.mark.parametrize(
    "value", [None, Looks("None"), Looks(""), "None", [None], float("inf"), Looks("x" * 9999)]
)
def test_what_was_returned_is_given_back(paths: DataPaths, value: Any) -> None:
    result = Store(paths).save_result(TASK, 1, value)
    assert result.stored
    assert Store(paths).load_result(TASK, 1, result) == value


def test_an_object_that_looks_like_none_is_not_none_without_its_file(paths: DataPaths) -> None:
    result = Store(paths).save_result(TASK, 1, Looks("None"))
    assert result.repr == "<Looks whose repr is None>"
    (paths.results / f"{TASK}-1.pickle").unlink()
    with pytest.raises(ResultNotStored):
        Store(paths).load_result(TASK, 1, result)
