"""`forward_to`: everything arrives, also across lost connections."""

from __future__ import annotations

import threading

import pytest

import jupyter_agent as ja
from tests.support.runtime import emitted, own_producer  # noqa: F401
from tests.support.websocket_peers import Peer


def talk(count: int) -> None:

    def log_numbers() -> None:
        for n in range(count):
            ja.current().log(str(n))

    ja.submit(log_numbers).wait(10)


def numbers(peer: Peer) -> list[int]:
    return [event["n"] for event in peer.got]


def test_every_event_arrives_once_and_in_order_with_the_headers_given() -> None:
    peer = Peer()
    peer.open()
    with ja.forward_to(peer.url, headers={"Authorization": "Bearer x"}) as forward:
        talk(500)
        assert forward.wait(20)
    peer.close()
    assert numbers(peer) == [event.n for event in emitted()]
    assert [headers["Authorization"] for headers in peer.headers] == ["Bearer x"]
    assert peer.got[0]["type"] == "state"


def test_a_peer_that_comes_late_and_hangs_up_misses_nothing(caplog: pytest.LogCaptureFixture) -> None:
    peer = Peer()
    peer.open()
    peer.close()
    forward = ja.forward_to(peer.url)
    talk(700)
    assert not forward.wait(0.05)
    peer.hang_up_after = 150
    peer.open()
    assert forward.wait(30)
    forward.close()
    forward.close()
    peer.close()
    assert sorted(set(numbers(peer))) == [event.n for event in emitted()]
    assert not [record for record in caplog.records if record.levelname not in ("DEBUG", "INFO")]


def test_a_wait_ends_with_false_when_the_forward_is_closed() -> None:
    peer = Peer()
    peer.open()
    peer.close()
    forward = ja.forward_to(peer.url)
    talk(1)
    results: list[bool] = []
    waiting = threading.Thread(target=lambda: results.append(forward.wait()), daemon=True)
    waiting.start()
    assert not forward.wait(0.05)
    forward.close()
    waiting.join(20)
    assert results == [False]
    assert not forward.wait()


def test_only_the_given_task_and_types_are_sent() -> None:
    peer = Peer()
    peer.open()
    other = ja.submit(print)
    other.wait(10)
    handle = ja.submit(lambda: ja.current().log("x"))
    handle.wait(10)
    with ja.forward_to(peer.url, task=handle, types=["log"]) as forward:
        assert forward.wait(20)
    peer.close()
    assert [(event["task"], event["type"]) for event in peer.got] == [(handle.id, "log")]


def test_an_invalid_address_is_one_sentence() -> None:
    with pytest.raises(ValueError, match="begins with ws://"):
        ja.forward_to("http://127.0.0.1/")
