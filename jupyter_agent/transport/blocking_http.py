"""Blocking HTTP client, for threads without an event loop."""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request
from functools import cache
from http.client import HTTPException

import msgspec

from ..errors import AgentError, NotNow, RequestRefused, ServerUnreachable, UnknownTask
from .discovery import Address

TIMEOUT = 30.0


class _Problem(msgspec.Struct):
    detail: str = ""
    code: str = ""


def fetch(address: Address, method: str, path: str, body: bytes | None = None, *, task_id: str = "") -> bytes:
    """The body of a 2xx answer. Raises `ServerUnreachable`, or an error with the server's sentence."""
    request = urllib.request.Request(  # noqa: S310 - the address that the holder wrote for us
        address.api(path),
        data=body,
        method=method,
        headers={**address.headers, "Accept": "application/json", "Content-Type": "application/json"},
    )
    opener = _opener(_trust(address)) if address.cert else _usual_opener()
    try:
        with opener.open(request, timeout=TIMEOUT) as answer:
            content: bytes = answer.read()
            return content
    except urllib.error.HTTPError as error:
        with error:
            raise _refused(error.code, error.read(), task_id) from None
    except (OSError, HTTPException, ValueError) as error:  # the last: an address that is none
        why = str(error).strip() or type(error).__name__
        raise ServerUnreachable(f"no server answers at {address.url} ({why})", url=address.url) from None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Nobody is followed: what opens this server is for no other."""


def _opener(trust: ssl.SSLContext | None) -> urllib.request.OpenerDirector:
    """Goes straight to the server, as its WebSocket does, whatever proxy the environment names."""
    return urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust), _NoRedirect()
    )


@cache
def _usual_opener() -> urllib.request.OpenerDirector:
    return _opener(None)


def _trust(address: Address) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=address.cert)
    context.check_hostname = False
    return context


def _refused(status: int, body: bytes, task_id: str) -> AgentError:
    try:
        problem = msgspec.json.decode(body, type=_Problem)
    except msgspec.MsgspecError:
        problem = _Problem()
    if problem.code == "unknown_task" or (status == 404 and task_id):
        return UnknownTask(f"no task {task_id} is known; ja.tasks() lists those there are", task_id=task_id)
    if problem.code == "not_now":
        return NotNow(problem.detail, task_id=task_id)
    sentence = problem.detail or f"the server answered with status {status}"
    return RequestRefused(sentence, status=status, code=problem.code)
