"""Passing a request on to the server that holds what it is about."""

from __future__ import annotations

from tornado.httpclient import HTTPClientError, HTTPRequest, HTTPResponse

from ...errors import RequestRefused
from ...transport.discovery import Address
from ...transport.http import REQUEST_TIMEOUT, HttpClient
from ...transport.tls import ssl_context
from .base import AgentHandler


async def proxy_request(
    handler: AgentHandler, address: Address, path: str, body: bytes | None = None
) -> None:
    """Answer as the server at *address* answers for *path*, which is below ``jupyter-agent/``.

    Whoever asks has been let in already; the other server is asked with this user's key.
    """
    request = HTTPRequest(
        address.api(path),
        method=handler.request.method or "GET",
        headers=address.headers | {"Content-Type": "application/json"},
        body=body,
        request_timeout=REQUEST_TIMEOUT,
        follow_redirects=False,
        ssl_options=ssl_context(address),
    )
    answer = await _answer(request)
    handler.set_status(answer.code)
    if location := answer.headers.get("Location"):
        _, _, below = location.partition("jupyter-agent/")
        handler.set_header("Location", f"{handler.base_url}jupyter-agent/{below}")
    if answer.body:
        handler.set_header("Content-Type", answer.headers.get("Content-Type", "application/json"))
    handler.finish(answer.body or None)


async def _answer(request: HTTPRequest) -> HTTPResponse:
    client = HttpClient(force_instance=True)
    try:
        return await client.fetch(request, raise_error=False)
    except (OSError, HTTPClientError) as error:
        sentence = f"the server that holds the journal 'default' does not answer ({error})"
        raise RequestRefused(sentence, status=503, code="unavailable") from error
    finally:
        client.close()
