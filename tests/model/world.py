"""The model's world: servers, producers, subscribers, and what each may do next."""

from __future__ import annotations

from contextlib import suppress

from jupyter_agent.core.events import TaskState
from jupyter_agent.core.query import TaskQuery
from jupyter_agent.producer.spool_folder import Header
from jupyter_agent.system.host import host
from jupyter_agent.transport.discovery import DEFAULT

from .bugs import Bug
from .holding import Home
from .loop import HandLoop, Killed
from .oracle import Oracle, is_cancel
from .producers import ModelProducer
from .servers import LEASE, ModelServer
from .spools import ModelSpool
from .subscribers import ModelSubscriber, View
from .wires import Wire

SECOND = "default-2"
START = 1_700_000_000.0
ROUNDS = 400
"""Rounds within which everything has to be where it belongs, once nothing goes wrong any more."""


class World:
    """One user's processes, this machine's and another's."""

    def __init__(self, bug: Bug | None = None) -> None:
        self.oracle = Oracle(bug)
        self.loop = HandLoop(START)  # type: ignore[abstract]
        self.home = Home(self.oracle, self.loop.time, bug)
        self.servers: dict[str, ModelServer] = {}
        self.producers: list[ModelProducer] = []
        self.subscribers: list[ModelSubscriber] = []
        self.tasks: list[str] = []

    def start_server(self, name: str) -> None:
        if name not in self.servers:
            self.servers[name] = ModelServer(self.home, self.home.slot(name), self.loop)

    def kill_server(self, name: str) -> None:
        server = self.servers.pop(name, None)
        if server is not None:
            server.kill()

    def stop_server(self, name: str) -> None:
        server = self.servers.get(name)
        if server is not None:
            with suppress(Killed):
                server.stop()
            self.kill_server(name)

    def new_producer(self, journal: str, *, most: int = 1000, elsewhere: bool = False) -> ModelProducer:
        """A process starts; *elsewhere*: on another machine, *most*: segments of its spool."""
        where = "elsewhere" if elsewhere else host()
        header = Header(self.home.new_id(), journal, where, "", 1, self.loop.time())
        spool = ModelSpool(header, most)
        if not elsewhere:
            self.home.spools[header.producer] = spool
        producer = ModelProducer(spool, self.loop, self.oracle)
        if elsewhere:
            producer.forwarder._side.host = where
        self.producers.append(producer)
        return producer

    def new_subscriber(self) -> ModelSubscriber:
        self.subscribers.append(ModelSubscriber(self.oracle))
        return self.subscribers[-1]

    def new_task(self) -> str:
        self.tasks.append(self.home.new_id())
        return self.tasks[-1]

    def attempt_of(self, task: str) -> int:
        """Return the newest attempt that any producer has begun."""
        return max(a.number for p in self.producers for a in p.attempts if a.task == task)

    def ended_tasks(self, producer: ModelProducer) -> list[str]:
        """Tasks that *producer* may begin a new attempt of: it knows that they ended, or its journal says so
        and their producer can no longer contradict it."""
        mine = {a.task: a for a in producer.attempts}
        newest = {task: a for task, a in mine.items() if a.number == self.attempt_of(task)}
        found = [task for task, attempt in newest.items() if attempt.state.ended]
        server = self.home_of(producer)
        told = server.slot.journal.tasks(TaskQuery(limit=1000)) if server else []
        return found + [
            task.id
            for task in told
            if task.id not in newest
            and task.state.ended
            and task.attempt == self.attempt_of(task.id)
            and self._is_over(task.producer)
        ]

    def _is_over(self, producer_id: str | None) -> bool:
        """Return True if a producer is dead, its spool recovered, and no frame of it in flight."""
        wires = [wire for wire in self.wires if getattr(wire.client, "id", None) == producer_id]
        dead = all(not p.alive for p in self.producers if p.id == producer_id)
        return dead and producer_id not in self.home.spools and not wires

    def home_of(self, producer: ModelProducer) -> ModelServer | None:
        """As `find_address`: who holds its journal, or the one that took that in."""
        journal = producer.spool.header.journal
        return self.servers.get(journal if journal in self.home.slots else DEFAULT)

    def connect(self, client: ModelProducer | ModelSubscriber, which: int = 0) -> None:
        """Reconnect, unless the present connection is still there."""
        if client.wire is not None:
            return
        if isinstance(client, ModelProducer):
            server = self.home_of(client) if client.is_running else None
        else:
            running = list(self.servers.values())
            server = running[which % len(running)] if running else None
        if server is not None:
            client.connect(server)

    @property
    def all_clients(self) -> list[ModelProducer | ModelSubscriber]:
        return [*self.producers, *self.subscribers]

    @property
    def clients(self) -> list[ModelProducer | ModelSubscriber]:
        return [*(p for p in self.producers if p.is_running), *self.subscribers]

    @property
    def wires(self) -> list[Wire]:
        return [socket.wire for server in self.servers.values() for socket in server.sockets]

    def work(self, name: str) -> bool:
        """One turn of a holder's thread; being killed there ends its server."""
        server = self.servers.get(name)
        try:
            return server is not None and server.work()
        except Killed:
            self.kill_server(name)
            return True

    def flow(self) -> bool:
        """A little of everything; whether anything moved."""
        moved = False
        for producer in self.producers:
            moved |= producer.send()
        for server in list(self.servers.values()):
            server.sweep()
            for socket in server.sockets:
                moved |= socket.take()
        for name in list(self.servers):
            moved |= self.work(name)
        self.loop.settle()
        for client in self.all_clients:
            moved |= client.take()
        return moved

    def finish(self) -> None:
        """Let everything arrive and check; then let all processes die, and check how their tasks ended."""
        self._calm()
        self._drain()
        self._check()
        for producer in self.producers:
            producer.kill()
        self._drain()
        self._check()

    def _calm(self) -> None:
        """End all trouble and reconnect every client."""
        self.home.trip = None
        self.start_server(DEFAULT)
        for server in self.servers.values():
            server.holder.spoiled = False
        for producer in self.producers:
            producer.stopped = False

    def _drain(self) -> None:
        """Run twice: a producer of a merged journal finds its new journal by then."""
        for pause in (3.0, LEASE + 100.0):
            for wire in self.wires:
                wire.release()
                if not wire.client_open and wire.socket is not None:
                    wire.socket.hang_up()
            self.loop.settle()
            self._settle()
            self.loop.advance(pause)
            self._settle()
            for server in self.servers.values():
                server.look()
            self._settle()

    def _settle(self) -> None:
        for _ in range(ROUNDS):
            self._notice()
            for client in self.all_clients:
                self.connect(client)
            if not self.flow():
                return
        raise AssertionError("it never comes to rest")

    def _notice(self) -> None:
        """Let clients that received nothing for too long hang up."""
        for client in self.all_clients:
            wire = client.wire
            if wire is not None and not wire.server_open and not wire.down:
                client.hang_up()

    def _check(self) -> None:
        """Everything is everywhere."""
        for slot in self.home.slots.values():
            self.oracle.folded(slot.journal)
        for producer in self.producers:
            self._check_producer(producer)
        for subscriber in self.subscribers:
            for view in subscriber.views.values():
                self._check_view(subscriber, view)
        self._check_ends()

    def _check_producer(self, producer: ModelProducer) -> None:
        server = self.home_of(producer)
        if server is None or not (producer.alive or producer.spool.header.host == host()):
            return
        history = self.oracle.histories[server.slot.journal.epoch]
        last = history.last.get(producer.id, 0)
        safe = self.oracle.safe[producer.id]
        whole = last == producer.spool.last or (not last and safe == producer.spool.last)
        assert whole, f"{producer.id} said {producer.spool.last}, its journal has {last}"
        if producer.alive:
            self._check_commands(producer, server)

    def _check_commands(self, producer: ModelProducer, server: ModelServer) -> None:
        """Check that every living producer has handled its commands."""
        assert not server.slot.journal.pending(producer.id), "commands wait for one who is there"
        history = self.oracle.histories[server.slot.journal.epoch]
        asked = {(e.task, e.attempt) for e in history.events.values() if is_cancel(e)}
        for attempt in producer.attempts:
            was_asked = (attempt.task, attempt.number) in asked
            assert attempt.state.ended or not was_asked, f"{attempt} was not cancelled"

    def _check_view(self, subscriber: ModelSubscriber, view: View) -> None:
        assert subscriber.server is not None
        assert view.place is not None
        journal = subscriber.server.slot.journal
        history = self.oracle.histories[journal.epoch]
        assert view.place.epoch == journal.epoch, f"{view.place} is not of {journal.epoch}"
        late = [e for e in history.between(view.place.offset, journal.head) if view.wanted.wants(e)]
        missing = [event for event in late if event.offset not in history.forgotten]
        assert not missing, f"never told: {missing}"
        if view.wanted.types is not None:
            return
        for task in view.tasks.values():
            now = journal.task(task.id)
            if now is None or history.lives[task.id][0].forgotten:
                continue
            parts = ("state", "attempt", "progress", "metrics", "logs", "cancel_requested", "ended")
            seen, true = ([getattr(one, part) for part in parts] for one in (task, now))
            assert seen == true, f"{task.id}: {seen} is shown, {true} is so"

    def _check_ends(self) -> None:
        """An attempt ended as its producer said, or, where that died without a word, interrupted."""
        dead = {p.id for p in self.producers if not p.alive}
        said = {(a.task, a.number): a.state for p in self.producers for a in p.attempts if a.state.ended}
        unsent = {p.id for p in self.producers if not p.alive and p.spool.header.host != host()}
        for slot in self.home.slots.values():
            for task in slot.journal.tasks(TaskQuery(limit=1000)) if slot.holder else []:
                if self.oracle.lost_states(task.id):
                    continue
                key = (task.id, task.attempt)
                heard = self.oracle.histories[slot.journal.epoch].words[key]
                word = said.get(key) if heard else None  # else it was in an old epoch, or was deleted
                if task.producer in unsent:
                    assert task.state.ended, f"{task} has no end"
                elif word is not None:
                    assert task.state is word, f"{task} ended {word}"
                elif task.producer in dead:
                    assert task.state is TaskState.INTERRUPTED, f"{task} was interrupted"
                else:
                    assert not task.state.ended, f"{task} goes on"
