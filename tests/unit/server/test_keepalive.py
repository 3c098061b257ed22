"""Peers that answer, and one that does not."""

from __future__ import annotations

from jupyter_agent.server.delivery.keepalive import PING_INTERVAL, Keepalive


def test_a_ping_is_due_every_so_often_however_often_it_is_asked() -> None:
    keepalive = Keepalive(0.0)
    due = []
    for tenth in range(1, 1001):
        now = tenth / 10
        keepalive.on_frame(now)
        if keepalive.next_action(now) == "ping":
            due.append(now)
    assert due == [PING_INTERVAL, 2 * PING_INTERVAL, 3 * PING_INTERVAL, 4 * PING_INTERVAL]


def test_who_answers_no_ping_is_given_up_within_three_more() -> None:
    keepalive = Keepalive(0.0)
    assert [keepalive.next_action(now * PING_INTERVAL) for now in range(1, 6)] == [
        "ping",
        "ping",
        "gone",
        "gone",
        "gone",
    ]


def test_any_frame_is_an_answer() -> None:
    keepalive = Keepalive(0.0)
    for beat in range(1, 100):
        keepalive.on_frame(beat * PING_INTERVAL - 1)
        assert keepalive.next_action(beat * PING_INTERVAL) == "ping"


def test_beats_that_came_late_do_not_make_a_living_peer_gone() -> None:
    keepalive = Keepalive(0.0)
    assert keepalive.next_action(1000.0) == "ping"
    keepalive.on_frame(1000.1)
    assert keepalive.next_action(1025.0) == "ping"


def test_a_peer_is_silent_from_the_first_ping_that_it_does_not_answer() -> None:
    keepalive = Keepalive(0.0)
    assert keepalive.next_action(25.0) == "ping"
    keepalive.on_frame(25.1)
    assert keepalive.unanswered(49.0) == 0.0
    assert [keepalive.next_action(now) for now in (50.0, 75.0)] == ["ping", "ping"]
    assert keepalive.unanswered(76.0) == 26.0
    keepalive.on_frame(77.0)
    assert keepalive.unanswered(78.0) == 0.0
