"""RFC 6455 at the WebSocket endpoint, bit by bit over raw sockets, in the order of the Autobahn test suite.

Where Tornado does other than the RFC says, the test's name says "deviates" and its text why that does no
harm. The case numbers in comments are Autobahn's sections.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.support.raw_websocket import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    PROTOCOL,
    TEXT,
    Raw,
    closing,
    frame,
    upgraded,
)
from tests.support.servers import Server, assert_problem, loud

HELLO = b'{"type":"hello","versions":[1]}'


@contextmanager
def welcomed(server: Server) -> Iterator[Raw]:
    """A connection after its welcome."""
    with upgraded(server) as peer:
        peer.send(frame(TEXT, HELLO))
        assert said(peer)["type"] == "welcome"
        yield peer


def said(peer: Raw) -> Any:
    """The next message that is no heartbeat."""
    while (one := peer.frame()) is not None:
        assert one.opcode == TEXT, one
        assert one.fin
        message = json.loads(one.payload)
        if message["type"] != "heartbeat":
            return message
    return None


def padded(size: int, ident: int = 7) -> bytes:
    """A message of exactly *size* bytes that is answered with an error naming *ident*."""
    head = b'{"type":"dance","id":%d,"pad":"' % ident
    return head + b"x" * (size - len(head) - 2) + b'"}'


def still_there(peer: Raw) -> bool:
    """Whether an honest message is answered."""
    peer.send(frame(TEXT, padded(100, 99)))
    return bool(said(peer)["id"] == 99)


def noise(log: str) -> list[str]:
    """Loud lines of the log but Jupyter's own for what it refuses."""
    refusal = re.compile(r"\[W .* ServerApp\] (4\d\d |Couldn't authenticate|Blocking request with non-local)")
    return [line for line in loud(log) if not refusal.search(line)]


def failed(peer: Raw) -> int | None:
    """The close code with which the server failed the connection; ``None`` when it just hung up."""
    return peer.end()


def dead(server: Server, *frames: bytes) -> int | None:
    """What comes of these frames on a welcomed connection: the close code, or ``None`` for a hang-up."""
    with welcomed(server) as peer:
        peer.send(b"".join(frames))
        return failed(peer)


# 1 Framing


@pytest.mark.parametrize("size", [40, 125, 126, 127, 128, 65535, 65536, 1 << 20])
def test_a_message_of_any_length_field_is_read(shared: Server, size: int) -> None:
    with welcomed(shared) as peer:
        peer.send(frame(TEXT, padded(size)))
        assert said(peer)["id"] == 7


def test_an_empty_message_is_no_json_object_and_closes_with_4500(shared: Server) -> None:
    assert dead(shared, frame(TEXT)) == 4500


@pytest.mark.parametrize("form", [126, 127])
def test_a_length_in_a_longer_field_than_it_needs_is_read_which_deviates_harmlessly(
    shared: Server, form: int
) -> None:
    """RFC 6455 5.2 wants the shortest field. Tornado reads the longer ones: the length is the same."""
    with welcomed(shared) as peer:
        peer.send(frame(TEXT, padded(100), form=form))
        assert said(peer)["id"] == 7


def test_a_binary_message_is_no_json_object_and_closes_with_4500(shared: Server) -> None:
    assert dead(shared, frame(BINARY, padded(100))) == 4500


def test_what_the_server_sends_is_unmasked_whole_and_as_short_as_can_be(shared: Server) -> None:
    with welcomed(shared) as peer:
        for size in (40, 4000):
            peer.send(frame(TEXT, padded(size)))
        for _ in range(2):
            one = peer.frame()
            assert one is not None
            assert (one.opcode, one.fin, one.rsv, one.masked) == (TEXT, True, 0, False)


# 2 Pings and pongs


@pytest.mark.parametrize("payload", [b"", b"hello", bytes(range(125)), b"\xff" * 125])
def test_a_ping_is_answered_with_its_payload(shared: Server, payload: bytes) -> None:
    with upgraded(shared) as peer:
        peer.send(frame(PING, payload))
        assert peer.frame() == (PONG, payload, True, 0, False)


def test_a_ping_of_more_than_125_bytes_ends_the_connection(shared: Server) -> None:
    assert dead(shared, frame(PING, b"x" * 126)) in (None, 1002)


