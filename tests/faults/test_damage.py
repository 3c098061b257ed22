"""Spools and journals with damaged bytes: nothing falls over, and what is gone is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.damage import files, journals
from tests.faults.test_kills import SEED, assert_whole
from tests.support.servers import Servers

pytestmark = pytest.mark.timeout(120)


def test_damaged_spools_keep_everything_that_was_not_touched_and_name_what_was(fresh: Servers) -> None:
    tally = files(fresh, list(range(SEED, SEED + 15)), print)
    assert_whole(tally)
    assert tally.runs == 15


def test_a_damaged_journal_keeps_no_server_from_starting(fresh: Servers, tmp_path: Path) -> None:
    assert_whole(journals(fresh, [SEED], print, tmp_path))
