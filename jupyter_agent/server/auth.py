"""Who may come in: Jupyter's own identity and authorizer, or this user's key from ``holder.json``.

The key is readable by whoever can read the journal itself, so it gives nothing more; it lets kernels
reach a server that has only a password.
"""

from __future__ import annotations

import copy
import hmac
from typing import TYPE_CHECKING, Any, cast

from jupyter_core.utils import ensure_async
from jupyter_server.auth import IdentityProvider, User
from tornado.web import HTTPError

from ..core.sanitize import to_single_line
from ..transport.discovery import KEY_HEADER
from .services import Services

RESOURCE = "jupyter_agent"
_ANSWERED = (
    *("_jupyter_current_user", "_current_user", "_token_authenticated"),
    *("_jupyterhub_user", "_cached_hub_user"),
)
"""Where Jupyter's and JupyterHub's identity providers keep on a handler what they once said."""

_CLOSED = ("set_cookie", "set_header")
"""What Tornado takes from a handler that has become a WebSocket."""

if TYPE_CHECKING:
    from jupyter_server.base.handlers import JupyterHandler as _Handler
else:
    _Handler = object  # so that Jupyter's classes come in the order their own mixins need


class KeyIdentity:
    """The identity provider of a request that carries the key; everything else is the server's own."""

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
    """Adds the key, and the authorizer with our resource, to a handler that has ``services``."""

    services: Services

    @property
    def identity_provider(self) -> IdentityProvider:
        """Jupyter's identity provider, or the key's."""
        provider: IdentityProvider = super().identity_provider
        if self.has_key():
            return cast(IdentityProvider, KeyIdentity(provider, self.services.owner))
        return provider

    def _request_summary(self) -> str:
        """For the log: without the query, which may be a token."""
        return f"{self.request.method} {self.request.path} ({self.request.remote_ip})"

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """As Tornado does, but what is no answer of ours is told without the request's address and query."""
        if isinstance(value, HTTPError):
            super().log_exception(typ, value, tb)
        else:
            self.log.error("Uncaught exception %s", self._request_summary(), exc_info=(typ, value, tb))

    def has_key(self) -> bool:
        """Whether the request carries this holder's key."""
        given = self.request.headers.get(KEY_HEADER, "")
        return hmac.compare_digest(given.encode(), self.services.key.encode())

    async def is_allowed(self, action: str) -> bool:
        """Whether the present user may *action* (read, write, execute) tasks."""
        if self.has_key():
            return True
        user = self.current_user
        if not user:
            return False
        return bool(await ensure_async(self.authorizer.is_authorized(self, user, action, RESOURCE)))

    async def still_logged_in(self) -> bool:
        """Ask the identity provider again, as if this request came now.

        One that cannot tell at the moment (its hub is away) leaves things as they are.
        """
        if self.has_key():
            return True
        again = copy.copy(self)  # may be given cookies, which go nowhere
        for name in (*_ANSWERED, *_CLOSED):
            vars(again).pop(name, None)
        try:
            user = await ensure_async(self.identity_provider.get_user(again))
        except HTTPError as error:
            return error.status_code not in (401, 403)
        if user and getattr(self.current_user, "username", None) == user.username:
            self.current_user = user  # whose groups may be others by now
        return bool(user)

    async def is_still_allowed(self, action: str) -> bool:
        """Whether whoever asked may go on with *action*."""
        return await self.still_logged_in() and await self.is_allowed(action)

    @property
    def user_name(self) -> str:
        """What the present user is called (an anonymous user of a token is given a name by Jupyter)."""
        user = self.current_user
        return to_single_line((user.display_name or user.username) if isinstance(user, User) else str(user))
