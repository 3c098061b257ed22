"""A program that follows tasks by the protocol, and checks each thing it is told with the oracle."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from jupyter_agent.core.events import Event
from jupyter_agent.core.ids import Cursor
from jupyter_agent.core.task import Task
from jupyter_agent.protocol.actions import Send, encode
from jupyter_agent.protocol.messages import Close, CommandRequest, ErrorMessage, Events, should_reconnect
from jupyter_agent.protocol.subscriber import Apply, Restart, SubscriberSide, Subscription

from .bugs import Bug
from .oracle import Oracle, Wanted
from .servers import ModelServer
from .wires import Closing, Wire


@dataclass(eq=False)
class View:
    """What one subscription has made of what it was told. ``head``: where its snapshots were made."""

    wanted: Wanted
    place: Cursor | None = None
    head: int = 0
    tasks: dict[str, Task] = field(default_factory=dict)
    tail: bool = False
    applied: int = 0

    def start_over(self, oracle: Oracle, restart: Restart) -> None:
        assert restart.cursor is not None
        self.place = Cursor.parse(restart.cursor)
        heads = {Cursor.parse(task.cursor or "").offset for task in restart.tasks}
        assert len(heads) <= 1, f"snapshots of several moments: {heads}"
        self.head = max([self.place.offset, *heads])
        self.tasks = {task.id: task for task in restart.tasks}
        oracle.snapshots(self.place.epoch, self.head, self.wanted, restart.tasks)

    def apply(self, oracle: Oracle, events: list[Event], cursor: str | None) -> None:
        """Take *events*, which lead to *cursor*."""
        assert cursor is not None
        new = Cursor.parse(cursor)
        if self.place is None:
            raise AssertionError(f"events before any beginning: {events}")
        if new != self.place:
            oracle.told(self.place, new, self.wanted, self.head, events)
        else:
            assert not events, f"events that lead nowhere: {events}"
        self.place = new
        for event in events:
            self.applied += 1
            if event.offset > self.head:
                self.tasks.setdefault(event.task, Task(event.task)).apply(event)


@dataclass(eq=False)
class ModelSubscriber:
    """The real `SubscriberSide` over one wire after another."""

    oracle: Oracle
    views: dict[int, View] = field(default_factory=dict)
    wire: Wire | None = None
    server: ModelServer | None = None
    asked: int = 0
    replies: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        kind = _Careless if self.oracle.bug is Bug.PREV_UNCHECKED else SubscriberSide
        self.side = kind("model/1")

    def connect(self, server: ModelServer) -> None:
        self.hang_up()
        self.server, self.wire = server, server.connect(self)
        self._send(self.side.connected())

    def hang_up(self) -> None:
        if self.wire is not None:
            self.wire.cut_client()
            self.wire = None

    def hang_up_of(self, wire: Wire) -> None:
        """Notice that *wire*, present or old, is gone."""
        if wire is self.wire:
            self.hang_up()
        wire.cut_client()

    def subscribe(self, ident: int, wanted: Wanted, tail: int | None) -> None:
        """A new interest, or another one under the same id."""
        tasks = "*" if wanted.tasks is None else sorted(wanted.tasks)
        types = None if wanted.types is None else sorted(wanted.types)
        self.views[ident] = View(wanted)
        self._send(self.side.subscribe(Subscription(ident, tasks, None, tail, types)))  # type: ignore[arg-type]

    def unsubscribe(self, ident: int) -> None:
        self.views.pop(ident, None)
        self._send(self.side.unsubscribe(ident))

    def command(self, task: str, attempt: int | None, command: str) -> None:
        """Ask for something; what is said to it comes as a reply."""
        self.asked += 1
        args = {"text": "yes"} if command == "input" else {}
        if self.wire is not None and self.side.welcome is not None:
            self.wire.send(encode(CommandRequest(self.asked, task, command, attempt, args)))

    def take(self) -> bool:
        """The next frame."""
        if self.wire is None or not self.wire.down:
            return False
        frame = self.wire.down.popleft()
        if isinstance(frame, Closing):
            late = frame.code == Close.NO_HELLO  # the hello was too long under way
            assert late or should_reconnect(frame.code), (
                f"the server sent a subscriber away for good: {frame.code}"
            )
            self.hang_up()
            return True
        said: list[Send] = []
        for item in self.side.receive(frame):
            match item:
                case Send():
                    said.append(item)
                case Restart(ident):
                    self.views[ident].start_over(self.oracle, item)
                case Apply(ident, events, cursor):
                    self.views[ident].apply(self.oracle, events, cursor)
                case ErrorMessage() if item.temporary:
                    self.hang_up()  # as `client.follow` does: come back and ask again
                case _:
                    self.replies.append(item)
        self._catch_up()
        self._send(said)
        return True

    def _catch_up(self) -> None:
        """A cursor that moved without events says that there were none."""
        for ident, subscription in self.side.subscriptions.items():
            view = self.views[ident]
            if subscription.cursor is not None and subscription.cursor != str(view.place):
                view.apply(self.oracle, [], subscription.cursor)

    def _send(self, frames: list[Send]) -> None:
        if self.wire is not None:
            for item in frames:
                self.wire.send(item.frame)


class _Careless(SubscriberSide):
    __slots__ = ()

    def _events(self, message: Events) -> Any:
        subscription = self.subscriptions.get(message.id)
        if subscription is None:
            return []
        subscription.cursor = message.cursor
        return [Apply(message.id, message.events, message.cursor)]