def test_pongs_nobody_asked_for_are_passed_over(shared: Server) -> None:
    with welcomed(shared) as peer:
        for payload in (b"", b"unasked", b"x" * 125):
            peer.send(frame(PONG, payload))
        assert still_there(peer)


def test_a_hundred_pings_are_answered_in_order(shared: Server) -> None:
    with upgraded(shared) as peer:
        peer.send(b"".join(frame(PING, b"%d" % n) for n in range(100)))
        pongs = [peer.frame() for _ in range(100)]
        assert [one.payload for one in pongs if one] == [b"%d" % n for n in range(100)]


def test_frames_sent_byte_by_byte_are_put_together(shared: Server) -> None:
    with upgraded(shared) as peer:
        for byte in frame(PING, b"slow") + frame(TEXT, HELLO):
            peer.send(bytes([byte]))
        one = peer.frame()
        assert one is not None
        assert (one.opcode, one.payload) == (PONG, b"slow")
        assert said(peer)["type"] == "welcome"


# 3 Reserved bits


@pytest.mark.parametrize("rsv", range(1, 8))
def test_a_frame_with_a_reserved_bit_ends_the_connection(shared: Server, rsv: int) -> None:
    assert dead(shared, frame(TEXT, padded(100), rsv=rsv)) in (None, 1002)


@pytest.mark.parametrize("opcode", [PING, CLOSE])
def test_a_control_frame_with_a_reserved_bit_ends_the_connection(shared: Server, opcode: int) -> None:
    assert dead(shared, frame(opcode, rsv=4)) in (None, 1002)


# 4 Opcodes


@pytest.mark.parametrize("opcode", [3, 4, 5, 6, 7])
def test_a_reserved_data_opcode_ends_the_connection(shared: Server, opcode: int) -> None:
    assert dead(shared, frame(opcode, padded(100))) in (None, 1002)


@pytest.mark.parametrize("opcode", [11, 12, 13, 14, 15])
def test_a_reserved_control_opcode_ends_the_connection(shared: Server, opcode: int) -> None:
    assert dead(shared, frame(opcode)) in (None, 1002)


# 5 Fragmentation


@pytest.mark.parametrize("size", [1, 7, 50])
def test_a_message_in_fragments_is_one_message(shared: Server, size: int) -> None:
    with welcomed(shared) as peer:
        peer.send(b"".join(_fragments(padded(200), size)))
        assert said(peer)["id"] == 7


def _fragments(payload: bytes, size: int) -> list[bytes]:
    parts = [payload[at : at + size] for at in range(0, len(payload), size)]
    last = len(parts) - 1
    return [frame(CONTINUATION if n else TEXT, part, fin=n == last) for n, part in enumerate(parts)]


def test_empty_fragments_count_for_nothing(shared: Server) -> None:
    with welcomed(shared) as peer:
        empty = frame(CONTINUATION, fin=False)
        peer.send(frame(TEXT, fin=False) + empty + empty + frame(CONTINUATION, padded(100)))
        assert said(peer)["id"] == 7


def test_a_ping_between_fragments_is_answered_at_once(shared: Server) -> None:
    with welcomed(shared) as peer:
        first, *rest = _fragments(padded(100), 50)
        peer.send(first + frame(PING, b"between"))
        one = peer.frame()
        assert one is not None
        assert (one.opcode, one.payload) == (PONG, b"between")
        peer.send(b"".join(rest))
        assert said(peer)["id"] == 7


@pytest.mark.parametrize("fin", [True, False])
def test_a_continuation_of_nothing_ends_the_connection(shared: Server, fin: bool) -> None:
    assert dead(shared, frame(CONTINUATION, padded(100), fin=fin)) in (None, 1002)


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_a_new_message_inside_a_fragmented_one_ends_the_connection(shared: Server, opcode: int) -> None:
    assert dead(shared, frame(TEXT, b'{"type":', fin=False), frame(opcode, padded(100))) in (None, 1002)


@pytest.mark.parametrize("opcode", [PING, PONG, CLOSE])
def test_a_fragmented_control_frame_ends_the_connection(shared: Server, opcode: int) -> None:
    assert dead(shared, frame(opcode, fin=False)) in (None, 1002)


# 6 UTF-8

