"""One HTTP request to a server: an answer, or one of the package's errors with the server's sentence."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from msgspec import Struct
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest, HTTPResponse
from tornado.iostream import StreamClosedError
from tornado.simple_httpclient import SimpleAsyncHTTPClient, _HTTPConnection

from ..core.events import UNREADABLE
from ..errors import AgentError, NotNow, RequestRefused, ServerUnreachable, UnknownTask
from .discovery import Address
from .tls import ssl_context

REQUEST_TIMEOUT = 30.0


class _Connection(_HTTPConnection):
    def on_connection_close(self) -> None:
        """A reset within an answer ends the request; Tornado's own would log it and wait for the timeout."""
        closed = StreamClosedError(real_error=self.stream.error)
        self._handle_exception(StreamClosedError, closed, None)


class HttpClient(SimpleAsyncHTTPClient):
    """Tornado's client, but an answer that breaks off is an error at once."""

    def _connection_class(self) -> type:
        return _Connection


class _Problem(Struct):
    detail: str = ""
    title: str = ""
    code: str = ""
    message: str | None = None


async def fetch(
    http: AsyncHTTPClient, address: Address, method: str, path: str, body: object = None, *, task_id: str = ""
) -> bytes:
    """The body of a 2xx answer; see `exchange`."""
    return (await exchange(http, address, method, path, body, task_id=task_id)).body


async def exchange(
    http: AsyncHTTPClient, address: Address, method: str, path: str, body: object = None, *, task_id: str = ""
) -> HTTPResponse:
    """A 2xx answer. *path* is below ``jupyter-agent/``, with its query.

    Raises `ServerUnreachable`, or `UnknownTask`, `NotNow`, `RequestRefused` with the server's sentence.
    """
    request = HTTPRequest(
        address.api(path),
        method=method,
        headers=address.headers | {"Accept": "application/json", "Content-Type": "application/json"},
        body=None if body is None else json.dumps(body),
        connect_timeout=REQUEST_TIMEOUT,
        request_timeout=REQUEST_TIMEOUT,
        follow_redirects=False,
        ssl_options=ssl_context(address),
    )
    try:
        response = await http.fetch(request, raise_error=False)
    except (OSError, HTTPClientError, ValueError) as error:  # the last: an address that is none
        raise ServerUnreachable(f"no server answers at {address.url} ({error})", url=address.url) from error
    if response.code >= 300:
        raise _refusal(response, address, task_id)
    return response


def read(body: bytes, kind: type[Any], address: Address) -> Any:
    """*body* as *kind*; raises `RequestRefused` when something else answered than this extension."""
    try:
        return msgspec.json.decode(body, type=kind)
    except UNREADABLE as error:
        raise RequestRefused(
            f"{address.url} answered something that is no jupyter_agent answer: {error}", code="bad_answer"
        ) from error


def _refusal(response: HTTPResponse, address: Address, task_id: str) -> AgentError:
    try:
        problem = msgspec.json.decode(response.body or b"{}", type=_Problem)
    except UNREADABLE:
        problem = _Problem()
    sentence = problem.detail or problem.message or problem.title
    if problem.code == "unknown_task":
        return UnknownTask(sentence or f"there is no task {task_id}", task_id=task_id)
    if problem.code == "not_now":
        return NotNow(sentence or f"task {task_id} does not allow that now", task_id=task_id)
    return RequestRefused(
        _sentence(response.code, sentence, address),
        status=response.code,
        code=problem.code or str(response.code),
    )


def _sentence(status: int, sentence: str, address: Address) -> str:
    if sentence and status not in (401, 403, 404):
        return sentence
    if status in (301, 302, 303, 307, 308, 401, 403):
        return f"{address.url} wants a login; give its token"
    if status == 404:
        return sentence or f"the server at {address.url} does not have the jupyter_agent extension"
    return f"the server at {address.url} answered with status {status}"
