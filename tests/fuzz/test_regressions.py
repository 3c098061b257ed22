"""What the fuzzer found once: each find as a test of its own."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from support import PRODUCER, TASK, event

from jupyter_agent.cli.board import Row
from jupyter_agent.core.events import Log
from jupyter_agent.core.protocol import ProducerSide, SubscriberSide, Subscription
from jupyter_agent.core.task import Task
from jupyter_agent.errors import ProtocolError
from jupyter_agent.places import Places
from jupyter_agent.producer.forwarder import Forwarder
from jupyter_agent.producer.spool import Spool, header_for


def test_a_heartbeat_for_a_subscription_with_5000_digits_is_passed_over() -> None:
    side = SubscriberSide("test/1", {1: Subscription(1, "*")})
    frame = b'{"type":"heartbeat","now":1,"cursors":{"%s":"a:1"}}' % (b"9" * 5000)
    assert side.receive(frame) == []


@pytest.mark.parametrize("frame", [b'{"type":"ack","upto":4}', b'{"type":"nack","expected":5}'])
def test_a_server_cannot_have_what_was_never_emitted(frame: bytes) -> None:
    side = ProducerSide(PRODUCER, "test/1", "host")
    side.connected()
    with pytest.raises(ProtocolError):
        side.receive(frame, 3)
    assert (side.acked, side.sent) == (0, 0)


@pytest.mark.asyncio
async def test_an_ack_of_more_than_was_emitted_frees_nothing(places: Places) -> None:
    class Tasks:
        def sample(self) -> bool:
            return False

        def command(self, order: object) -> None: ...

    spool = Spool.create(places, header_for(PRODUCER, "default", 1.0))
    forwarder = Forwarder(spool, Tasks(), lambda: None)
    assert spool.append(TASK, 1, "log", Log("stdout", "x")) == 1
    with pytest.raises(ProtocolError):
        await forwarder._received(b'{"type":"ack","upto":9007199254740991}')
    assert forwarder.acked == 0
    spool.close()
    assert spool.folder.is_dir()


@pytest.mark.parametrize("kind", [b'{"done":%s,"total":%s}', b'{"name":"x","value":%s,"step":%s}'])
def test_a_number_that_no_float_holds_is_unknown_to_a_fold(kind: bytes) -> None:
    digits = b"1" + b"0" * 400
    one = event(2, "metric" if b"name" in kind else "progress", kind % (digits, digits), task=TASK)
    row = Row(Task(TASK), "default")
    row.take(msgspec.structs.replace(one, offset=1))
    assert row.task.progress is None or row.task.progress.done is None
    assert all(point.value is None for point in row.task.metrics.values())
    assert row.rate() is None
