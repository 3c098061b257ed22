"""Base classes of the HTTP handlers. Errors are answered as RFC 9457 problem details."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, ClassVar, NoReturn

import msgspec
from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.services.contents.fileio import FileManagerMixin
from tornado.web import HTTPError, RequestHandler, authenticated

from ...core.task import Task
from ...errors import AgentError, RequestRefused
from ...journal.session import JournalSession
from ...system.files import is_file_error
from ...transport.problem import status_and_code
from ..auth import AuthMixin
from ..interface.bodies import ProblemDetails
from ..interface.operation import Parameter
from ..origin import refused
from ..services import NoJournal, Services
from .accept import wants_page

MAX_LIMIT = 1000
LOGIN_HEADER = "Jupyter-Agent-Login"
"""Marks a refusal that a login would change; a page then renews its cookies."""
PREFLIGHT_HEADERS = "accept, authorization, content-type, last-event-id, x-xsrftoken"
"""What a page of another origin may send, where ``c.ServerApp.headers`` does not say."""
JUPYTERS_PARAMETERS = ("token", "_xsrf", "_")
"""Parameters that Jupyter's handlers and pages know everywhere; numbers alone only keep caches away."""

_encode = msgspec.json.Encoder().encode


class BadRequest(RequestRefused):
    """A request that cannot be understood."""

    def __init__(self, message: str) -> None:
        super().__init__(message, status=400, code="bad_request")


def refuse_unknown(names: Iterable[str], what: str, known: Collection[str]) -> None:
    """Raise `BadRequest` that names what is not *known*: a misspelt field would be ignored without a word."""
    unknown = [repr(name[:40]) for name in names if name not in known]
    if unknown:
        raise BadRequest(f"{what} has no {', '.join(unknown[:5])}; it has {', '.join(known)}")


class AgentHandler(AuthMixin, JupyterHandler):
    """Base of all handlers: rights by method, problem details for every error.

    A request without a login is redirected to the login page, as Jupyter does; see `ApiHandler`.
    """

    actions: ClassVar = {"GET": "read", "HEAD": "read"}
    """Method to the action that it needs; any other method needs ``write``."""

    parameters: ClassVar[Mapping[str, Parameter] | None] = None
    """What a query of GET may have, beside `JUPYTERS_PARAMETERS`; ``None``: anything, for any method.

    Other methods take what they need from their body.
    """

    def __init_subclass__(cls) -> None:
        """Answer HEAD as GET, which Tornado sends without its body."""
        super().__init_subclass__()
        if "get" in vars(cls):
            cls.head = cls.get

    def set_default_headers(self) -> None:
        super().set_default_headers()
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("Cross-Origin-Resource-Policy", "same-origin")
        self.set_header("Cache-Control", "no-store")

    def initialize(self, services: Callable[[], Services | NoJournal]) -> None:
        self.given = services()

    async def prepare(self) -> None:  # type: ignore[override]
        await super().prepare()
        if getattr(
            getattr(self, (self.request.method or "").lower(), None), "__allow_unauthenticated", False
        ):
            return
        if not self.current_user and not self._finished:
            if self.request.method not in (
                "GET",
                "HEAD",
            ):  # which Tornado refuses without a word about logins
                _require_login()
            authenticated(lambda _: None)(self)  # redirects to `get_login_url`, which may raise instead
        if self._finished:
            return
        if not self.check_origin():
            raise HTTPError(403, refused(self.request.headers["Origin"], self.request.host))
        action = self.actions.get(self.request.method or "", "write")
        if not await self.is_allowed(action):
            raise HTTPError(403, f"this user may not {action} tasks")
        if self.request.method not in allowed_methods(type(self)):
            raise HTTPError(405)
        self._refuse_unknown_parameters()

    def check_xsrf_cookie(self) -> None:
        """Check it as Jupyter does, whose 404 for a page from elsewhere tells a user no reason."""
        user = getattr(self, "_jupyter_current_user", None)  # Tornado's own call comes too early
        if user and self.request.method not in ("GET", "HEAD") and not self.check_origin():
            raise HTTPError(404, refused(self.request.headers["Origin"], self.request.host))
        super().check_xsrf_cookie()

    def _refuse_unknown_parameters(self) -> None:
        """Raise `BadRequest` that names what the query has and this address does not: it may be misspelt."""
        if self.parameters is None:
            return
        here = self.parameters if self.request.method in ("GET", "HEAD") else ()
        known = (*here, *JUPYTERS_PARAMETERS)
        unknown = [name for name in self.request.query_arguments if name not in known and not name.isdigit()]
        if unknown:
            what = ", ".join(repr(name[:40]) for name in unknown[:5])
            there_are = f"; there are {', '.join(here)}" if here else ""
            raise BadRequest(f"there is no parameter {what} here{there_are}")

    @allow_unauthenticated
    def options(self, *_args: str) -> None:
        """Answer a browser's preflight, which carries no login; `set_cors_headers` names the origin."""
        headers = self.settings.get("headers", {})
        allowed = headers.get("Access-Control-Allow-Headers", PREFLIGHT_HEADERS)
        self.set_header("Access-Control-Allow-Headers", allowed)
        self.set_header("Access-Control-Allow-Methods", "GET, HEAD, POST, PATCH, DELETE, OPTIONS")
        self.set_status(204)
        self.finish()

    def write_json(self, value: object, status: int = 200) -> None:
        """Answer with *value* as JSON."""
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        self.finish(_encode(value))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        write_problem(self, status_code, **kwargs)

    def get_int_argument(self, name: str, default: int = 0) -> int:
        """Return a declared whole number, or its *default*. Raises `BadRequest`."""
        declared = (self.parameters or {})[name]
        maximum, text = declared.maximum or 0, self.get_query_argument(name, None)
        if text is None:
            return declared.default or default
        if not (text.isascii() and text.isdigit() and len(text) <= 10 and 1 <= int(text) <= maximum):
            raise BadRequest(f"{name} must be a whole number from 1 to {maximum}, not {text[:40]!r}")
        return int(text)

    def json_body(self) -> dict[str, Any]:
        """Return the request's JSON object. Raises `BadRequest`."""
        try:
            body = msgspec.json.decode(self.request.body)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
            raise BadRequest(f"the body is not JSON: {str(error)[:100]}") from error
        if not isinstance(body, dict):
            raise BadRequest("the body must be a JSON object")
        return body

    def known_json_body(self, what: str, known: Collection[str]) -> dict[str, Any]:
        """Return the request's JSON object, which has only *known* fields. Raises `BadRequest`."""
        body = self.json_body()
        refuse_unknown(body, what, known)
        return body

    @property
    def home(self) -> str:
        """The root folder of the server's contents; the user's home when contents are not files."""
        manager = self.contents_manager
        return str(manager.root_dir) if isinstance(manager, FileManagerMixin) else str(Path.home())

    async def task(self, task_id: str) -> Task:
        """Return the snapshot of a task. Raises `UnknownTask`."""
        services = self.services

        def job(session: JournalSession) -> list[Task]:
            return [services.existing_task(session, task_id)]

        _, tasks = await services.ask_about(task_id, lambda: services.feed.snapshots(job))
        return services.annotated(tasks)[0]


