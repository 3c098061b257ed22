"""An id that ``submit`` has returned is known everywhere, also while the server restarts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.ids import ids
from tests.support.servers import Servers

pytestmark = pytest.mark.timeout(120)


def test_no_id_is_unknown_while_the_server_restarts(fresh: Servers, tmp_path: Path) -> None:
    tally = ids(fresh, [1, 9], print, tmp_path)
    assert tally.broken == []
    assert set(tally.faults) == {"SIGTERM", "SIGKILL"}
    assert tally.emitted >= 6
