"""Peers that answer, and one that does not."""

from __future__ import annotations

from jupyter_agent.server.delivery.keepalive import PING, Keepalive


def test_a_ping_is_due_every_so_often_however_often_it_is_asked() -> None:
    pulse = Keepalive(0.0)
    due = []
    for tenth in range(1, 1001):
        now = tenth / 10
        pulse.heard(now)
        if pulse.next_action(now) == "ping":
            due.append(now)
    assert due == [PING, 2 * PING, 3 * PING, 4 * PING]


def test_who_answers_no_ping_is_given_up_within_three_more() -> None:
    pulse = Keepalive(0.0)
    assert [pulse.next_action(now * PING) for now in range(1, 6)] == ["ping", "ping", "gone", "gone", "gone"]


def test_any_frame_is_an_answer() -> None:
    pulse = Keepalive(0.0)
    for beat in range(1, 100):
        pulse.heard(beat * PING - 1)
        assert pulse.next_action(beat * PING) == "ping"


def test_beats_that_came_late_do_not_make_a_living_peer_gone() -> None:
    pulse = Keepalive(0.0)
    assert pulse.next_action(1000.0) == "ping"
    pulse.heard(1000.1)
    assert pulse.next_action(1025.0) == "ping"
