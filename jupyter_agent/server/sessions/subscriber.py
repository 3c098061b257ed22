"""A subscriber's session: subscriptions and commands."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from ...core.ids import Cursor, is_ulid
from ...errors import NotNow, RequestRefused, UnknownTask
from ...journal.base import StoredEvent
from ...journal.session import JournalSession
from ...protocol.actions import encode
from ...protocol.messages import (
    CommandRequest,
    ErrorMessage,
    FromClient,
    Reply,
    Subscribe,
    Subscribed,
    Unsubscribe,
)
from ...protocol.server import ConnectionState, ServerSide
from .. import commands
from ..delivery.connections import Connection
from ..delivery.feed import SubscriptionFilter, refuse_unknown_types
from ..delivery.resume import resume, tail_messages
from ..delivery.writer import Reader
from ..services import Services

MAX_NAMED_TASKS = 1000
MAX_SUBSCRIPTIONS = 1000
_REPLY_CODES = {UnknownTask: "unknown_task", NotNow: "not_now"}


class SubscriberSession:
    """Serves one connection after its hello. *is_allowed* asks for a right of its user."""

    def __init__(
        self,
        connection: Connection,
        services: Services,
        protocol: ServerSide,
        is_allowed: Callable[[str], Awaitable[bool]],
    ) -> None:
        self._connection = connection
        self._writer = connection.writer
        self._services = services
        self._protocol = protocol
        self._is_allowed = is_allowed

    async def start(self) -> None:
        """Do what comes after the welcome."""

    async def handle(self, request: FromClient, _size: int, /) -> None:
        """Carry out one request, which came in a frame of so many characters. Raises `AgentError`."""
        match request:
            case Subscribe():
                await self._subscribe(request)
            case Unsubscribe(ident):
                self._writer.unsubscribe(ident)
            case CommandRequest():
                await self._command(request)

    def close(self, code: int | None) -> None:
        """Leave the registry; *code* is the close code, if one came. Idempotent."""
        self._services.registry.remove(self._connection, code)

    def _refuse(self, code: str, message: str, ident: int | None = None) -> None:
        self._writer.post(encode(ErrorMessage(code, message, False, ident)))

    async def _subscribe(self, request: Subscribe) -> None:
        if len(request.tasks) > MAX_NAMED_TASKS or len(self._writer.readers) >= MAX_SUBSCRIPTIONS:
            sentence = (
                f'at most {MAX_NAMED_TASKS} tasks by name and {MAX_SUBSCRIPTIONS} subscriptions; use "*"'
            )
            self._refuse("bad_request", sentence, request.id)
            return
        try:
            refuse_unknown_types(request.types or ())
        except RequestRefused as error:
            self._refuse(error.code, str(error), request.id)
            return
        event_filter = SubscriptionFilter(
            None if request.tasks == "*" else frozenset(request.tasks),
            None if request.types is None else frozenset(request.types),
        )
        answer, tail, head = await self._resumed(request, event_filter)
        self._services.annotated(answer.tasks or [])
        if self._protocol.state is ConnectionState.CLOSED:
            return
        self._writer.post(encode(answer))
        for frame in tail_messages(request.id, Cursor.parse(answer.cursor), tail, head):
            self._writer.post(frame)
        # The reader goes on from *head*, as it was when the snapshots were read, and not from the feed's head
        # of now: what was committed since is in no snapshot, and is delivered from the journal or the feed.
        self._writer.subscribe(Reader(request.id, event_filter, str(head), head.offset, head.epoch))

    async def _resumed(
        self, request: Subscribe, event_filter: SubscriptionFilter
    ) -> tuple[Subscribed, list[StoredEvent], Cursor]:
        """See `resume`; tasks that the journal does not know yet are looked for in the spools first."""

        def job(session: JournalSession) -> tuple[tuple[Subscribed, list[StoredEvent], Cursor], list[str]]:
            named = event_filter.tasks or ()
            unknown = [name for name in named if is_ulid(name) and session.journal.task(name) is None]
            return resume(session, request, event_filter), unknown

        resumed, unknown = await self._services.feed.call(job)
        if unknown:
            await self._services.read_spools_of(unknown)
            resumed, _ = await self._services.feed.call(job)
        return resumed

    async def _command(self, request: CommandRequest) -> None:
        self._writer.post(encode(await self._submit(request)))

    async def _submit(self, request: CommandRequest) -> Reply:
        if not await self._is_allowed("write"):
            return Reply(request.id, False, "forbidden", "this user may not command tasks")
        command = commands.RequestedCommand(
            request.task, request.command, self._connection.user, request.attempt, request.args
        )
        try:
            await commands.submit_command(self._services, command)
        except RequestRefused as error:
            return Reply(request.id, False, error.code, str(error))
        except (UnknownTask, NotNow) as error:
            return Reply(request.id, False, _REPLY_CODES[type(error)], str(error))
        return Reply(request.id, True)
