"""The rules: what may happen next."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from jupyter_agent.core.events import TaskState
from jupyter_agent.discovery import DEFAULT

from .bugs import Bug
from .oracle import Wanted
from .producers import Attempt, ModelProducer
from .world import SECOND, World

T = TypeVar("T")
few = st.integers(0, 7)
ENDS = (TaskState.COMPLETED, TaskState.FAILED, TaskState.CANCELLED)


class Delivery(RuleBasedStateMachine):
    """From `emit` to every view. Every rule draws at most two small numbers."""

    bug: ClassVar[Bug | None] = None

    def __init__(self) -> None:
        super().__init__()
        from .subscribers import ModelSubscriber

        self.world = World(self.bug)
        self.world.start_server(DEFAULT)
        for _ in range(2):
            producer = self.world.new_producer(DEFAULT)
            producer.begin(self.world.new_task(), 1)
            self.world.connect(producer)
        self.world.subscribers.append(ModelSubscriber(self.world.oracle))
        self.world.connect(self.world.subscribers[0])
        self.world.subscribers[0].subscribe(1, Wanted(), None)

    @rule(who=few, what=few)
    def emit(self, who: int, what: int) -> None:
        producer = _pick([p for p in self.world.producers if p.is_running], who)
        attempt = _pick(producer.attempts, what) if producer else None
        if producer and attempt:
            producer.say(attempt, what)

    @rule(who=few)
    def send(self, who: int) -> None:
        producer = _pick(self.world.producers, who)
        if producer:
            producer.send()

    @rule(rounds=few)
    def flow(self, rounds: int) -> None:
        for _ in range(rounds + 1):
            self.world.flow()

    @rule(which=few, how=few)
    def cut(self, which: int, how: int) -> None:
        wire = _pick(self.world.wires, which)
        if wire is None:
            return
        if how % 3 != 1:
            wire.client.hang_up()
        if how % 3 != 0 and wire.door is not None:
            wire.door.hang_up()
        self.world.loop.settle()

    @rule(who=few)
    def connect(self, who: int) -> None:
        client = _pick([*self.world.producers, *self.world.subscribers], who)
        if client:
            self.world.connect(client)

    def teardown(self) -> None:
        try:
            self.world.drain()
            self.world.check()
        finally:
            self.world.loop.end()


def _pick(things: list[T], which: int) -> T | None:
    return things[which % len(things)] if things else None


def open_attempts(producer: ModelProducer) -> list[Attempt]:
    return [attempt for attempt in producer.attempts if not attempt.state.ended]
