"""What common libraries print, show and count in tasks is kept, once, clean, in each of the three places."""

from __future__ import annotations

import pytest

from tests.captured.case import PLACES, Case, Held, Place
from tests.captured.cases import CASES
from tests.captured.compare import missing
from tests.captured.places import Seen, run_all

Everything = dict[tuple[str, Place], Seen]


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Everything:
    return run_all(tmp_path_factory.mktemp("captured"), CASES)


@pytest.mark.timeout(300)  # the first of them runs all cases
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_log_holds_what_peoples_code_says(everything: Everything, case: Case, place: Place) -> None:
    seen, held = everything[case.name, place], case.held_in(place)
    assert seen.state == held.state, seen.error
    assert seen.has_codes == held.codes, repr(seen.log)
    assert missing(seen.lines, held, any_order=case.any_order) == [], seen
    assert seen.displays == list(held.displays), seen
    assert_progress(seen, held)


def assert_progress(seen: Seen, held: Held) -> None:
    """Assert that the progress goes up to its end, with a value in between; or that there is none."""
    if held.progress is None:
        assert seen.progress == [], seen
        return
    done = [done or 0 for done, _ in seen.progress]
    assert seen.progress[-1:] == [held.progress], seen
    assert any(0 < each < held.progress[0] for each in done), seen
    assert done == sorted(done), seen
