"""A small part of ``make fuzz`` in every run, with the same inputs each time."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .dice import ByteRandom, Dice
from .harness import Found, Target
from .sessions import server_session
from .targets import TARGETS

IN_PROCESS = [target for target in TARGETS if not target.needs_server and target.name != "client"]
EXAMPLES = {"forwarder": 60, "spools": 60, "databases": 60, "drawing": 80}
ELSE = 300
SEEDED = {"client": 60, "sockets": 300, "requests": 200}


@pytest.mark.parametrize("target", IN_PROCESS, ids=lambda target: target.name)
def test_no_input_breaks(target: Target, tmp_path: Path) -> None:
    with target.opened(tmp_path) as feed:

        @settings(
            max_examples=EXAMPLES.get(target.name, ELSE),
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(st.integers(0, 2**64), st.randoms(use_true_random=False))
        def feed_one(seed: int, chance: Random) -> None:
            feed(Dice(chance if seed % 4 == 0 else Random(seed)))

        feed_one()


@pytest.mark.parametrize("name", SEEDED)
def test_no_input_breaks_a_real_endpoint(name: str, tmp_path: Path) -> None:
    target = next(target for target in TARGETS if target.name == name)
    with target.opened(tmp_path) as feed:
        for number in range(SEEDED[name]):
            feed(Dice(Random(f"0:{name}:{number}")))


def test_a_target_goes_red_when_the_code_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jupyter_agent.protocol.server._short", lambda text: text * 50)
    with pytest.raises(Found):
        for number in range(300):
            server_session(Dice(Random(number)))


def test_any_bytes_make_a_run_of_draws() -> None:
    for data in (b"", b"\xff" * 40, bytes(range(256))):
        server_session(Dice(ByteRandom(data)))
