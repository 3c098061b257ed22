"""Call of an attempt in a process of a pool, which runs many of them, one after another."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing.util import Finalize
from typing import Any

import msgspec

from ...core.events import TaskState
from ...core.task import Task
from ...detached.run_spec import Cell
from ...producer.producer import Producer, existing_producer
from ...runtime.attempt import Attempt
from ...runtime.bootstrap import ready_producer
from ...runtime.context import set_current
from ...runtime.engines.base import run_attempt
from ...runtime.engines.calls import value_of
from ...runtime.engines.executor import PlainError
from ...runtime.engines.pool.link_server import link_server
from ...runtime.engines.pool.messages import Begin, NotBegun, Plain, PoolSpec, Returned
from ...runtime.interrupt import AsyncExceptionInterrupter, SignalInterrupter
from ...runtime.local_task import LocalTask
from ...runtime.options import Options
from ...runtime.outcome import OutcomeHolder
from ...runtime.stopping import sleep
from ...runtime.stopping.cells import learn_cells
from ...system.graces import FLUSH_TIMEOUT
from ...system.signals import ignore, restore_default
from ..functions.callables import call as call_here
from .engine import PoolEngine
from .link import Link, link_to

Interrupter = AsyncExceptionInterrupter | SignalInterrupter


class PoolCall:
    """Runs the attempt of *spec*, if it may: *content* is the pickled function with its arguments."""

    def __init__(self, spec: PoolSpec, content: bytes) -> None:
        self._spec = spec
        self._content = content

    def __reduce__(self) -> Any:
        from ...runtime.engines.executor import load_pool_call

        return load_pool_call, (self._spec, self._content)

    def __call__(self) -> Returned | Plain | NotBegun | None:
        spec = self._spec
        if spec.is_from_this_process:
            awaited = link_server().awaited(spec.task, spec.attempt)
            return NotBegun() if awaited is None else awaited.run_here()
        try:
            link = link_to(spec.address)
        except OSError as error:
            if not spec.is_from_this_host:
                return self._plain()
            return NotBegun(f"the process that submitted it cannot be reached at {spec.address}: {error}")
        return self._run(link, producer_for(spec))

    def _plain(self) -> Plain:
        set_current(None)
        try:
            function, args, kwargs = pickle.loads(self._content)  # noqa: S301 - from the executor's own channel
            return Plain(value_of(partial(function, *args, **kwargs)))
        except Exception as error:
            raise PlainError(error) from error

    def _run(self, link: Link, producer: Producer) -> Returned | NotBegun:
        spec, holder = self._spec, OutcomeHolder()
        interrupter = _interrupter()
        attempt = _attempt_of(spec, producer, holder)
        engine = attempt.engine = PoolEngine(attempt, interrupter, link)
        if not link.may_begin(Begin(spec.task, spec.attempt, producer.id, os.getpid()), engine):
            _forget(attempt)
            return NotBegun()
        with _keyboard_is_the_notebooks():
            run_attempt(attempt, self._work, interrupter)
        link.forget(spec.task, spec.attempt)
        link.report(attempt.task.fold)  # also where nothing of what is returned arrives
        fold, outcome = attempt.task.fold, holder.outcome
        if fold.state is TaskState.FAILED:
            producer.flush(FLUSH_TIMEOUT)  # before the submitting process queues the next attempt
        seen = msgspec.json.encode(fold)
        if outcome is None:
            return Returned(seen)
        return Returned(seen, outcome.value, _portable(outcome.exception))

    def _work(self) -> Any:
        learn_cells(msgspec.convert(self._spec.cells, list[Cell]))
        function, args, kwargs = pickle.loads(self._content)  # noqa: S301 - from the executor's own channel
        if threading.current_thread() is threading.main_thread():
            return call_here(function, *args, **kwargs)
        return value_of(partial(function, *args, **kwargs))


def producer_for(spec: PoolSpec) -> Producer:
    """Return this process's producer: of the same journal as the process that submits, made at first need."""
    if existing_producer() is None:
        os.environ.pop("JUPYTER_AGENT_PRODUCER", None)
        os.environ["JUPYTER_AGENT_DIR"] = spec.root
        os.environ["JUPYTER_AGENT_JOURNAL"] = spec.journal
        producer = ready_producer()
        if multiprocessing.parent_process() is not None:
            # Its end runs no exit handlers. What was not sent by then is in the spool.
            Finalize(None, producer.close, exitpriority=100)
    sleep.install()
    return ready_producer()


def _attempt_of(spec: PoolSpec, producer: Producer, holder: OutcomeHolder) -> Attempt:
    seen = Task(spec.task, name=spec.name, attempt=spec.attempt, producer=producer.id, events=1)
    options = Options(spec.name, timeout=spec.timeout, grace=spec.grace, show=False)
    attempt = LocalTask(producer, options, None, seen=seen).resume(holder)
    attempt.claims = True
    return attempt


def _forget(attempt: Attempt) -> None:
    from ...runtime.local_task import local_tasks

    attempt.task.producer.remove_sampler(attempt)
    local_tasks.discard(attempt.task)  # type: ignore[arg-type]


def _interrupter() -> Interrupter:
    if threading.current_thread() is threading.main_thread():
        return SignalInterrupter(signal.SIGTERM, foreign=_end)
    return AsyncExceptionInterrupter()


def _end() -> None:
    """End this process: a SIGTERM that it did not send itself is the pool's, which waits for its end."""
    restore_default(signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGTERM)


@contextmanager
def _keyboard_is_the_notebooks() -> Iterator[None]:
    """Within the block, the stop button of a notebook interrupts the notebook only."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, ignore)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _portable(error: BaseException | None) -> BaseException | None:
    """Return *error* if it can be pickled; ``None``: its text is in the journal."""
    try:
        return pickle.loads(pickle.dumps(error))  # type: ignore[no-any-return]  # noqa: S301 - our own
    except Exception:  # noqa: BLE001 - pickling runs the user's code, which may raise anything
        return None
