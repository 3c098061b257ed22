"""The subscriber's side of a connection, without any I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from ..core.events import Event
from ..core.ids import Cursor
from ..core.task import Task
from ..errors import BadCursor
from .actions import Send, send
from .decoding import decode_from_server
from .messages import (
    VERSION,
    Bye,
    ErrorMessage,
    Events,
    Heartbeat,
    Hello,
    Reply,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Welcome,
)


@dataclass(slots=True)
class Subscription:
    """A client's subscription and its position; ``cursor`` of ``None``: not answered yet."""

    id: int
    tasks: Literal["*"] | list[str]
    cursor: str | None = None
    tail: int | None = None
    types: list[str] | None = None
    answered: bool = False

    def request(self) -> Subscribe:
        return Subscribe(self.id, self.tasks, self.cursor, self.tail, self.types)


@dataclass(frozen=True, slots=True)
class Restart:
    """Start this subscription over from these snapshots, which are the state at ``cursor``."""

    id: int
    tasks: list[Task]
    more: bool
    cursor: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Apply:
    """New events of this subscription, each exactly once, in order; ``cursor`` is the position after them."""

    id: int
    events: list[Event]
    cursor: str | None = field(default=None, compare=False)


Result = Send | Restart | Apply | Reply | ErrorMessage | Bye
"""What `SubscriberSide.receive` returns: frames to send, and messages for the client."""


@dataclass(slots=True)
class SubscriberSide:
    """Subscriptions and their cursors, kept over any number of sockets."""

    client: str
    subscriptions: dict[int, Subscription] = field(default_factory=dict)
    welcome: Welcome | None = None
    _asked: dict[int, int] = field(default_factory=dict)

    def connected(self) -> list[Send]:
        """Return the hello for a new socket. Subscriptions follow after the welcome."""
        self.welcome = None
        self._asked.clear()
        for subscription in self.subscriptions.values():
            subscription.answered = False
        return [send(Hello([VERSION], "subscriber", self.client))]

    def subscribe(self, subscription: Subscription) -> list[Send]:
        """Add or replace a subscription; return what to send now (nothing before the welcome)."""
        self.subscriptions[subscription.id] = subscription
        subscription.answered = False
        return [self._ask(subscription)] if self.welcome else []

    def unsubscribe(self, ident: int) -> list[Send]:
        """Remove a subscription; frames of it that are still in flight are ignored."""
        known = self.subscriptions.pop(ident, None)
        return [send(Unsubscribe(ident))] if known and self.welcome else []

    def receive(self, frame: str | bytes) -> list[Result]:
        """Apply one frame. Raises `ProtocolError` when it cannot be decoded."""
        match message := decode_from_server(frame):
            case Welcome():
                self.welcome = message
                return [self._ask(subscription) for subscription in self.subscriptions.values()]
            case Subscribed():
                return self._subscribed(message)
            case Events():
                return self._events(message)
            case Heartbeat():
                self._heartbeat(message)
                return []
            case ErrorMessage(id=ident):
                self._answered(ident)
                return [message]
            case Reply() | Bye():
                return [message]
            case _:
                return []

    def _ask(self, subscription: Subscription) -> Send:
        self._asked[subscription.id] = self._asked.get(subscription.id, 0) + 1
        return send(subscription.request())

    def _answered(self, ident: int | None) -> bool:
        """Count an answer; return True if it answers the newest request and not a replaced one."""
        if ident is None or ident not in self._asked:
            return False
        self._asked[ident] -= 1
        if self._asked[ident]:
            return False
        del self._asked[ident]
        return True

    def _subscribed(self, message: Subscribed) -> list[Result]:
        subscription = self.subscriptions.get(message.id)
        if not self._answered(message.id) or subscription is None:
            return []
        subscription.cursor, subscription.answered = message.cursor, True
        if message.recovered:
            return []
        return [Restart(message.id, message.tasks or [], bool(message.more), message.cursor)]

    def _events(self, message: Events) -> list[Result]:
        subscription = self.subscriptions.get(message.id)
        if subscription is None or not subscription.answered:
            return []
        # Exactly once: only a frame that begins where the last one ended is applied. Anything else is a
        # gap or a repetition, and the subscription starts again from its own cursor.
        if message.prev != subscription.cursor:
            subscription.answered = False
            return [self._ask(subscription)]
        subscription.cursor = message.cursor
        return [Apply(message.id, message.events, message.cursor)]

    def _heartbeat(self, message: Heartbeat) -> None:
        for ident, cursor in message.cursors.items():
            subscription = self.subscriptions.get(int(ident)) if re.fullmatch("[0-9]{1,18}", ident) else None
            if subscription is not None and subscription.answered and _later(cursor, subscription.cursor):
                subscription.cursor = cursor


def _later(cursor: str, than: str | None) -> bool:
    if than is None:
        return True
    try:
        new, old = Cursor.parse(cursor), Cursor.parse(than)
    except BadCursor:
        return False
    return new.epoch == old.epoch and new.offset > old.offset
