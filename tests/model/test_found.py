"""What the model found, each as the shortest story that shows it."""

from __future__ import annotations

import pytest

from jupyter_agent.core.events import Progress, TaskState
from jupyter_agent.errors import JournalError
from jupyter_agent.transport.discovery import DEFAULT

from .machine import Delivery
from .oracle import Wanted
from .producers import ModelProducer
from .servers import LEASE
from .world import SECOND, World


@pytest.fixture
def world() -> World:
    """One server."""
    world = World()
    world.start_server(DEFAULT)
    return world


def running(world: World) -> ModelProducer:
    """A producer with one running task, everything committed."""
    producer = world.new_producer(DEFAULT)
    producer.begin(world.new_task(), 1)
    world.connect(producer)
    flow(world)
    return producer


def flow(world: World) -> None:
    while world.flow():
        pass


def test_late_progress_of_an_old_attempt_does_not_hide_that_of_the_present_one(world: World) -> None:
    producer = running(world)
    subscriber = world.new_subscriber()
    subscriber.subscribe(1, Wanted(), None)
    world.connect(subscriber)
    flow(world)
    subscriber.hang_up()
    task = world.tasks[0]
    producer.end(producer.attempts[0], TaskState.FAILED)
    producer.begin(task, 2)
    producer.emit(task, 2, "progress", Progress(7, 10))
    producer.emit(task, 1, "progress", Progress(3, 10))
    flow(world)
    world.stop_server(DEFAULT)  # so that the next one reads its pages from the journal
    world.finish()
    assert subscriber.views[1].tasks[task].progress is not None


def test_a_command_of_a_new_journal_is_not_taken_for_one_of_the_old(world: World) -> None:
    """Offsets begin again in a new epoch, and the producer has seen some of them already."""
    producer = running(world)
    producer.say(producer.attempts[0], 2)
    subscriber = world.new_subscriber()
    world.connect(subscriber)
    flow(world)
    for _ in range(2):
        subscriber.command(world.tasks[0], None, "input")
        flow(world)
    world.servers[DEFAULT].holder.spoiled = True
    producer.say(producer.attempts[0], 2)
    flow(world)
    world.loop.advance(2.0)
    flow(world)
    subscriber.command(world.tasks[0], None, "cancel")
    flow(world)
    orders = [(order.offset, order.command) for order in producer.orders]
    assert orders == [(4, "input"), (5, "input"), (5, "cancel")]


def test_a_task_deleted_in_a_merged_journal_leaves_no_gap_in_its_producers_numbers(world: World) -> None:
    """The merged journal accounts for the numbers; the spool has them, too, and brings nothing new."""
    world.start_server(SECOND)
    producer = world.new_producer(SECOND)
    producer.begin(world.new_task(), 1)
    world.connect(producer)
    flow(world)
    producer.end(producer.attempts[0], TaskState.FAILED)
    world.flow()
    world.servers[SECOND].delete(world.tasks[0])
    world.stop_server(SECOND)
    world.finish()


def test_a_producer_that_comes_back_during_recovery_is_not_interrupted(world: World) -> None:
    """Recovery yields to other jobs; then it interrupts what is gone."""
    far = world.new_producer(DEFAULT, elsewhere=True)
    far.begin(world.new_task(), 1)
    world.connect(far)
    flow(world)
    server = world.servers[DEFAULT]
    server.sockets[0].hang_up()
    dead = world.new_producer(DEFAULT)
    dead.begin(world.new_task(), 1)
    for _ in range(6):
        dead.say(dead.attempts[0], 2)
    dead.kill()
    world.loop.advance(LEASE + 1.0)
    server.look()
    far.connect(server)
    flow(world)
    task = server.slot.journal.task(world.tasks[0])
    assert task is not None
    assert task.state is TaskState.RUNNING


def test_a_replaced_journal_gets_at_once_what_its_producers_still_have(world: World) -> None:
    """They had their acks, and the old journal had the events: nobody would send them again."""
    producer = running(world)
    server = world.servers[DEFAULT]
    producer.end(producer.attempts[0], TaskState.COMPLETED)
    flow(world)
    server.holder.spoiled = True
    server.delete(world.new_task())
    flow(world)
    task = server.slot.journal.task(world.tasks[0])
    assert task is not None
    assert task.state is TaskState.COMPLETED


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_a_spool_that_was_read_half_is_read_to_its_end(world: World, cut: int) -> None:
    """Someone asks for a task; the disk is full in the middle of its spool, and the task is known then."""
    producer = running(world)
    producer.end(producer.attempts[0], TaskState.COMPLETED)
    flow(world)
    server = world.servers[DEFAULT]
    subscriber = world.new_subscriber()
    world.connect(subscriber)
    flow(world)
    producer.hang_up()
    server.sockets[0].hang_up()
    server.holder.spoiled = True
    server.delete(world.new_task())
    world.home.trip = (cut - 1, JournalError)
    subscriber.command(world.tasks[0], None, "input")
    while server.sockets[-1].take() or world.work(DEFAULT):
        world.loop.settle()
    known = server.slot.journal.producer(producer.id)
    assert (known.last_n if known else 0) == (0 if cut == 1 else 2 if cut == 2 else 3)
    world.home.trip = None
    world.connect(producer)
    flow(world)
    known = server.slot.journal.producer(producer.id)
    assert known is not None
    assert known.last_n == producer.spool.last == 3


def test_a_task_of_which_only_losses_are_known_is_its_producers_and_goes_on() -> None:
    """Its first events were in the journal that was replaced, and a full spool has dropped all others."""
    story = Delivery()
    story.begin(shape=2)
    story.rest()
    story.emit(what=1, who=1)
    story.turn(what=4, who=1)
    story.emit(what=2, who=1)
    story.emit(what=3, who=5)
    story.trouble(how=3, which=0)
    story.turn(what=0, who=1)
    story.turn(what=4, who=4)
    story.turn(what=0, who=2)
    story.teardown()
