"""The rules: what may happen next."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from jupyter_agent.core.events import TaskState
from jupyter_agent.discovery import DEFAULT

from .bugs import Bug
from .oracle import Wanted
from .holding import JournalError
from .loop import Killed
from .producers import ModelProducer
from .world import SECOND, World

T = TypeVar("T")
few = st.integers(0, 7)
MOST = 4
"""Running producers, subscribers, first attempts that user code begins."""

PAUSES = (0.5, 1.5, 2.5, 26.0, 31.0, 80.0, 1000.0, 100_000.0)
"""Seconds: heartbeats, write deadlines, leases and retention are due in some of them."""

ENDS = (TaskState.COMPLETED, TaskState.FAILED, TaskState.CANCELLED)


class Delivery(RuleBasedStateMachine):
    """From `emit` to every view. Every rule draws at most two small numbers."""

    bug: ClassVar[Bug | None] = None

    def __init__(self) -> None:
        super().__init__()
        self.world = World(self.bug)
        self.world.start_server(DEFAULT)
        for _ in range(2):
            producer = self.world.new_producer(DEFAULT)
            producer.begin(self.world.new_task(), 1)
            self.world.connect(producer)
        subscriber = self.world.new_subscriber()
        self.world.connect(subscriber)
        subscriber.subscribe(1, Wanted(), None)

    # What user code does.

    @rule(who=few, what=few)
    def emit(self, who: int, what: int) -> None:
        """Also of an attempt that has ended, or that another one follows: threads print late."""
        producer = _pick(self._running(), who)
        attempt = _pick(producer.attempts, what) if producer else None
        if producer and attempt:
            producer.say(attempt, what)

    @rule(who=few)
    def begin(self, who: int) -> None:
        producer = _pick(self._running(), who)
        if producer and len(self.world.tasks) < MOST:
            producer.begin(self.world.new_task(), 1)

    @rule(who=few, how=few)
    def end(self, who: int, how: int) -> None:
        running = [(p, a) for p in self._running() for a in p.attempts if a.state is TaskState.RUNNING]
        chosen = _pick(running, who)
        if chosen:
            producer, attempt = chosen
            producer.end(attempt, ENDS[how % 3])

    @rule(who=few)
    def retry(self, who: int) -> None:
        """By whoever ran it, who knows that it ended, or by another who asked its journal."""
        producer = _pick(self._running(), who)
        task = _pick(self.world.ended_tasks(producer), who) if producer else None
        if producer and task:
            producer.begin(task, self.world.attempt_of(task) + 1)

    # How it travels.

    @rule(who=few)
    def send(self, who: int) -> None:
        producer = _pick(self.world.producers, who)
        if producer:
            producer.send()

    @rule(which=few, count=few)
    def arrive(self, which: int, count: int) -> None:
        """Frames reach a server."""
        wire = _pick(self.world.wires, which)
        while wire and wire.door and count >= 0 and wire.door.take():
            count -= 1

    @rule(which=st.booleans(), count=few)
    def commit(self, which: bool, count: int) -> None:
        """The journal's thread goes ahead; the server's loop hears of it afterwards."""
        for _ in range(count + 1):
            self.world.work(SECOND if which else DEFAULT)
        self.world.loop.settle()

    @rule(who=few, count=few)
    def hear(self, who: int, count: int) -> None:
        """Frames reach a client."""
        client = _pick(self.world.clients, who)
        while client and count >= 0 and client.take():
            count -= 1

    @rule(who=few)
    def hear_late(self, who: int) -> None:
        """An ack of a connection that has been replaced."""
        producer = _pick(self.world.producers, who)
        if producer:
            producer.take_late()

    @rule(rounds=few)
    def flow(self, rounds: int) -> None:
        for _ in range(rounds + 1):
            self.world.flow()

    @rule(which=few, how=few)
    def cut(self, which: int, how: int) -> None:
        """One end notices, or the other, or both."""
        wire = _pick(self.world.wires, which)
        if wire is None:
            return
        if how % 3 != 1:
            wire.client.hang_up_of(wire)
        if how % 3 != 0 and wire.door is not None:
            wire.door.hang_up()
        self.world.loop.settle()

    @rule(who=few, which=few)
    def connect(self, who: int, which: int) -> None:
        client = _pick(self.world.clients, who)
        if client:
            self.world.connect(client, which)

    @rule(which=few)
    def slow(self, which: int) -> None:
        """A client stops reading, or goes on."""
        wire = _pick(self.world.wires, which)
        if wire is None:
            return
        if wire.held:
            wire.release()
        else:
            wire.held = True
        self.world.loop.settle()

    @rule(how=few)
    def tick(self, how: int) -> None:
        self.world.pass_time(PAUSES[how])

    # Who follows.

    @rule(who=few, what=few)
    def subscribe(self, who: int, what: int) -> None:
        """A new subscription, or another in place of an old one."""
        subscriber = _pick(self.world.subscribers, who)
        if subscriber:
            wanted, tail = self._interest(what, who)
            subscriber.subscribe(1 + what % 3, wanted, tail)

    @rule(who=few, ident=st.integers(1, 3))
    def unsubscribe(self, who: int, ident: int) -> None:
        subscriber = _pick(self.world.subscribers, who)
        if subscriber:
            subscriber.unsubscribe(ident)

    @rule()
    def new_subscriber(self) -> None:
        if len(self.world.subscribers) < MOST:
            subscriber = self.world.new_subscriber()
            subscriber.subscribe(1, *self._interest(len(self.world.subscribers), 0))
            self.world.connect(subscriber)

    @rule(who=few, what=few)
    def command(self, who: int, what: int) -> None:
        subscriber, task = _pick(self.world.subscribers, who), _pick(self.world.tasks, what)
        if subscriber and task:
            subscriber.command(task, None, "input" if what == 7 else "cancel")

    # Who comes and goes.

    @rule(what=few)
    def new_producer(self, what: int) -> None:
        """Of either journal, with a small or a large spool, on this machine or another."""
        if len(self._running()) < MOST:
            journal = SECOND if what & 1 else DEFAULT
            producer = self.world.new_producer(
                journal, most=3 if what & 2 else 1000, elsewhere=what & 4 == 4 and not what & 1
            )
            producer.begin(self.world.new_task(), 1)
            self.world.connect(producer)

    @rule(who=few)
    def kill_producer(self, who: int) -> None:
        producer = _pick([p for p in self.world.producers if p.alive], who)
        if producer:
            producer.kill()

    @rule(who=few)
    def stop_or_continue(self, who: int) -> None:
        """SIGSTOP and SIGCONT."""
        producer = _pick([p for p in self.world.producers if p.alive], who)
        if producer:
            producer.stopped = not producer.stopped

    @rule(which=st.booleans())
    def start_server(self, which: bool) -> None:
        self.world.start_server(SECOND if which else DEFAULT)

    @rule(which=st.booleans())
    def kill_server(self, which: bool) -> None:
        self.world.kill_server(SECOND if which else DEFAULT)

    @rule(which=st.booleans())
    def stop_server(self, which: bool) -> None:
        self.world.stop_server(SECOND if which else DEFAULT)

    @rule(which=st.booleans())
    def look(self, which: bool) -> None:
        """A server looks who is gone: takes in, interrupts, forgets what is old."""
        server = self.world.servers.get(SECOND if which else DEFAULT)
        if server:
            server.look()

    # What goes wrong on disk.

    @rule(after=st.integers(0, 3), how=st.booleans())
    def stumble(self, after: int, how: bool) -> None:
        """A coming append finds the disk full, or is the last thing its process does."""
        self.world.home.trip = (after, Killed if how else JournalError)

    @rule(which=st.booleans())
    def corrupt(self, which: bool) -> None:
        """The journal's file is damaged: it is moved aside and a new epoch begins."""
        server = self.world.servers.get(SECOND if which else DEFAULT)
        if server:
            server.holder.spoiled = True

    @rule(which=few)
    def delete(self, which: int) -> None:
        """Somebody deletes an ended task."""
        task = _pick(self.world.tasks, which)
        server = self.world.servers.get(DEFAULT)
        if task and server:
            server.delete(task)

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

    def teardown(self) -> None:
        try:
            self.world.finish()
        finally:
            self.world.loop.end()


def _pick(things: list[T], which: int) -> T | None:
    return things[which % len(things)] if things else None