GOOD = ["κόσμε", "é", "\U0010ffff", "\ud7ff", "\ue000", "\ufffd", "\ufffe", "\U0001f600"]
BAD = [
    b"\x80",  # a continuation without a start
    b"\xbf",
    b"\xc3",  # cut short
    b"\xe2\x82",
    b"\xf0\x9f\x98",
    b"\xc0\xaf",  # overlong
    b"\xe0\x80\xaf",
    b"\xf0\x80\x80\xaf",
    b"\xed\xa0\x80",  # a surrogate
    b"\xed\xad\xbf\xed\xb0\x80",
    b"\xf4\x90\x80\x80",  # beyond U+10FFFF
    b"\xf8\x88\x80\x80\x80",
    b"\xfe",
    b"\xff",
]


@pytest.mark.parametrize("text", GOOD)
def test_utf8_is_read_wherever_its_bytes_are_parted(shared: Server, text: str) -> None:
    with welcomed(shared) as peer:
        whole = json.dumps({"type": "dance", "id": 7, "pad": text}, ensure_ascii=False).encode()
        peer.send(frame(TEXT, whole))
        assert said(peer)["id"] == 7
        peer.send(b"".join(_fragments(whole, 1)))
        assert said(peer)["id"] == 7


@pytest.mark.parametrize("bad", BAD)
def test_what_is_not_utf8_ends_the_connection(shared: Server, bad: bytes) -> None:
    whole = b'{"type":"dance","id":7,"pad":"' + bad + b'"}'
    assert dead(shared, frame(TEXT, whole)) in (None, 1007)


def test_bad_utf8_in_fragments_ends_the_connection_with_the_last_one_which_deviates_harmlessly(
    shared: Server,
) -> None:
    """A server may fail fast or at the end; Tornado does at the end, when it decodes the whole message."""
    with welcomed(shared) as peer:
        peer.send(frame(TEXT, b'{"type":"\xff', fin=False) + frame(PING, b"not yet"))
        one = peer.frame()
        assert one is not None
        assert one.opcode == PONG
        peer.send(frame(CONTINUATION, b'"}'))
        assert failed(peer) in (None, 1007)


# 7 Closing


SAYABLE = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999]
UNSAYABLE = [0, 999, 1004, 1005, 1006, 1012, 1013, 1014, 1015, 1016, 1100, 2000, 2999, 5000, 65535]


@pytest.mark.parametrize("code", SAYABLE)
def test_a_close_is_answered_with_its_code_and_the_connection_ends(shared: Server, code: int) -> None:
    assert dead(shared, closing(code, b"bye")) == code


def test_a_close_without_a_code_is_answered_and_the_connection_ends(shared: Server) -> None:
    assert dead(shared, frame(CLOSE)) in (1000, 1005)


def test_a_close_with_a_reason_of_123_bytes_is_answered(shared: Server) -> None:
    assert dead(shared, closing(1000, b"x" * 123)) == 1000


def test_a_close_of_more_than_125_bytes_ends_the_connection(shared: Server) -> None:
    assert dead(shared, closing(1000, b"x" * 124)) in (None, 1002)


@pytest.mark.parametrize("code", UNSAYABLE)
def test_a_close_with_a_code_nobody_may_send_ends_the_connection_and_echoes_it_which_deviates_harmlessly(
    shared: Server, code: int
) -> None:
    """RFC 6455 7.4 wants 1002 for most of these. Tornado sends the code back; the connection ends all the
    same, and only its sender hears of the code."""
    assert dead(shared, closing(code)) in (code, 1002, None)


def test_a_close_of_one_byte_ends_the_connection(shared: Server) -> None:
    assert dead(shared, frame(CLOSE, b"\x03")) in (None, 1000, 1002, 1005)


@pytest.mark.parametrize("reason", [b"\xff", b"\xed\xa0\x80", b"ok \xc3"])
def test_a_close_with_a_reason_that_is_not_utf8_ends_the_connection(shared: Server, reason: bytes) -> None:
    assert dead(shared, closing(1000, reason)) in (None, 1000, 1002, 1007)


def test_nothing_is_done_or_said_after_a_close(shared: Server) -> None:
    with welcomed(shared) as peer:
        peer.send(closing(1000) + frame(TEXT, padded(100)) + frame(PING, b"late") + closing(1001))
        after = list(peer.frames())
        assert [one.opcode for one in after if b"heartbeat" not in one.payload] == [CLOSE]


def test_a_close_in_the_middle_of_a_fragmented_message_ends_the_connection(shared: Server) -> None:
    assert dead(shared, frame(TEXT, b'{"type":', fin=False), closing(1000)) == 1000


