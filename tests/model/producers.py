"""A process that runs tasks: the real forwarder over a model wire, and what user code would emit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

from jupyter_agent.core.events import About, Data, Event, Log, Metric, Progress, State, TaskState
from jupyter_agent.producer.forwarder import Forwarder
from jupyter_agent.protocol.messages import Ack, Close, CommandOrder, should_reconnect
from jupyter_agent.protocol.producer import ProducerSide

from .bugs import Bug
from .loop import HandLoop
from .oracle import Oracle
from .servers import ModelServer
from .spools import ModelSpool
from .wires import Closing, Wire


class ModelLink:
    """Stands for `link.Link`: the present wire, if there is one."""

    wire: Wire | None = None

    @property
    def is_up(self) -> bool:
        return self.wire is not None

    async def send(self, frame: bytes) -> bool:
        return self.wire is not None and self.wire.send(frame)


class HandForwarder(Forwarder):
    """The real forwarder without its thread: the model runs each step."""

    def __init__(self, spool: ModelSpool, producer: ModelProducer, loop: HandLoop) -> None:
        super().__init__(cast(Any, spool), producer, lambda: None)
        self.link = ModelLink()
        self._link = cast(Any, self.link)
        self._loop = loop
        if producer.oracle.bug is Bug.ACK_FREES_ALL:
            self._side.__class__ = _Forgetful


class _Forgetful(ProducerSide):
    __slots__ = ()

    def receive(self, frame: str | bytes, *more: Any) -> Any:
        message = super().receive(frame, *more)
        if isinstance(message, Ack):
            self.acked = self.sent
            return Ack(self.sent)
        return message


@dataclass(slots=True)
class Attempt:
    """One attempt of a task that this process runs."""

    task: str
    number: int
    state: TaskState
    steps: int = 0
    cancelled: int = 0


@dataclass(eq=False)
class ModelProducer:
    """Emits, sends, carries out commands, until it is killed. ``stopped``: SIGSTOP."""

    spool: ModelSpool
    loop: HandLoop
    oracle: Oracle
    alive: bool = True
    stopped: bool = False
    attempts: list[Attempt] = field(default_factory=list)
    old_wires: list[Wire] = field(default_factory=list)
    server: ModelServer | None = None
    orders: list[CommandOrder] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.forwarder = HandForwarder(self.spool, self, self.loop)

    @property
    def id(self) -> str:
        return self.spool.producer

    @property
    def is_running(self) -> bool:
        return self.alive and not self.stopped

    @property
    def wire(self) -> Wire | None:
        return self.forwarder.link.wire

    def emit(self, task: str, attempt: int, kind: str, data: Data) -> Event:
        before = set(self.spool.dropped)
        event = self.spool.append(task, attempt, kind, data, self.loop.time())
        self.oracle.emitted(event, self.spool.dropped - before)
        return event

    def begin(self, task: str, number: int) -> None:
        """Queue an attempt, and mostly start it."""
        self.emit(task, number, "state", State(TaskState.QUEUED, about=About("train")))
        self.attempts.append(Attempt(task, number, TaskState.QUEUED))
        if number > 1 or len(self.attempts) % 2:
            self.say(self.attempts[-1], 0)

    def say(self, attempt: Attempt, kind: int) -> None:
        """One more thing that user code says."""
        attempt.steps += 1
        task, number, step = attempt.task, attempt.number, attempt.steps
        if attempt.state is TaskState.QUEUED:
            attempt.state = TaskState.RUNNING
            self.emit(task, number, "state", State(TaskState.RUNNING))
        elif kind % 4 == 0:
            self.emit(task, number, "progress", Progress(step, 100))
        elif kind % 4 == 1:
            self.emit(task, number, "metric", Metric("loss", number + 1 / step, step))
        else:
            self.emit(task, number, "log", Log("stdout", f"{number}.{step}"))

    def end(self, attempt: Attempt, how: TaskState) -> None:
        """The one end event of an attempt."""
        attempt.state = how
        self.emit(attempt.task, attempt.number, "state", State(how))

    def sample(self) -> bool:
        return False

    def command(self, order: CommandOrder) -> None:
        """Asked by the forwarder: carry out."""
        self.orders.append(order)
        self.oracle.carried_out(self.id, order)
        for attempt in self.attempts:
            if (attempt.task, attempt.number) != (order.task, order.attempt) or order.command != "cancel":
                continue
            attempt.cancelled += 1
            if not attempt.state.ended and self.is_running:
                self.end(attempt, TaskState.CANCELLED)

    def connect(self, server: ModelServer) -> None:
        """Open a socket and say what is said first."""
        self.hang_up()
        self.server = server
        wire = self.forwarder.link.wire = server.connect(self)
        for first in self.forwarder._connected():
            wire.send(first.frame)

    def hang_up(self) -> None:
        """The present socket is gone for this end."""
        wire = self.forwarder.link.wire
        if wire is not None:
            self.forwarder.link.wire = None
            wire.cut_client()
            self.old_wires = [*self.old_wires[-2:], wire]
            self.forwarder._on_disconnect()

    def hang_up_of(self, wire: Wire) -> None:
        """Notice that *wire*, present or old, is gone."""
        if wire is self.wire:
            self.hang_up()
        wire.cut_client()

    def send(self) -> bool:
        """Run one turn of the forwarder's loop."""
        if not self.is_running:
            return False
        sending = self.loop.spawn(self.forwarder._send_batch(self.loop.time()))
        self.loop.settle()
        return sending.result()

    def take(self) -> bool:
        """The next frame from the present socket."""
        wire = self.wire
        if wire is None or not wire.down or not self.is_running:
            return False
        frame = wire.down.popleft()
        if isinstance(frame, Closing):
            late = frame.code == Close.NO_HELLO  # the hello was too long under way
            assert late or should_reconnect(frame.code), (
                f"the server sent a producer away for good: {frame.code}"
            )
            self.hang_up()
        else:
            self._take(frame)
        return True

    def take_late(self) -> bool:
        """An ack from an old socket, which no link would still deliver."""
        for wire in self.old_wires if self.is_running else ():
            while wire.down:
                frame = wire.down.popleft()
                if isinstance(frame, bytes) and frame.startswith(b'{"type":"ack"'):
                    self._take(frame)
                    return True
        return False

    def _take(self, frame: bytes) -> None:
        self.oracle.acknowledged(self.id, frame)
        receiving = self.loop.spawn(self.forwarder._received(frame))
        self.loop.settle()
        receiving.result()

    def kill(self) -> None:
        """kill -9: the spool is all that is left of it."""
        self.alive = False
        self.spool.locked = False
        self.hang_up()
