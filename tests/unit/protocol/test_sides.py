"""Both sides of a connection, without sockets."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from jupyter_agent.core.events import encode_event
from jupyter_agent.core.ids import Cursor
from jupyter_agent.core.task import Task
from jupyter_agent.errors import ProtocolError
from jupyter_agent.protocol.actions import CloseWith, Send, encode
from jupyter_agent.protocol.messages import (
    VERSION,
    Ack,
    Bye,
    Close,
    CommandOrder,
    CommandRequest,
    ErrorMessage,
    Events,
    Handled,
    Heartbeat,
    Hello,
    Limits,
    Nack,
    Publish,
    Reply,
    SpoolTrouble,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Welcome,
    should_reconnect,
)
from jupyter_agent.protocol.producer import ProducerSide
from jupyter_agent.protocol.server import ConnectionState, ServerSide
from jupyter_agent.protocol.subscriber import Apply, Restart, SubscriberSide, Subscription
from tests.support.builders import PRODUCER, TASK, event

LIMITS = Limits(1 << 24, 1 << 20, 100, 1 << 16, 8)


def welcome(window: int = 8) -> bytes:
    limits = Limits(1 << 24, 1 << 20, 100, 1 << 16, window)
    return encode(Welcome(VERSION, "c1", "ada", "e:0", 0.0, 25.0, limits))


def text(message: Any) -> str:
    return message if isinstance(message, str) else json.dumps(message)


def sent(actions: list[Any]) -> list[dict[str, Any]]:
    assert all(isinstance(action, Send) for action in actions), actions
    return [json.loads(action.frame) for action in actions]


class TestServer:
    @pytest.fixture
    def fresh(self) -> ServerSide:
        return ServerSide()

    @pytest.fixture
    def server(self, fresh: ServerSide) -> ServerSide:
        fresh.receive(text({"type": "hello", "versions": [1]}))
        return fresh

    @pytest.fixture
    def producer(self, fresh: ServerSide) -> ServerSide:
        fresh.receive(text({"type": "hello", "versions": [1], "role": "producer", "producer": PRODUCER}))
        return fresh

    def closes(self, server: ServerSide, frame: str | bytes, code: int) -> None:
        (action,) = server.receive(frame)
        assert isinstance(action, CloseWith)
        assert (action.code, server.state) == (code, ConnectionState.CLOSED)
        assert 0 < len(action.reason.encode()) <= 123, "a close frame holds no more"
        assert server.receive(text({"type": "hello", "versions": [1]})) == []
        assert server.no_hello() is None

    def errors(self, server: ServerSide, frame: str | bytes, code: str, ident: int | None = None) -> None:
        (answer,) = sent(server.receive(frame))
        assert (answer["type"], answer["code"], answer["temporary"]) == ("error", code, False)
        assert answer.get("id") == ident
        assert answer["message"]
        assert server.state is ConnectionState.OPEN, "what cannot be served does not close the connection"

    def test_a_hello_opens_it(self, fresh: ServerSide) -> None:
        (hello,) = fresh.receive(text({"type": "hello", "versions": [1, 7], "client": "x/1", "new": 3}))
        assert hello == Hello([1, 7], "subscriber", "x/1")
        assert (fresh.state, fresh.role) == (ConnectionState.OPEN, "subscriber")
        assert fresh.no_hello() is None

    @pytest.mark.parametrize(
        "frame",
        [
            {"type": "subscribe", "id": 1, "tasks": "*"},
            {"type": "welcome"},
            {"type": "nonsense"},
            {"type": None},
            {"type": ["hello"]},
            {"versions": [1]},
            {},
        ],
    )
    def test_anything_before_the_hello_closes_4500(self, fresh: ServerSide, frame: object) -> None:
        self.closes(fresh, text(frame), 4500)

    @pytest.mark.parametrize(
        "frame",
        ["", " ", "no", "[]", '"hello"', "1", "null", "{", '{"type":', "\ud800", "[" * 99999, b"\xff"],
    )
    def test_a_frame_that_is_no_json_object_closes_4500(self, fresh: ServerSide, frame: str | bytes) -> None:
        self.closes(fresh, frame, 4500)

    @pytest.mark.parametrize("frame", ["", "[]", "1", "{", "[" * 100_000, b'{"type":"\xff"}'])
    def test_it_closes_so_also_after_the_hello(self, server: ServerSide, frame: str | bytes) -> None:
        self.closes(server, frame, 4500)

    @pytest.mark.parametrize(
        "change",
        [
            {"versions": "1"},
            {"versions": None},
            {"versions": [1.5]},
            {"role": "king"},
            {"client": 7},
            {"role": "producer"},
            {"role": "producer", "producer": "short"},
            {"role": "producer", "producer": "../../../../../etc/passwd1"},
            {"producer": 3},
        ],
    )
    def test_a_hello_that_cannot_be_read_closes_4500(
        self, fresh: ServerSide, change: dict[str, object]
    ) -> None:
        self.closes(fresh, text({"type": "hello", "versions": [1]} | change), 4500)

    def test_a_hello_without_versions_closes_4500(self, fresh: ServerSide) -> None:
        self.closes(fresh, text({"type": "hello"}), 4500)

    @pytest.mark.parametrize("versions", [[], [2], [0, 2, 3]])
    def test_no_shared_version_closes_4506(self, fresh: ServerSide, versions: list[int]) -> None:
        self.closes(fresh, text({"type": "hello", "versions": versions}), 4506)

    def test_no_hello_in_time_closes_4508(self, fresh: ServerSide) -> None:
        close = fresh.no_hello()
        assert close is not None
        assert close.code == Close.NO_HELLO
        assert int(close.code) == 4508
        assert fresh.receive(text({"type": "hello", "versions": [1]})) == []

    def test_a_second_hello_is_an_error(self, server: ServerSide) -> None:
        self.errors(server, text({"type": "hello", "versions": [1]}), "bad_message")

    @pytest.mark.parametrize("kind", ["welcome", "events", "nonsense", "", None, 3, ["subscribe"], {"a": 1}])
    def test_an_unknown_type_is_an_error(self, server: ServerSide, kind: object) -> None:
        self.errors(server, text({"type": kind, "id": 5}), "unknown_type", 5)

    def test_no_type_is_an_error(self, server: ServerSide) -> None:
        self.errors(server, text({"id": 5}), "unknown_type", 5)

    @pytest.mark.parametrize("ident", ["5", None, 5.5, True, [5]])
    def test_an_id_that_is_no_number_is_not_sent_back(self, server: ServerSide, ident: object) -> None:
        self.errors(server, text({"type": "nonsense", "id": ident}), "unknown_type")

    @pytest.mark.parametrize(
        "request_",
        [
            {"type": "subscribe", "id": 5},
            {"type": "subscribe", "id": 5, "tasks": "all"},
            {"type": "subscribe", "id": 5, "tasks": [1]},
            {"type": "subscribe", "id": 5, "tasks": "*", "after": 9},
            {"type": "subscribe", "id": 5, "tasks": "*", "tail": -1},
            {"type": "subscribe", "id": 5, "tasks": "*", "tail": 10**9},
            {"type": "subscribe", "id": 5, "tasks": "*", "types": "log"},
            {"type": "command", "id": 5},
            {"type": "command", "id": 5, "task": TASK, "command": "cancel", "attempt": 0},
            {"type": "command", "id": 5, "task": TASK, "command": "cancel", "args": []},
        ],
    )
    def test_a_request_that_cannot_be_read_is_an_error_with_its_id(
        self, server: ServerSide, request_: object
    ) -> None:
        self.errors(server, text(request_), "bad_message", 5)

    def test_requests_come_through_and_unknown_fields_are_ignored(self, server: ServerSide) -> None:
        wanted = {
            text({"type": "subscribe", "id": 1, "tasks": "*", "shiny": [1]}): Subscribe(1, "*"),
            text({"type": "subscribe", "id": 2, "tasks": [TASK], "after": "e:1", "tail": 5, "types": []}): (
                Subscribe(2, [TASK], "e:1", 5, [])
            ),
            text({"type": "unsubscribe", "id": 1}): Unsubscribe(1),
            text({"type": "command", "id": 3, "task": TASK, "command": "cancel"}): (
                CommandRequest(3, TASK, "cancel")
            ),
        }
        for frame, message in wanted.items():
            assert server.receive(frame) == [message]
            assert server.receive(frame.encode()) == [message]

    @pytest.mark.parametrize(
        "frame",
        [encode(Publish(1, 1, [event(1)])), encode(Handled(3)), encode(SpoolTrouble("full"))],
    )
    def test_only_a_producer_may_publish(self, frame: bytes, server: ServerSide) -> None:
        self.errors(server, frame, "not_a_producer")

    def test_a_producer_publishes(self, producer: ServerSide) -> None:
        (message,) = producer.receive(encode(Publish(1, 1, [event(1), event(2)])))
        assert isinstance(message, Publish)
        assert [e.n for e in message.events] == [1, 2]
        assert producer.receive(encode(Handled(3))) == [Handled(3)]

    @pytest.mark.parametrize(
        "change", [{"base": 0}, {"first": 0}, {"first": 10**20}, {"events": {}}, {"events": [{"n": 1}]}]
    )
    def test_a_publish_out_of_bounds_is_an_error(
        self, producer: ServerSide, change: dict[str, object]
    ) -> None:
        good = json.loads(encode(Publish(1, 1, [event(1)])))
        self.errors(producer, text(good | change), "bad_message")

    def test_close_reasons_of_hostile_hellos_stay_short(self, fresh: ServerSide) -> None:
        self.closes(fresh, text({"type": "hello", "versions": ["€" * 9999], "role": "€" * 9999}), 4500)

    @given(st.binary(max_size=300) | st.text(max_size=300))
    def test_garbage_never_raises(self, garbage: str | bytes) -> None:
        for greeting in ([], [text({"type": "hello", "versions": [1]})]):
            server = ServerSide()
            for frame in greeting:
                server.receive(frame)
            server.receive(garbage)
            assert server.state in (ConnectionState.OPEN, ConnectionState.CLOSED)

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["type", "id", "tasks", "after", "versions", "events", "base"]), inner
                )
            ),
            max_leaves=8,
        ),
        st.sampled_from(["hello", "subscribe", "unsubscribe", "command", "publish", "handled", "x"]),
    )
    def test_json_of_any_shape_never_raises(self, value: Any, kind: str) -> None:
        server = ServerSide()
        server.receive(text({"type": "hello", "versions": [1], "role": "producer", "producer": PRODUCER}))
        message = value if isinstance(value, dict) else {"id": value}
        for action in server.receive(json.dumps({"type": kind} | message)):
            if isinstance(action, Send):
                json.loads(action.frame)


class TestCloseCodes:
    @pytest.mark.parametrize("code", [None, 1000, 1001, 1006, 1012, 1013, 4000, 4001, 4008, 4010, 4011, 4499])
    def test_a_client_reconnects_after_these(self, code: int | None) -> None:
        assert should_reconnect(code)

    @pytest.mark.parametrize("code", [1009, 4500, 4501, 4503, 4506, 4508, 4999])
    def test_these_mean_do_not(self, code: int) -> None:
        assert not should_reconnect(code)

    def test_the_codes_are_those_of_the_contract(self) -> None:
        assert {close.name: int(close) for close in Close if close >= 4000} == {
            "RESTART": 4001, "TOO_SLOW": 4008, "RESUBSCRIBE": 4010, "REPLACED": 4011, "PROTOCOL": 4500,
            "UNAUTHENTICATED": 4501, "FORBIDDEN": 4503, "VERSION": 4506, "NO_HELLO": 4508,
        }  # fmt: skip


class TestSubscriber:
    @pytest.fixture
    def side(self) -> SubscriberSide:
        side = SubscriberSide("test/1")
        side.connected()
        side.receive(welcome())
        side.subscribe(Subscription(1, [TASK]))
        return side

    @pytest.fixture
    def live(self, side: SubscriberSide) -> SubscriberSide:
        side.receive(encode(Subscribed(1, True, "e:10")))
        return side

    def cursor(self, side: SubscriberSide) -> str | None:
        return side.subscriptions[1].cursor

    def test_hello_is_all_it_says_before_the_welcome(self) -> None:
        side = SubscriberSide("test/1")
        assert side.subscribe(Subscription(1, "*")) == []
        assert sent(side.connected()) == [{"type": "hello", "versions": [1], "client": "test/1"}]
        assert side.subscribe(Subscription(2, [TASK], tail=5)) == []
        assert side.unsubscribe(1) == []
        assert sent(side.receive(welcome())) == [{"type": "subscribe", "id": 2, "tasks": [TASK], "tail": 5}]

    def test_the_answer_says_where_frames_begin(self, live: SubscriberSide) -> None:
        assert self.cursor(live) == "e:10"
        (applied,) = live.receive(encode(Events(1, "e:10", "e:12", [event(1), event(2)])))
        assert isinstance(applied, Apply)
        assert ([e.n for e in applied.events], applied.cursor) == ([1, 2], "e:12")
        assert self.cursor(live) == "e:12"

    def test_snapshots_start_it_over(self, side: SubscriberSide) -> None:
        task = Task(TASK, "train")
        actions = side.receive(encode(Subscribed(1, False, "e:10", [task], True, "initial")))
        assert actions == [Restart(1, [task], True)]
        assert self.cursor(side) == "e:10"

    def test_a_frame_from_elsewhere_is_not_applied_and_asks_again_from_here(
        self, live: SubscriberSide
    ) -> None:
        (request,) = sent(live.receive(encode(Events(1, "e:11", "e:12", [event(1)]))))
        assert request == {"type": "subscribe", "id": 1, "tasks": [TASK], "after": "e:10"}
        assert self.cursor(live) == "e:10"
        assert live.receive(encode(Events(1, "e:10", "e:12", [event(1)]))) == [], "of the old subscription"
        live.receive(encode(Subscribed(1, True, "e:10")))
        assert len(live.receive(encode(Events(1, "e:10", "e:12", [event(1)])))) == 1

    def test_the_same_frame_twice_is_applied_once(self, live: SubscriberSide) -> None:
        frame = encode(Events(1, "e:10", "e:12", [event(1)]))
        assert isinstance(live.receive(frame)[0], Apply)
        assert isinstance(live.receive(frame)[0], Send), "it asks again"
        assert self.cursor(live) == "e:12"

    def test_frames_before_the_answer_are_not_applied(self, side: SubscriberSide) -> None:
        assert side.receive(encode(Events(1, "e:10", "e:12", [event(1)]))) == []
        assert self.cursor(side) is None

    def test_frames_of_a_subscription_it_does_not_have_are_ignored(self, live: SubscriberSide) -> None:
        assert live.receive(encode(Events(9, "e:10", "e:12", [event(1)]))) == []
        assert live.receive(encode(Subscribed(9, True, "e:10"))) == []
        assert sent(live.unsubscribe(1)) == [{"type": "unsubscribe", "id": 1}]
        assert live.unsubscribe(1) == []
        assert live.receive(encode(Events(1, "e:10", "e:12", [event(1)]))) == []

    def test_an_answer_to_a_replaced_request_is_not_the_answer(self, side: SubscriberSide) -> None:
        """Else frames of the old one would pass, and the new answer would bring them again."""
        side.subscribe(Subscription(1, [TASK], "e:5"))
        assert side.receive(encode(Subscribed(1, True, "e:10"))) == []
        assert side.receive(encode(Events(1, "e:10", "e:12", [event(1)]))) == []
        assert self.cursor(side) == "e:5"
        side.receive(encode(Subscribed(1, True, "e:5")))
        assert len(side.receive(encode(Events(1, "e:5", "e:12", [event(1)])))) == 1

    def test_a_refused_request_counts_as_answered(self, side: SubscriberSide) -> None:
        side.subscribe(Subscription(1, [TASK]))
        refusal = ErrorMessage("bad_cursor", "no", False, 1)
        assert side.receive(encode(refusal)) == [refusal]
        side.receive(encode(Subscribed(1, True, "e:10")))
        assert self.cursor(side) == "e:10"

    def test_a_heartbeat_moves_an_idle_cursor_forward_only(self, live: SubscriberSide) -> None:
        for cursor, expected in [
            ("e:15", "e:15"), ("e:12", "e:15"), ("f:99", "e:15"), ("garbage", "e:15"), ("e:16", "e:16"),
        ]:  # fmt: skip
            assert (
                live.receive(encode(Heartbeat(0.0, {"1": cursor, "7": "e:1", "x": "e:1", "": "e:1"}))) == []
            )
            assert self.cursor(live) == expected
        assert len(live.receive(encode(Events(1, "e:16", "e:17", [event(1)])))) == 1

    def test_a_heartbeat_before_the_answer_moves_nothing(self, side: SubscriberSide) -> None:
        side.receive(encode(Heartbeat(0.0, {"1": "e:15"})))
        assert self.cursor(side) is None

    def test_it_resumes_from_its_cursor_on_the_next_socket(self, live: SubscriberSide) -> None:
        live.receive(encode(Events(1, "e:10", "e:12", [event(1)])))
        live.connected()
        assert live.receive(encode(Events(1, "e:12", "e:13", [event(2)]))) == [], "nothing before the answer"
        (request,) = sent(live.receive(welcome()))
        assert request["after"] == "e:12"

    def test_answers_errors_and_goodbyes_are_handed_on(self, live: SubscriberSide) -> None:
        for message in (
            Reply(7, True),
            Reply(7, False, "not_now", "no"),
            ErrorMessage("x", "y", True),
            ErrorMessage("x", "y", True, 44),
            Bye(True, 5),
        ):
            assert live.receive(encode(message)) == [message]

    @pytest.mark.parametrize("frame", ["", "[]", "{}", '{"type":"nonsense"}', b"\xff", "[" * 99_999])
    def test_a_peer_of_another_tongue_raises_protocol_error(
        self, live: SubscriberSide, frame: str | bytes
    ) -> None:
        with pytest.raises(ProtocolError, match="cannot be read"):
            live.receive(frame)


class TestProducer:
    @pytest.fixture
    def side(self) -> ProducerSide:
        side = ProducerSide(PRODUCER, "test/1", "here")
        side.connected()
        side.receive(welcome())
        return side

    def publish(self, side: ProducerSide, first: int, last: int) -> dict[str, Any]:
        bodies = [encode_event(event(n)) for n in range(first, last + 1)]
        return dict(json.loads(side.publish(1, first, last, bodies).frame))

    def test_it_says_who_and_where_it_is(self) -> None:
        side = ProducerSide(PRODUCER, "test/1", "here")
        assert not side.may_send
        assert sent(side.connected()) == [
            {
                "type": "hello",
                "versions": [1],
                "role": "producer",
                "client": "test/1",
                "producer": PRODUCER,
                "host": "here",
            }
        ]
        assert not side.may_send, "nothing before the welcome"
        side.receive(welcome())
        assert side.may_send

    def test_a_publish_is_what_the_server_reads(self, side: ProducerSide) -> None:
        frame = side.publish(1, 4, 5, [encode_event(event(4)), encode_event(event(5))]).frame
        server = ServerSide()
        server.receive(side.connected()[0].frame)
        (message,) = server.receive(frame)
        assert isinstance(message, Publish)
        assert (message.base, message.first, [e.n for e in message.events]) == (1, 4, [4, 5])

    @pytest.mark.parametrize(("offered", "granted"), [(8, 8), (100, 8), (2, 2), (0, 1)])
    def test_the_window_is_the_smaller_of_both_and_at_least_one(self, offered: int, granted: int) -> None:
        side = ProducerSide(PRODUCER, "test/1", "here")
        side.connected()
        side.receive(welcome(offered))
        sent_batches = 0
        while side.may_send:
            sent_batches += 1
            self.publish(side, sent_batches, sent_batches)
        assert sent_batches == granted

    def test_an_ack_opens_the_window_and_moves_on(self, side: ProducerSide) -> None:
        for n in range(1, 9):
            self.publish(side, n, n)
        assert not side.may_send
        side.receive(encode(Ack(3)))
        assert (side.may_send, side.acked, side.sent, side.in_flight) == (True, 3, 8, [4, 5, 6, 7, 8])
        side.receive(encode(Ack(2)))
        assert side.acked == 3, "an older ack takes nothing back"

    def test_a_journal_that_has_more_than_was_sent_moves_it_forward(self, side: ProducerSide) -> None:
        side.receive(encode(Ack(40)))
        assert (side.acked, side.sent) == (40, 40)

    def test_a_nack_rewinds(self, side: ProducerSide) -> None:
        for n in range(1, 6):
            self.publish(side, n, n)
        side.receive(encode(Ack(2)))
        side.receive(encode(Nack(1)))
        assert (side.acked, side.sent, side.in_flight) == (0, 0, [])

    def test_a_nack_rewinds_as_far_as_there_is_something_to_send(self, side: ProducerSide) -> None:
        self.publish(side, 1, 9)
        side.receive(encode(Ack(9)))
        side.receive(encode(Nack(1)), base=7)
        assert (side.acked, side.sent) == (6, 6)
        side.receive(encode(Ack(9)))
        side.receive(encode(Nack(1)), base=10)
        assert (side.acked, side.sent) == (9, 9), "the spool is empty: nothing will ever be acknowledged"
        side.receive(encode(Nack(5)), base=3)
        assert (side.acked, side.sent) == (4, 4)

    def test_a_hello_says_what_was_acknowledged(self, side: ProducerSide) -> None:
        side.receive(encode(Ack(9)))
        (hello,) = side.connected()
        assert b'"acked":9' in hello.frame

    def test_a_new_socket_sends_again_what_was_not_acknowledged(self, side: ProducerSide) -> None:
        self.publish(side, 1, 5)
        self.publish(side, 6, 9)
        side.receive(encode(Ack(5)))
        side.connected()
        assert (side.sent, side.in_flight, side.may_send) == (5, [], False)

    def test_commands_and_errors_are_handed_on(self, side: ProducerSide) -> None:
        for message in (CommandOrder(3, TASK, 1, "cancel"), ErrorMessage("x", "y", True), Bye(True, 5)):
            assert side.receive(encode(message)) == message

    @pytest.mark.parametrize("frame", ["", "[]", '{"type":"nonsense"}', '{"type":"ack","upto":-1}', b"\xff"])
    def test_a_peer_of_another_tongue_raises_protocol_error(
        self, side: ProducerSide, frame: str | bytes
    ) -> None:
        with pytest.raises(ProtocolError):
            side.receive(frame)


RARELY = st.integers(0, 9)


class ProducerMeetsServer(RuleBasedStateMachine):
    """A producer, a journal that keeps the ack rules, and a net that loses whole sockets."""

    def __init__(self) -> None:
        super().__init__()
        self.emitted = 0
        self.side = ProducerSide(PRODUCER, "test/1", "here")
        self.stored: list[int] = []
        self.server: ServerSide | None = None
        self.to_server: list[bytes] = []
        self.to_producer: list[bytes] = []

    @rule()
    def emit(self) -> None:
        self.emitted += 1

    @initialize()
    def connect(self) -> None:
        self.reconnect()

    @rule(chance=RARELY)
    def lose_the_socket(self, chance: int) -> None:
        if not chance:
            self.reconnect()

    def reconnect(self) -> None:
        self.server, self.to_producer = ServerSide(), []
        self.to_server = [action.frame for action in self.side.connected()]

    @rule()
    def send(self) -> None:
        if self.server is None or not self.side.may_send or self.side.sent >= self.emitted:
            return
        first, last = self.side.sent + 1, min(self.emitted, self.side.sent + 2)
        bodies = [encode_event(event(n)) for n in range(first, last + 1)]
        self.to_server.append(self.side.publish(1, first, last, bodies).frame)

    @rule(failing=st.booleans())
    def serve(self, failing: bool) -> None:
        if self.server is None or not self.to_server:
            return
        for message in self.server.receive(self.to_server.pop(0)):
            assert not isinstance(message, Send | CloseWith)
            if isinstance(message, Hello):
                self.to_producer.append(welcome())
            elif isinstance(message, Publish) and not failing:
                self._store(message)

    def _store(self, message: Publish) -> None:
        for n in (e.n for e in message.events):
            if n == len(self.stored) + 1:
                self.stored.append(n)
        if message.first > len(self.stored) + 1:
            self.to_producer.append(encode(Nack(len(self.stored) + 1)))
        else:
            self.to_producer.append(encode(Ack(len(self.stored))))

    @rule()
    def listen(self) -> None:
        if self.to_producer:
            self.side.receive(self.to_producer.pop(0))

    @rule(chance=RARELY)
    def lose_the_journal(self, chance: int) -> None:
        if not chance:
            self.stored.clear()

    @invariant()
    def nothing_is_stored_twice_or_out_of_order(self) -> None:
        assert self.stored == list(range(1, len(self.stored) + 1))

    def teardown(self) -> None:
        self.reconnect()
        self.emit()
        for _ in range(2000):
            if len(self.stored) == self.side.acked == self.emitted:
                return
            self.send()
            self.serve(failing=False)
            self.listen()
        raise AssertionError("once the net holds, everything must arrive")


TestProducerMeetsServer = ProducerMeetsServer.TestCase
TestProducerMeetsServer.settings = settings(max_examples=100, stateful_step_count=60)


class SubscriberMeetsServer(RuleBasedStateMachine):
    """A subscriber, a server with one reader, lost sockets, replaced subscriptions, heartbeats."""

    def __init__(self) -> None:
        super().__init__()
        self.side = SubscriberSide("test/1")
        self.side.subscribe(Subscription(1, "*", "e:0"))
        self.log = 0
        self.applied: list[int] = []
        self.reader: tuple[str, int] | None = None
        self.server: ServerSide | None = None
        self.to_server: list[bytes] = []
        self.to_client: list[bytes] = []

    @rule(count=st.integers(1, 3))
    def happen(self, count: int) -> None:
        self.log += count

    @initialize()
    def connect(self) -> None:
        self.reconnect()

    @rule(chance=RARELY)
    def lose_the_socket(self, chance: int) -> None:
        if not chance:
            self.reconnect()

    def reconnect(self) -> None:
        self.server, self.reader, self.to_client = ServerSide(), None, []
        self.to_server = [action.frame for action in self.side.connected()]

    @rule()
    def replace(self) -> None:
        old = self.side.subscriptions[1]
        again = Subscription(1, "*", old.cursor)
        self.to_server += [action.frame for action in self.side.subscribe(again)]

    @rule()
    def replace_twice(self) -> None:
        self.replace()
        self.serve()
        self.replace()
        self.serve()

    @rule()
    def leave_and_return(self) -> None:
        cursor = self.side.subscriptions[1].cursor
        self.to_server += [action.frame for action in self.side.unsubscribe(1)]
        self.to_server += [action.frame for action in self.side.subscribe(Subscription(1, "*", cursor))]

    @rule()
    def serve(self) -> None:
        if self.server is None or not self.to_server:
            return
        for message in self.server.receive(self.to_server.pop(0)):
            if isinstance(message, Hello):
                self.to_client.append(welcome())
            elif isinstance(message, Unsubscribe):
                self.reader = None
            elif isinstance(message, Subscribe):
                assert message.after is not None
                self.to_client.append(encode(Subscribed(1, True, message.after)))
                self.reader = (message.after, Cursor.parse(message.after).offset)

    @rule(count=st.integers(1, 3))
    def pump(self, count: int) -> None:
        if self.reader is None:
            return
        told, at = self.reader
        upto = min(self.log, at + count)
        if upto > at:
            cursor = f"e:{upto}"
            events = [event(n) for n in range(at + 1, upto + 1)]
            self.to_client.append(encode(Events(1, told, cursor, events)))
            self.reader = (cursor, upto)

    @rule()
    def beat(self) -> None:
        if self.reader is not None:
            self.reader = (f"e:{self.reader[1]}", self.reader[1])
            self.to_client.append(encode(Heartbeat(0.0, {"1": self.reader[0]})))

    @rule()
    def listen(self) -> None:
        if not self.to_client:
            return
        for action in self.side.receive(self.to_client.pop(0)):
            if isinstance(action, Send):
                self.to_server.append(action.frame)
            elif isinstance(action, Apply):
                self.applied += [e.n for e in action.events]

    @invariant()
    def each_event_is_applied_once_and_in_order(self) -> None:
        assert self.applied == list(range(1, len(self.applied) + 1))

    def teardown(self) -> None:
        self.reconnect()
        for _ in range(2000):
            if len(self.applied) == self.log:
                return
            self.pump(3)
            self.serve()
            self.listen()
        raise AssertionError("once the net holds, everything must arrive")


TestSubscriberMeetsServer = SubscriberMeetsServer.TestCase
TestSubscriberMeetsServer.settings = settings(max_examples=150, stateful_step_count=60)