def test_a_connection_cut_in_the_middle_of_a_frame_is_quiet(shared: Server) -> None:
    before = len(shared.log_text())
    for cut in (1, 3, 8, 50):
        with welcomed(shared) as peer:
            peer.send(frame(TEXT, padded(100))[:cut])
    with welcomed(shared) as peer:
        assert still_there(peer)
    assert not noise(shared.log_text()[before:])


# 9 Limits


@pytest.mark.parametrize("size", [1 << 22, (8 << 20) - 16])
def test_a_message_up_to_the_limit_is_read(shared: Server, size: int) -> None:
    with welcomed(shared) as peer:
        peer.send(frame(TEXT, padded(size)))
        assert said(peer)["id"] == 7


def test_a_message_over_the_limit_closes_with_1009(shared: Server) -> None:
    assert dead(shared, frame(TEXT, padded((8 << 20) + 1))) == 1009


def test_a_length_that_nobody_could_send_ends_the_connection_at_once(shared: Server) -> None:
    with welcomed(shared) as peer:
        peer.send(bytes([0x81, 0xFF]) + struct.pack(">Q", (1 << 63) - 1) + b"mask")
        assert failed(peer) in (None, 1009)


def test_a_message_over_the_limit_in_fragments_ends_the_connection(shared: Server) -> None:
    with welcomed(shared) as peer:
        part = b"x" * (1 << 20)
        peer.send(frame(TEXT, b'{"pad":"', fin=False))
        for _ in range(20):
            peer.send(frame(CONTINUATION, part, fin=False))
        assert failed(peer) in (None, 1009)


def test_two_thousand_small_messages_are_answered_in_order(shared: Server) -> None:
    with welcomed(shared) as peer:
        for some in _chunks(range(2000), 250):
            peer.send(b"".join(frame(TEXT, padded(100, n)) for n in some))
            assert [said(peer)["id"] for _ in some] == list(some)


def _chunks(numbers: range, size: int) -> list[range]:
    return [numbers[at : at + size] for at in range(0, len(numbers), size)]


@pytest.mark.parametrize("size", [64, 997])
def test_a_large_message_chopped_into_small_writes_is_read(shared: Server, size: int) -> None:
    with welcomed(shared) as peer:
        whole = frame(TEXT, padded(100_000))
        for at in range(0, len(whole), size):
            peer.send(whole[at : at + size])
        assert said(peer)["id"] == 7


# 10 Masks


def test_an_unmasked_frame_is_read_which_deviates_harmlessly(shared: Server) -> None:
    """RFC 6455 5.1 wants it refused. Masks keep a page's script from writing bytes of its choice through a
    proxy; browsers put them on whatever a server takes, so that refusing others would win nothing."""
    with welcomed(shared) as peer:
        peer.send(frame(TEXT, padded(100), mask=None))
        message = said(peer)
        assert message is None or message["id"] == 7


@pytest.mark.parametrize("mask", [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\0\xff\0\xff"])
def test_any_mask_is_taken_off(shared: Server, mask: bytes) -> None:
    with welcomed(shared) as peer:
        peer.send(frame(TEXT, padded(101), mask=mask))
        assert said(peer)["id"] == 7


# 12, 13 Compression


@pytest.mark.parametrize(
    "offer",
    [
        "permessage-deflate",
        "permessage-deflate; client_max_window_bits; server_no_context_takeover",
        "permessage-deflate; client_max_window_bits=99",
        "x-webkit-deflate-frame",
        ";;;,,=",
    ],
)
def test_no_extension_is_taken_up_whatever_is_offered(shared: Server, offer: str) -> None:
    with Raw(shared) as peer:
        response = peer.handshake(lambda headers: [*headers, ("Sec-WebSocket-Extensions", offer)])
        assert response.status == 101
        assert "sec-websocket-extensions" not in response.headers
        peer.send(frame(TEXT, HELLO))
        assert said(peer)["type"] == "welcome"


# The opening handshake


def without(name: str) -> Any:
    return lambda headers: [(key, value) for key, value in headers if key != name]


def replaced(name: str, value: str) -> Any:
    return lambda headers: [(key, value if key == name else old) for key, old in headers]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (without("Upgrade"), 400),
        (replaced("Upgrade", "h2c"), 400),
        (replaced("Upgrade", ""), 400),
        (without("Connection"), 400),
        (replaced("Connection", "keep-alive"), 400),
        (without("Sec-WebSocket-Key"), 400),
        (replaced("Sec-WebSocket-Key", ""), 400),
        (without("Sec-WebSocket-Version"), 426),
        (replaced("Sec-WebSocket-Version", "12"), 426),
        (replaced("Sec-WebSocket-Version", "14"), 426),
        (replaced("Sec-WebSocket-Version", "x"), 426),
        (without("Authorization"), 403),
        (replaced("Host", "evil.example"), 403),
        (without("Host"), 400),
    ],
)
def test_a_handshake_that_is_not_right_is_refused(shared: Server, change: Any, status: int) -> None:
    with Raw(shared) as peer:
        response = peer.handshake(change)
        assert response.status == status
        if status == 426:
            assert "13" in response.headers["sec-websocket-version"]


