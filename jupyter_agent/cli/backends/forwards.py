"""The forwards of all of a user's journals: asked of their servers, else read from the journals."""

from __future__ import annotations

import asyncio
import time
from typing import TypeVar

import msgspec
from msgspec import Struct

from ...errors import AgentError, RequestRefused
from ...forwarding.spec import ForwardSpec, ForwardStatus
from ...journal.operations.forwards import add_forward, forwards, idle_status, remove_forward
from ...journal.session import JournalSession
from ...system.ids import new_id
from ...transport.discovery import find_address
from .base import Backend, first_line
from .http import CREATED, HttpBackend
from .journals import Journals
from .local import LocalBackend
from .references import fitting, why_not_one

T = TypeVar("T")
NO_SENDER = "no server runs that could send; one is started with 'jupyter agent serve'"


class _Forwards(Struct):
    forwards: list[ForwardStatus]


async def add(journals: Journals, spec: ForwardSpec) -> tuple[ForwardStatus, bool]:
    """Return the forward that does what *spec* says, and whether it is new."""
    slot = (await journals.find(spec.tasks[0]))[0] if spec.tasks else _served_slot(journals)
    return await journals.use(slot, lambda backend: _add(backend, spec), once=True)


async def list_forwards(journals: Journals) -> list[ForwardStatus]:
    """Return all forwards, oldest first. A journal that cannot be asked is named in ``journals.troubles``."""
    slots = journals.slots()
    found = await asyncio.gather(*(journals.use(slot, _list) for slot in slots), return_exceptions=True)
    for error in found:
        if isinstance(error, AgentError) and len(found) > 1:
            journals.troubles.append(first_line(error))
        elif isinstance(error, BaseException):
            raise error
    known = {one.id: one for part in found if not isinstance(part, BaseException) for one in part}
    return sorted(known.values(), key=lambda one: (one.created, one.id))


async def remove(journals: Journals, reference: str) -> ForwardStatus:
    """Remove a forward and return its last status. Raises `RequestRefused` when there is none; see `fitting`.

    The address of a forward counts as its name.
    """
    known = {one.id: (slot, one) for slot in journals.slots() for one in await journals.use(slot, _list)}
    newest_first = sorted((one for _, one in known.values()), key=lambda one: one.created, reverse=True)
    found = fitting(reference, ((one.id, one.url) for one in newest_first))
    if len(found) != 1:
        raise RequestRefused(why_not_one(reference, len(found), "forward", "forward"), code="unknown_forward")
    slot, forward = known[found[0]]
    await journals.use(slot, lambda backend: _remove(backend, forward.id))
    return forward


async def _add(backend: Backend, spec: ForwardSpec) -> tuple[ForwardStatus, bool]:
    if isinstance(backend, HttpBackend):
        response = await backend.send("POST", "forwards", msgspec.to_builtins(spec))
        return backend.decode(response, ForwardStatus), response.code == CREATED

    def job(session: JournalSession) -> tuple[ForwardStatus, bool]:
        record, is_new = add_forward(session.journal, spec, new_id(), time.time())
        return idle_status(record, session.journal.head, NO_SENDER), is_new

    return await _local(backend).run(job)


async def _list(backend: Backend) -> list[ForwardStatus]:
    if isinstance(backend, HttpBackend):
        page: _Forwards = await backend.get("forwards", _Forwards)
        return page.forwards

    def job(session: JournalSession) -> list[ForwardStatus]:
        return [idle_status(record, session.journal.head, NO_SENDER) for record in forwards(session.journal)]

    return await _local(backend).run(job)


async def _remove(backend: Backend, ident: str) -> None:
    if isinstance(backend, HttpBackend):
        await backend.send("DELETE", f"forwards/{ident}")
    else:
        await _local(backend).run(lambda session: remove_forward(session.journal, ident))


def _local(backend: Backend) -> LocalBackend:
    assert isinstance(backend, LocalBackend)
    return backend


def _served_slot(journals: Journals) -> str:
    """Return a journal that a server holds, the default one first; the default one when no server runs."""
    slots = journals.slots()
    return next((slot for slot in slots if find_address(journals.paths, slot)), slots[0])
