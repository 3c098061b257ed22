"""Secrets of other servers, in forwards and notifications, are shown nowhere."""

from __future__ import annotations

import asyncio
import logging
from functools import partial

import pytest

from jupyter_agent.forwarding.peer import PeerRefuses, open_peer
from jupyter_agent.forwarding.spec_parser import read_forward_spec
from jupyter_agent.server.background.apprise import apprise_sender
from tests.support.builders import until
from tests.support.servers import Server
from tests.support.websocket_peers import Peer

SECRET = "a-secret-of-somebody-else"


def _is_settled(server: Server, path: str) -> bool:
    return server.ask(path).json["state"] in ("connected", "refused")


def test_what_a_forward_has_of_secrets_is_in_no_answer_and_not_in_the_log(shared: Server) -> None:
    with Peer() as peer, Peer() as strict:
        strict.refuse = 403
        said = b""
        for one in (peer, strict):
            url = f"ws://me:{SECRET}@127.0.0.1:{one.port}/events?token={SECRET}"
            body = {"url": url, "headers": {"Authorization": f"Bearer {SECRET}"}}
            answer = shared.ask("forwards", method="POST", body=body)
            assert answer.status == 201
            said += answer.body
            path = f"forwards/{answer.json['id']}"
            until(partial(_is_settled, shared, path))
            said += shared.ask(path).body + shared.ask("forwards").body
            said += shared.ask("forwards", method="POST", body=body | {"types": ["logs"]}).body
            said += shared.ask(path, method="DELETE").body + shared.ask(path).body
        assert peer.headers[0]["Authorization"] == f"Bearer {SECRET}"
    assert SECRET not in said.decode() + shared.log_text()


def test_a_forward_that_is_refused_repeats_no_secret() -> None:
    for given in (
        {"url": f"ws://me:{SECRET}@example.org:port/"},
        {"url": f"http://me:{SECRET}@example.org/?token={SECRET}"},
        {"url": "ws://example.org/", "headers": {"X": f"{SECRET}\n"}},
        {"url": "ws://example.org/", "headers": [SECRET]},
        {"url": "ws://example.org/", "headers": {"Host": SECRET}},
    ):
        with pytest.raises(ValueError) as refused:
            read_forward_spec(given)
        assert SECRET not in str(refused.value)


def test_a_peer_that_sends_us_elsewhere_is_not_followed() -> None:
    with Peer() as here, Peer() as there:
        here.refuse, here.location = 307, there.url
        with pytest.raises(PeerRefuses, match="HTTP 307"):
            asyncio.run(open_peer(here.url, {"Authorization": SECRET}))
        assert len(here.headers) == 1
        assert there.headers == []


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # by what apprise imports
def test_of_a_notifications_address_only_its_number_and_scheme_are_told(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    told: list[str] = []
    monkeypatch.setenv("HOOK", f"json://me:{SECRET}@127.0.0.1:9/{SECRET}")
    send = apprise_sender(["env:HOOK", f"wrong://{SECRET}", SECRET], told.append)
    assert send is not None
    assert not send("title", "text", True)
    assert [sentence.partition(" of ")[0] for sentence in told] == ["entry 2", "entry 3"]
    assert SECRET not in " ".join(told) + caplog.text