class ApiHandler(AgentHandler):
    """Base of what only programs request: without a login they get a 403, not a login page."""

    parameters: ClassVar[Mapping[str, Parameter] | None] = {}

    def get_login_url(self) -> NoReturn:
        _require_login()


class BrowserHandler(AgentHandler):
    """Base of what programs request and browsers navigate to: only the latter get the login page."""

    def get_login_url(self) -> str:
        if not wants_page(self.request.headers.get("Accept", "")):
            _require_login()
        return super().get_login_url()


class LoginRequired(HTTPError):
    """The request has no login that counts."""

    def __init__(self) -> None:
        super().__init__(403, "log in, or give a token")


def _require_login() -> NoReturn:
    raise LoginRequired


def write_problem(handler: RequestHandler, status_code: int, **kwargs: Any) -> None:
    """Answer with a problem detail about the error in *kwargs*, which are those of `write_error`."""
    error = kwargs.get("exc_info", (None, None, None))[1]
    status, code, detail = _problem(status_code, error)
    handler.set_status(status)
    handler.set_header("Content-Type", "application/problem+json")
    if isinstance(error, LoginRequired) or _is_about_xsrf(error):
        handler.set_header(LOGIN_HEADER, "required")
    if status == HTTPStatus.METHOD_NOT_ALLOWED:  # RFC 9110 wants to know which ones are
        handler.set_header("Allow", ", ".join(allowed_methods(type(handler))))
    title = HTTPStatus(status).phrase
    handler.finish(_encode(ProblemDetails(title, status, detail, code)))


def allowed_methods(handler: type[RequestHandler]) -> list[str]:
    """Return the methods that *handler* has."""
    return [name for name in RequestHandler.SUPPORTED_METHODS if _has(handler, name.lower())]


def _has(handler: type[RequestHandler], name: str) -> bool:
    return getattr(handler, name) is not getattr(RequestHandler, name)


def _is_about_xsrf(error: BaseException | None) -> bool:
    """Return True for Tornado's, Jupyter's and JupyterHub's refusals of a token against forged requests."""
    return isinstance(error, HTTPError) and error.status_code == 403 and "XSRF" in str(error).upper()


def disk_sentence(error: OSError) -> str:
    """Return what does not work, without the name of the exception."""
    why = error.strerror or str(error)
    return f"{error.filename} cannot be used: {why}" if error.filename else f"the disk fails: {why}"


def _problem(status: int, error: BaseException | None) -> tuple[int, str, str]:
    if isinstance(error, AgentError):
        return *status_and_code(error), str(error)
    if is_file_error(error):
        return 503, "unavailable", disk_sentence(error)
    detail = ""
    if isinstance(error, HTTPError):
        detail = error.log_message or ""
    phrase = HTTPStatus(status).phrase
    return status, phrase.lower().replace(" ", "_"), detail or phrase
