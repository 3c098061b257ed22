"""Authentication and authorization: Jupyter's own, or this user's key from ``holder.json``.

The key gives no additional rights: a process that can read its file can read the journal itself. It lets
kernels reach a server that has only a password.
"""

from __future__ import annotations

import copy
import hmac
from typing import TYPE_CHECKING, Any, cast

from jupyter_core.utils import ensure_async
from jupyter_server.auth import IdentityProvider, User
from tornado.web import HTTPError

from ..core.sanitize import to_single_line
from ..errors import AgentError, RequestRefused
from ..protocol.messages import RIGHTS, Right
from ..system.files import is_file_error
from ..transport.discovery import KEY_HEADER
from .services import NoJournal, Services

RESOURCE = "jupyter_agent"
_CACHED_IDENTITY = (
    *("_jupyter_current_user", "_current_user", "_token_authenticated"),
    *("_jupyterhub_user", "_cached_hub_user"),
)
"""Attributes of a handler in which Jupyter's and JupyterHub's identity providers cache their answers."""

_DETACHED = ("set_cookie", "set_header")
"""Methods that Tornado replaces on a handler that has become a WebSocket."""

if TYPE_CHECKING:
    from jupyter_server.base.handlers import JupyterHandler as _Handler
else:
    _Handler = object  # so that the MRO is the one that Jupyter's own mixins need


class KeyIdentity:
    """Jupyter's identity provider for a request that carries the key, which stands for the owner."""

    def __init__(self, provider: IdentityProvider, owner: str) -> None:
        self._provider = provider
        self._owner = owner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._provider, name)

    def get_user(self, _handler: object) -> User:
        return User(username=self._owner)

    def is_token_authenticated(self, _handler: object) -> bool:
        return True

    def should_check_origin(self, _handler: object) -> bool:
        return False


class AuthMixin(_Handler):
    """Adds the key, and checks with the authorizer, to a handler that has services."""

    given: Services | NoJournal
    """What `initialize` got."""

    _refused = False
    """Whether an `AgentError` is the answer."""

    @property
    def services(self) -> Services:
        """The services. Raises `RequestRefused` while no journal can be opened."""
        if isinstance(self.given, NoJournal):
            raise RequestRefused(self.given.why, status=503, code="unavailable")
        return self.given

    @property
    def identity_provider(self) -> IdentityProvider:
        """Jupyter's identity provider; the key's, if the request carries the key."""
        provider: IdentityProvider = super().identity_provider
        if self.has_key():
            return cast(IdentityProvider, KeyIdentity(provider, self.given.owner))
        return provider

    def _request_summary(self) -> str:
        """Describe the request for the log, without its query, which may hold a token."""
        return f"{self.request.method} {self.request.path} ({self.request.remote_ip})"

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Log as Tornado does, but an unexpected exception without the request's full address and query.

        An expected refusal, and a disk that fails, is logged at DEBUG only: the answer says it.
        """
        if isinstance(value, AgentError) or is_file_error(value):
            self._refused = True
            self.log.debug("%s %s: %s", self.request.method, self.request.path, value)
        elif isinstance(value, HTTPError):
            super().log_exception(typ, value, tb)
        else:
            self.log.error("Uncaught exception %s", self._request_summary(), exc_info=(typ, value, tb))

    def _log(self) -> None:
        """Log the request. A 503 that was meant, as while the server stops, is no ERROR of the server's."""
        if self._refused and self.get_status() >= 500:
            self.log.info("%d %s", self.get_status(), self._request_summary())
        else:
            super()._log()

    def has_key(self) -> bool:
        """Return True if the request carries this holder's key."""
        given = self.request.headers.get(KEY_HEADER, "")
        return hmac.compare_digest(given.encode(), self.given.key.encode())

    async def is_allowed(self, action: str) -> bool:
        """Return True if the current user may *action* (read, write, execute) tasks."""
        if self.has_key():
            return True
        user = self.current_user
        if not user:
            return False
        return bool(await ensure_async(self.authorizer.is_authorized(self, user, action, RESOURCE)))

    async def rights(self) -> list[Right]:
        """Return what the current user may do, so that a view shows no button that would only be refused."""
        return [action for action in RIGHTS if await self.is_allowed(action)]

    async def still_logged_in(self) -> bool:
        """Ask the identity provider again, as if this request came now; return False after a logout.

        A provider that cannot answer now (its hub is down) does not log anyone out.
        """
        if self.has_key():
            return True
        # A copy without cached answers: the provider may set cookies on it, which are never sent.
        again = copy.copy(self)
        for name in (*_CACHED_IDENTITY, *_DETACHED):
            vars(again).pop(name, None)
        try:
            user = await ensure_async(self.identity_provider.get_user(again))
        except HTTPError as error:
            return error.status_code not in (401, 403)
        if user and getattr(self.current_user, "username", None) == user.username:
            self.current_user = user  # its groups may have changed
        return bool(user)

    async def is_still_allowed(self, action: str) -> bool:
        """Return True if the user is still logged in and still may *action* tasks."""
        return await self.still_logged_in() and await self.is_allowed(action)

    @property
    def user_name(self) -> str:
        """The current user's name; Jupyter invents one for an anonymous user of a token."""
        user = self.current_user
        return to_single_line((user.display_name or user.username) if isinstance(user, User) else str(user))
