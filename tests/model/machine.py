"""The rules: what may happen next."""

from __future__ import annotations

from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from jupyter_agent.core.events import TaskState
from jupyter_agent.errors import JournalError
from jupyter_agent.transport.discovery import DEFAULT

from .bugs import Bug
from .loop import Killed
from .oracle import Wanted
from .producers import ModelProducer
from .wires import Wire
from .world import SECOND, World

T = TypeVar("T")
few = st.integers(0, 7)
MAX_RUNNING = 5
"""Running producers, subscribers, first attempts that user code begins."""

PAUSES = (0.5, 1.5, 2.5, 26.0, 31.0, 80.0, 1000.0, 100_000.0)
"""Seconds: heartbeats, write deadlines, leases and retention are due in some of them."""

ENDS = (TaskState.COMPLETED, TaskState.FAILED, TaskState.CANCELLED)


class Delivery(RuleBasedStateMachine):
    """From `emit` to every view. Every rule draws two small numbers and does what they can mean now, so
    that few steps are without effect."""

    def __init__(self, bug: Bug | None = None) -> None:
        super().__init__()
        self.world = World(bug)
        self.world.start_server(DEFAULT)

    @initialize(shape=few)
    def begin(self, shape: int) -> None:
        """Two producers and two subscribers; mostly a second server with one more of each."""
        self._new_producer(0)
        self._new_producer(shape & 6)
        self._new_subscriber(0)
        self._new_subscriber(1)
        if shape > 2:
            self.world.start_server(SECOND)
            self._new_producer(1)
            self._new_subscriber(3)
        self.world.flow()

    @rule(who=few, what=few)
    def emit(self, who: int, what: int) -> None:
        """Also of an attempt that has ended, or that another one follows: threads print late."""
        producer = _pick(self._running(), who)
        for step in range(1 + what % 4 if producer else 0):
            assert producer is not None
            producer.say(producer.attempts[(what + step) % len(producer.attempts)], what + step)
        if who > 3:
            self.world.flow()

    @rule(who=few, what=few)
    def turn(self, who: int, what: int) -> None:
        """An attempt ends, a task is tried again (by its producer, or by another that asked its journal),
        or a new one begins."""
        up = self._running()
        running = _pick([(p, a) for p in up for a in p.attempts if a.state is TaskState.RUNNING], who)
        ended = _pick([(p, task) for p in up for task in self.world.ended_tasks(p)], who)
        producer = _pick(up, who)
        if running and what < 4:
            running[0].end(running[1], ENDS[what % 3])
        elif ended and what < 7:
            ended[0].begin(ended[1], self.world.attempt_of(ended[1]) + 1)
        elif producer and len(self.world.tasks) < MAX_RUNNING:
            producer.begin(self.world.new_task(), 1)
        if who > 3:
            self.world.flow()

    @rule()
    def rest(self) -> None:
        """Everything that can move does, for a while."""
        self.world.start_server(DEFAULT)
        for _ in range(20):
            for client in self.world.clients:
                self.world.connect(client)
            if not self.world.flow():
                break

    @rule(rounds=few)
    def flow(self, rounds: int) -> None:
        """Servers come up, every client reconnects, and a little of everything moves."""
        if rounds != 1:
            self.world.start_server(DEFAULT)
        for client in self.world.clients:
            self.world.connect(client, rounds)
        for _ in range(2 * rounds + 2):
            self.world.flow()

    @rule(who=few, what=few)
    def send(self, who: int, what: int) -> None:
        """A batch leaves a producer, or frames reach a server."""
        producer = _pick(self._running(), who)
        for _ in range(what % 3 if producer else 0):
            assert producer is not None
            producer.send()
        wire = _pick(self.world.wires, who)
        while wire and wire.socket and what >= 3 and wire.socket.take():
            what -= 1

    @rule(which=few, count=few)
    def commit(self, which: int, count: int) -> None:
        """The journal's thread goes ahead; the server's loop hears of it afterwards."""
        for _ in range(count + 1):
            self.world.work(_name(which))
        self.world.loop.settle()

    @rule(who=few, count=few)
    def hear(self, who: int, count: int) -> None:
        """Frames reach a client."""
        client = _pick(self.world.clients, who)
        while client and count >= 0 and client.take():
            count -= 1

    @rule(which=few, how=few)
    def line(self, which: int, how: int) -> None:
        """A connection breaks, and one end notices, or the other, or both; its client stops reading, or
        goes on; an ack of one that has been replaced arrives."""
        wire = _pick(self.world.wires, which)
        producer = _pick(self._running(), which)
        if how == 7 and producer:
            producer.take_late()
        elif wire and wire.held:
            wire.release()
        elif wire and how > 4:
            wire.held = True
        elif wire:
            self._cut(wire, how)
        self.world.loop.settle()

    @rule(who=few, what=few)
    def follow(self, who: int, what: int) -> None:
        """A subscription begins, takes another's place, or ends."""
        subscriber = _pick(self.world.subscribers, who)
        if subscriber is None or (what == 7 and len(self.world.subscribers) < MAX_RUNNING):
            self._new_subscriber(who)
        elif what == 6:
            subscriber.unsubscribe(1 + who % 3)
        else:
            subscriber.subscribe(1 + what % 3, *self._interest(what, who))

    @rule(who=few, what=few)
    def command(self, who: int, what: int) -> None:
        """A user cancels a task, or answers its prompt."""
        subscriber, task = _pick(self.world.subscribers, who), _pick(self.world.tasks, what)
        if subscriber and task:
            subscriber.command(task, None, "input" if who % 3 == 2 else "cancel")

    @rule(who=few, what=few)
    def process(self, who: int, what: int) -> None:
        """A producer starts, is stopped (SIGSTOP), goes on, or is killed."""
        producer = _pick(self._running(), who)
        stopped = _pick([p for p in self.world.producers if p.alive and p.stopped], who)
        if stopped and what > 2:
            stopped.stopped = False
        elif producer is None or (what < 4 and len(self._running()) < MAX_RUNNING):
            self._new_producer(who)
        elif what > 5:
            producer.stopped = True
        else:
            producer.kill()

    @rule(which=few, how=few)
    def server(self, which: int, how: int) -> None:
        """A server starts, is killed, shuts down, or runs a liveness tick: recovers, interrupts, prunes."""
        name = _name(which)
        server = self.world.servers.get(name)
        if server is None:
            self.world.start_server(name)
        elif how < 5:
            server.look()
        elif how == 5:
            self.world.stop_server(name)
        else:
            self.world.kill_server(name)

    @rule(which=few, how=few)
    def trouble(self, which: int, how: int) -> None:
        """A coming append finds the disk full or is the last thing its process does; a journal's file is
        damaged, so that a new epoch begins; a user deletes an ended task."""
        server = self.world.servers.get(_name(which))
        task = _pick(self.world.tasks, which)
        if how < 3:
            self.world.home.trip = (which % 4, Killed if how % 2 else JournalError)
        elif server and how < 5:
            server.holder.spoiled = True
        elif server and task:
            server.delete(task)

    @rule(how=few)
    def wait(self, how: int) -> None:
        """Time passes."""
        self.world.loop.advance(PAUSES[how])

    def teardown(self) -> None:
        try:
            self.world.finish()
        finally:
            self.world.loop.end()

    def _cut(self, wire: Wire, how: int) -> None:
        if how % 3 != 1:
            wire.client.hang_up_of(wire)
        if how % 3 != 0 and wire.socket is not None:
            wire.socket.hang_up()

    def _new_producer(self, what: int) -> None:
        """A kernel of either server, with a small or a large spool, on this machine or another."""
        journal = SECOND if what & 1 and SECOND in self.world.servers else DEFAULT
        elsewhere = what & 4 == 4 and not what & 1
        producer = self.world.new_producer(journal, most=3 if what & 2 else 1000, elsewhere=elsewhere)
        producer.begin(self.world.new_task(), 1)
        self.world.connect(producer)

    def _new_subscriber(self, what: int) -> None:
        subscriber = self.world.new_subscriber()
        subscriber.subscribe(1, *self._interest(what, what))
        self.world.connect(subscriber, what)

    def _running(self) -> list[ModelProducer]:
        return [producer for producer in self.world.producers if producer.is_running]

    def _interest(self, what: int, who: int) -> tuple[Wanted, int | None]:
        one = frozenset(self.world.tasks[who % len(self.world.tasks) :][:1])
        return {
            0: (Wanted(), None),
            1: (Wanted(one), 2),
            2: (Wanted(types=frozenset({"log"})), None),
            3: (Wanted(frozenset(self.world.tasks[:2])), None),
            4: (Wanted(one, frozenset({"log", "state"})), 1),
            5: (Wanted(types=frozenset({"progress", "state"})), None),
        }.get(what, (Wanted(), None))


def _pick(things: list[T], which: int) -> T | None:
    return things[which % len(things)] if things else None


def _name(which: int) -> str:
    """The second journal's server is met less often."""
    return SECOND if which > 5 else DEFAULT
