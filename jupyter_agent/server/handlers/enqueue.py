"""Enqueueing over HTTP: decoding the body of ``POST tasks`` or ``POST schedules``, and queueing a task."""

from __future__ import annotations

import msgspec

from ...core.task import Task
from ...detached.key_lock import hold_key_on_loop
from ...detached.run_spec import RunSpec
from ...detached.submission import Submission
from ...journal.operations.detached_tasks import enqueue_task
from ...journal.session import JournalSession, PreemptibleJob, Urgency
from ..services import Services
from .base import BadRequest, refuse_unknown


def read_submission(body: bytes) -> Submission:
    """Decode a submission. Raises `BadRequest` with a sentence about what does not fit."""
    try:
        given = msgspec.json.decode(body)
        if isinstance(given, dict):
            refuse_unknown(given, "a task", Submission.__struct_fields__)
        return msgspec.json.decode(body, type=Submission)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        what = str(error)[:200].replace("`", "'")
        raise BadRequest(f'{what}; send {{"target": "notebook.ipynb"}} and what else it needs') from error


async def enqueue(services: Services, run_spec: RunSpec) -> tuple[Task, bool]:
    """Queue *run_spec* and wake the supervisor, which starts its worker; return the task and if it is new."""
    feed = services.feed

    def job(session: JournalSession) -> tuple[Task, bool]:
        return enqueue_task(session, services.paths, feed.holder.slot.name, run_spec)

    key = run_spec.about.key
    if key is not None:
        await services.find_places()
    async with hold_key_on_loop(services.paths, key):
        # Two of the same urgency run one after the other, so the second one finds what the first has queued,
        # also when it did not get the lock in time.
        task, is_new = await feed.call(job if key is None else PreemptibleJob(job, Urgency.LOOKUP))
    services.supervisor.wake()
    return services.annotated([task])[0], is_new