@pytest.mark.parametrize(
    "change",
    [
        replaced("Upgrade", "WebSocket"),
        replaced("Connection", "keep-alive, Upgrade"),
        replaced("Sec-WebSocket-Protocol", f"other.protocol, {PROTOCOL}"),
        lambda headers: [*headers, ("Sec-WebSocket-Protocol", "other")],
        lambda headers: [*headers, ("X-Unknown", "x" * 2000)],
        lambda headers: [*reversed(headers)],
    ],
)
def test_a_handshake_of_another_form_is_right_too(shared: Server, change: Any) -> None:
    with Raw(shared) as peer:
        response = peer.handshake(change)
        assert response.status == 101
        assert response.headers["sec-websocket-protocol"] == PROTOCOL


def test_the_old_version_8_is_refused_or_spoken_just_as_well(shared: Server) -> None:
    """Drafts 8 to 12 of the protocol have the framing of version 13; older Tornados take 8, too."""
    with Raw(shared) as peer:
        status = peer.handshake(replaced("Sec-WebSocket-Version", "8")).status
        assert status in (101, 426)
        if status == 101:
            peer.send(frame(TEXT, HELLO))
            assert said(peer)["type"] == "welcome"


OTHERS = [without("Sec-WebSocket-Protocol"), replaced("Sec-WebSocket-Protocol", "other")]


@pytest.mark.parametrize("change", OTHERS)
def test_without_our_subprotocol_none_is_chosen(shared: Server, change: Any) -> None:
    with Raw(shared) as peer:
        response = peer.handshake(change)
        assert response.status == 101
        assert "sec-websocket-protocol" not in response.headers


def test_the_key_is_answered_as_the_rfc_has_it(shared: Server) -> None:
    with Raw(shared) as peer:
        response = peer.handshake(replaced("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="))
        assert response.headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@pytest.mark.parametrize(
    "line",
    [
        "GET {} HTTP/1.0",
        "GET {}",
        "GET {} HTTP/9.9",
        "GET {} FTP/1.1",
        "G\x00T {} HTTP/1.1",
        "",
    ],
)
def test_what_is_no_http11_request_gets_no_socket(shared: Server, line: str) -> None:
    with Raw(shared) as peer:
        path = peer.path + "jupyter-agent/ws"
        response = peer.handshake(line=line.format(path) or "\x16\x03\x01\x02\x00")
        assert response.status in (0, 400, 403, 404, 405, 426, 505) or line.endswith("HTTP/1.0")


def test_a_giant_header_is_refused(shared: Server) -> None:
    with Raw(shared) as peer:
        response = peer.handshake(lambda headers: [*headers, ("X-Giant", "x" * (1 << 20))])
        assert response.status in (0, 400, 431)


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "HEAD", "OPTIONS", "PATCH", "FOO"])
def test_any_other_method_is_refused_quietly(shared: Server, method: str) -> None:
    """PUT once ran the socket's own method of that name."""
    before = len(shared.log_text())
    for token in ("", None):
        if method == "HEAD":
            assert shared.ask("ws", method=method, token=token).status == 405
        else:
            assert_problem(shared.ask("ws", method=method, token=token), 405)
    assert not noise(shared.log_text()[before:])


def test_the_server_is_well_after_all_of_this(shared: Server) -> None:
    with welcomed(shared) as peer:
        assert still_there(peer)
    assert shared.ask("health").json["status"] == "ok"
    assert not noise(shared.log_text())
