"""The forwards of all of a user's journals: asked of their servers, else of the journals themselves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from typing import TypeVar

import msgspec
from msgspec import Struct

from ...errors import AgentError, RequestRefused, ServerUnreachable
from ...forwarding.spec import ForwardSpec, ForwardStatus
from ...journal.one_shot import run_in_session
from ...journal.operations.forwards import add_forward, at_rest, forwards, remove_forward
from ...journal.session import JournalSession
from ...system.ids import new_id
from ...transport.discovery import Address, find_address
from ...transport.http import HttpClient, exchange, read
from .base import Backend, first_line
from .http import HttpBackend
from .journals import Journals

T = TypeVar("T")
CREATED = 201
NOBODY = "no server runs that could send; one is started with 'jupyter agent serve'"


class _Listed(Struct):
    forwards: list[ForwardStatus]


async def add(journals: Journals, wanted: ForwardSpec) -> tuple[ForwardStatus, bool]:
    """The forward that does what is *wanted*, and whether it is new."""

    async def work(source: Backend, slot: str) -> tuple[ForwardStatus, bool]:
        if isinstance(source, HttpBackend):
            status, body = await _ask(journals, slot, "POST", "forwards", msgspec.to_builtins(wanted))
            return read(body, ForwardStatus, _address(journals, slot)), status == CREATED
        return await _run_job(journals, slot, lambda session: _add(session, wanted))

    slot = (await journals.find(wanted.tasks[0]))[0] if wanted.tasks else _served(journals)
    return await journals.use(slot, lambda source: work(source, slot), once=True)


async def listed(journals: Journals) -> list[ForwardStatus]:
    """All forwards, oldest first. A journal that cannot be asked is named in ``journals.troubles``."""
    found = await asyncio.gather(*(_of(journals, slot) for slot in journals.slots()), return_exceptions=True)
    for error in found:
        if isinstance(error, AgentError) and len(found) > 1:
            journals.troubles.append(first_line(error))
        elif isinstance(error, BaseException):
            raise error
    known = {one.id: one for part in found if not isinstance(part, BaseException) for one in part}
    return sorted(known.values(), key=lambda one: (one.created, one.id))


async def remove(journals: Journals, ident: str) -> ForwardStatus:
    """Forget a forward; as it was. Raises `RequestRefused` when there is none."""
    wanted = ident.upper()
    for slot in journals.slots():
        for one in await _of(journals, slot):
            if one.id == wanted:
                await journals.use(slot, partial(_remove, journals, slot, wanted))
                return one
    raise RequestRefused(
        f"there is no forward {ident!r}; 'jupyter agent forward list' shows them", code="unknown_forward"
    )


async def _of(journals: Journals, slot: str) -> list[ForwardStatus]:
    async def work(source: Backend) -> list[ForwardStatus]:
        if isinstance(source, HttpBackend):
            _, body = await _ask(journals, slot, "GET", "forwards")
            found: _Listed = read(body, _Listed, _address(journals, slot))
            return found.forwards
        return await _run_job(journals, slot, _all)

    return await journals.use(slot, work)


async def _remove(journals: Journals, slot: str, ident: str, source: Backend) -> None:
    if isinstance(source, HttpBackend):
        await _ask(journals, slot, "DELETE", f"forwards/{ident}")
    else:
        await _run_job(journals, slot, lambda session: remove_forward(session.journal, ident))


def _served(journals: Journals) -> str:
    """A journal that a server holds, the default one first; that one too when none is held."""
    slots = journals.slots()
    return next((slot for slot in slots if find_address(journals.paths, slot)), slots[0])


async def _ask(
    journals: Journals, slot: str, method: str, path: str, body: object = None
) -> tuple[int, bytes]:
    with closing(HttpClient(force_instance=True)) as http:
        answer = await exchange(http, _address(journals, slot), method, path, body)
        return answer.code, answer.body


def _address(journals: Journals, slot: str) -> Address:
    address = find_address(journals.paths, slot)
    if address is None:
        raise ServerUnreachable(f"the server that had the journal {slot!r} has gone")
    return address


async def _run_job(journals: Journals, slot: str, job: Callable[[JournalSession], T]) -> T:
    take = partial(run_in_session, recover=journals.recover)
    return await asyncio.to_thread(take, journals.paths, slot, job)


def _add(session: JournalSession, wanted: ForwardSpec) -> tuple[ForwardStatus, bool]:
    record, is_new = add_forward(session.journal, wanted, new_id(), time.time())
    return at_rest(record, session.journal.head, NOBODY), is_new


def _all(session: JournalSession) -> list[ForwardStatus]:
    return [at_rest(record, session.journal.head, NOBODY) for record in forwards(session.journal)]
